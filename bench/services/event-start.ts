import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../parts.ts';
import { atMost, median } from '../report.ts';
import { running, stopped } from './bot-watch.ts';
import { FirstCalls } from './first-calls.ts';
import { botOf, idsOf, runnerInProcess, withServices } from './scene.ts';
import { spread } from './spread.ts';

const BAR_MS = 50;
/** Of a bot that was just started or ended, so that what Docker does about it is not measured with the next one. */
const REST_MS = 100;

/**
 * From just before an event is published to the call of Docker that it leads to, one event at a time: a bot that is new, one
 * that runs and is changed (its container is stopped first), one that is enabled again.
 */
export const eventStart: Part = async (short) => {
  const bots = short ? 8 : 50;
  return await withServices(async (deployment) => {
    const calls = new FirstCalls();
    const runtime = await runnerInProcess(deployment, {}, { trace: calls.trace });
    const { api } = deployment;
    const publish = (change: string, id: string, config = {}) => api.publish(`bot.${change}`, botOf({ id, config }));
    const [created, changed, enabled, started]: [number[], number[], number[], number[]] = [[], [], [], []];
    try {
      // The first bot of all is not counted: nothing is connected or compiled yet.
      for (const [nth, id] of idsOf('event', bots + 1).entries()) {
        const forNew = await calls.after(id, () => publish('created', id));
        await running(runtime, id);
        const startOfNew = calls.startMs;
        await sleep(REST_MS);
        const forChange = await calls.after(id, () => publish('updated', id, { n: 2 }));
        await running(runtime, id);
        await publish('updated', id, { n: 2, enabled: false });
        await stopped(runtime, id);
        await sleep(REST_MS);
        const forEnabled = await calls.after(id, () => publish('updated', id, { n: 2, enabled: true }));
        await running(runtime, id);
        const startOfEnabled = calls.startMs;
        await publish('deleted', id);
        await stopped(runtime, id);
        await sleep(REST_MS);
        if (nth === 0) continue;
        created.push(forNew);
        changed.push(forChange);
        enabled.push(forEnabled);
        started.push(startOfNew, startOfEnabled);
      }
    } finally {
      calls.close();
      await runtime.stopBots();
      await runtime.close();
    }
    const all = [...created, ...enabled];
    return {
      rows: [
        atMost(`event on NATS to Docker's create, ${all.length} new and enabled bots, p50`, median(all), BAR_MS, 'ms'),
        {
          ...atMost(
            'the same until Docker, which has created the container by then, is told to start it, p50',
            median(started),
            BAR_MS,
            'ms',
          ),
          bar: 'shown only',
          pass: true,
        },
        atMost(
          `event on NATS to Docker's stop, ${bots} bots that run and are changed, p50`,
          median(changed),
          BAR_MS,
          'ms',
        ),
      ],
      notes: [
        `New bots ${spread(created)}; enabled ones ${spread(enabled)}; changed ones ${spread(changed)} ms. Each new bot also gets keys of its own to the object store, made while Docker creates its container.`,
      ],
    };
  });
};
