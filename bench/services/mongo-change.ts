import { setTimeout as sleep } from 'node:timers/promises';
import { botsOf } from '../../src/desired/mongodb/collections.ts';
import type { Deployment } from '../../test/e2e/services/deployment.ts';
import type { Part } from '../parts.ts';
import { atMost, median, type Row } from '../report.ts';
import { running, stopped } from './bot-watch.ts';
import { FirstCalls } from './first-calls.ts';
import { idsOf, insert, runnerInProcess, withServices } from './scene.ts';
import { spread } from './spread.ts';

const WATCHED_BAR_MS = 1_000;
/** The default is half a minute; how the time of a change falls into the interval does not depend on its length. */
const REREAD_MS = 3_000;
const REST_MS = 100;

/** A document that is written by hand, without an event on NATS, to the call of Docker that it leads to. */
export const mongoChange: Part = async (short) => {
  const [watchedBots, rereadBots] = short ? [4, 1] : [40, 12];
  const watched = await withServices((deployment) => changesOf(deployment, watchedBots, 0));
  const reread = await withServices((deployment) => changesOf(deployment, rereadBots, REREAD_MS), {
    changeStreams: false,
  });
  const rows: Row[] = [
    atMost(
      `document written in MongoDB to Docker's create, change streams, worst of ${watched.length}`,
      Math.max(...watched),
      WATCHED_BAR_MS,
      'ms',
    ),
    atMost(
      `the same without change streams, read again every ${REREAD_MS / 1_000} s, worst of ${reread.length}`,
      Math.max(...reread),
      REREAD_MS,
      'ms',
    ),
  ];
  return {
    rows,
    notes: [
      `With change streams ${spread(watched)} ms, p50 ${median(watched).toFixed(1)}; without ${spread(reread)} ms.`,
    ],
  };
};

/** @param phaseMs changes fall anywhere into an interval of this length */
async function changesOf(deployment: Deployment, count: number, phaseMs: number): Promise<number[]> {
  const calls = new FirstCalls();
  const flags = { 'nats-url': '', 'reconcile-interval': `${REREAD_MS}ms` };
  const runtime = await runnerInProcess(deployment, flags, { trace: calls.trace });
  const documents = botsOf(deployment.client, 'realtime');
  const enable = (id: string, enabled: boolean) => documents.updateOne({ id }, { $set: { 'config.enabled': enabled } });
  const took: number[] = [];
  try {
    for (const [nth, id] of idsOf('written', count + 1).entries()) {
      await sleep(REST_MS + Math.random() * phaseMs);
      const forNew = await calls.after(id, () => insert(deployment, [{ id }]));
      await running(runtime, id);
      await enable(id, false);
      await stopped(runtime, id);
      await sleep(REST_MS + Math.random() * phaseMs);
      const forEnabled = await calls.after(id, () => enable(id, true));
      await running(runtime, id);
      await documents.deleteOne({ id });
      await stopped(runtime, id);
      // Of the first one nothing is connected or compiled yet.
      if (nth > 0) took.push(forNew, forEnabled);
    }
  } finally {
    calls.close();
    await runtime.stopBots();
    await runtime.close();
  }
  return took;
}
