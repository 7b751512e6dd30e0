import process from 'node:process';
import type Docker from 'dockerode';
import { poll } from '../../test/e2e/runtime-under-test.ts';
import type { Deployment, Service } from '../../test/e2e/services/deployment.ts';
import { docker, removeContainersOf } from '../../test/services/docker.ts';
import { createAndStartAll } from '../docker/bare-loop.ts';
import { copyOf, removeLabelled } from '../docker/copies.ts';
import type { Part } from '../parts.ts';
import { exactly } from '../report.ts';
import { cpuMsOf } from '../state/syncing-process.ts';
import { type BenchBot, idsOf, insert, withServices } from './scene.ts';
import { Starts } from './starts.ts';

/** As the runtime does by default (`--start-concurrency`). */
const WIDTH = 4;
const BAR = 1.15;
const PATIENCE_MS = 600_000;
const LABEL = `the0.bench-cold-services=${process.pid}`;

/** From the start of the process `bot-runner` until all its bots run, beside the same containers made by a bare loop. */
export const cold: Part = (short) => coldOf(short ? 20 : 300);

/** @param count bots */
export async function coldOf(count: number): ReturnType<Part> {
  return await withServices(async (deployment) => {
    const { runner, starts, ms } = await coldStart(
      deployment,
      idsOf('cold', count).map((id) => ({ id })),
    );
    const ourCpuMs = cpuMsOf(runner.process.pid ?? 0);
    const live = await containersOf(deployment);
    const duplicates =
      starts.total - count + (live.length - new Set(live.map(({ Labels: of }) => of['runtime.id'])).size);
    const originals: Docker.ContainerInspectInfo[] = [];
    for (const { Id: id } of live) originals.push(await docker.getContainer(id).inspect());
    await runner.end('SIGTERM');
    await removeContainersOf(deployment.instance);

    const [key = '', value = ''] = LABEL.split('=');
    const specs = originals.map((one, nth) =>
      copyOf(one, `the0-bench-cold-services-${process.pid}-${nth}`, { [key]: value }),
    );
    const floor = await createAndStartAll(docker, specs, WIDTH).finally(() => removeLabelled(docker, LABEL));
    const ratio = ms / floor;
    return {
      rows: [
        {
          what: `${count} realtime bots cold, all services real, until all run`,
          figure: ms,
          unit: 'ms',
          floor,
          ratio,
          bar: `<= ${BAR}`,
          pass: ratio <= BAR,
        },
        exactly('containers started twice or living beside another of their bot', duplicates, 0, 'containers'),
      ],
      notes: [
        `The first container started ${Math.round(starts.firstMs)} ms after the process was begun, the last one ${Math.round(ms)} ms after it; the bare loop took ${Math.round(floor)} ms. CPU time of bot-runner: ${Math.round(ourCpuMs)} ms.`,
      ],
    };
  });
}

/** All bots run when it resolves. The process is the deployment's to end. */
export async function coldStart(deployment: Deployment, bots: readonly BenchBot[]): Promise<ColdStart> {
  await insert(deployment, bots);
  const starts = await Starts.watch(deployment.instance);
  try {
    const wanted = bots.filter(({ runtime }) => runtime === undefined).length;
    const begun = performance.now();
    const runner = await deployment.start('bot-runner');
    const lastAt = await poll(`${wanted} bots to run`, async () => starts.timeOf(wanted), PATIENCE_MS, 50);
    return {
      runner,
      ms: lastAt - begun,
      starts: { total: starts.total, firstMs: (starts.timeOf(1) ?? begun) - begun },
    };
  } finally {
    starts.close();
  }
}

export interface ColdStart {
  readonly runner: Service;
  readonly ms: number;
  readonly starts: { readonly total: number; readonly firstMs: number };
}

/** Of bots, running. */
export async function containersOf({ instance }: Deployment): Promise<Docker.ContainerInfo[]> {
  return await docker.listContainers({ filters: { label: [`the0.instance=${instance}`, 'the0.role=bot'] } });
}
