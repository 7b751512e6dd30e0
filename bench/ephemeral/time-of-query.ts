import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { poll } from '../../test/e2e/runtime-under-test.ts';
import { docker } from '../../test/services/docker.ts';
import type { Part } from '../parts.ts';
import { median, type Row } from '../report.ts';
import { type EphemeralScene, stoppedBot, withStoppedBots } from './scene.ts';

const BAR = 1.2;

/** One question at a time, beside `docker run` of the same command. */
export const timeOfQuery: Part = async (short) => {
  const rounds = short ? 5 : 20;
  const bots = [stoppedBot('python3.11'), stoppedBot('nodejs20')];
  return await withStoppedBots(bots, async (scene) => {
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const { id, runtime } of bots) {
      const container = await containerOf(scene, id);
      const queries: number[] = [];
      const floors: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        queries.push(await timed(() => ask(scene, id, round)));
        floors.push(await timed(() => dockerRun(container)));
      }
      const [figure, floor] = [median(queries), median(floors)];
      const what = `ephemeral query, ${runtime === 'nodejs20' ? 'Node' : 'Python'} bot, p50, beside docker run`;
      const ratio = figure / floor;
      rows.push({ what, figure, unit: 'ms', floor, ratio, bar: `<= ${BAR}`, pass: ratio <= BAR });
      notes.push(`${runtime}: queries ${spread(queries)}; docker run ${spread(floors)} ms`);
    }
    return { rows, notes };
  });
};

async function ask({ runtime }: EphemeralScene, id: string, n: number): Promise<void> {
  const { httpStatus, body } = await runtime.ask(id, '/n', { n });
  if (httpStatus !== 200) throw new Error(`a query failed: ${JSON.stringify(body)}`);
}

/** What a question makes of the engine, looked at while it is answered. */
async function containerOf(scene: EphemeralScene, id: string): Promise<Docker.ContainerInspectInfo> {
  const answered = ask(scene, id, -1);
  const label = [`runtime.id=${id}`];
  const found = await poll(
    'the container of a query',
    async () => {
      const [first] = await docker.listContainers({ all: true, filters: { label } });
      // It may be gone by the time it is looked at.
      return (
        first &&
        (await docker
          .getContainer(first.Id)
          .inspect()
          .catch(() => undefined))
      );
    },
    30_000,
    5,
  );
  await answered;
  return found;
}

async function dockerRun({ Config, HostConfig }: Docker.ContainerInspectInfo): Promise<void> {
  const memory = Object.entries(HostConfig.Tmpfs ?? {}).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]);
  const limits = ['--memory', String(HostConfig.Memory), '--cpu-shares', String(HostConfig.CpuShares)];
  const safety = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true'];
  const network = ['--network', HostConfig.NetworkMode ?? 'bridge', '--add-host', 'host.docker.internal:host-gateway'];
  const place = ['--user', Config.User, '--workdir', Config.WorkingDir, '--pids-limit', String(HostConfig.PidsLimit)];
  const environment = Config.Env.flatMap((variable) => ['--env', variable]);
  const all = [...memory, ...limits, ...safety, ...network, ...place, ...environment];
  await promisify(execFile)('docker', ['run', '--rm', ...all, Config.Image]);
}

async function timed(run: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  return `${sorted[0]} to ${sorted.at(-1)}, p50 ${Math.round(median(values))}`;
}
