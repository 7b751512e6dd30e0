/**
 * Crash to container running again on Docker, three ways in one run, crashes taken in turn:
 * this runtime; the smallest loop "die event, start again in place"; Docker's own restart policy. All run the same containers.
 * The crash is a SIGKILL of the bot's own process, from the host; the agent beside it then ends the container.
 *
 * Then what is ours of it, from the `die` event to the call of the start, beside the smallest loop that asks another thread
 * before it starts, again in turn. While Docker takes down a container it can keep a processor from everybody for ten
 * milliseconds; with two of them, a thread that is woken at that moment waits that long, whosever it is.
 *
 *   node bench/crash-docker.ts [--json] [--short] [--shards <n>]
 *
 *   --shards <n>   threads for actors, as `up --shards`; 0 is none besides the main thread
 *
 * It needs root: the processes of containers are killed from outside.
 */
import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import process from 'node:process';
import { parseArgs } from 'node:util';
import Docker from 'dockerode';
import { IDLE_NODE, writeBot } from '../test/e2e/bot-folders.ts';
import { startInProcess } from '../test/e2e/runtime-in-process.ts';
import { makeFolders, poll, removeFolders } from '../test/e2e/runtime-under-test.ts';
import { restartOnDie } from './docker/bare-loop.ts';
import { copyOf, removeLabelled } from './docker/copies.ts';
import { StartEvents } from './docker/events.ts';
import { type HopLoop, restartByAnotherThread } from './docker/hop-loop.ts';
import { median, type Row, report } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    shards: { type: 'string' },
  },
});
const { json, short, shards } = flags;
const count = short ? 4 : 10;
const ROUNDS = short ? 2 : 3;
/** Crashes one at a time, for the figure within one crash. */
const SINGLES = short ? 10 : 100;
const SINGLE_PAUSE_MS = 200;
/** Longer than the 10 s after which Docker's policy forgets earlier crashes; ours forgets with `restart-healthy`. */
const REST_MS = 10_500;
const MARK = `the0.bench=${process.pid}`;

const docker = new Docker();
const folders = await makeFolders();
const ids = Array.from({ length: count }, (_, index) => `bench-${process.pid}-${index}`);
for (const id of ids) await writeBot(folders.botsDir, { id, files: IDLE_NODE, entrypoints: { bot: 'main.js' } });

/** When `die` was received, per bot, and the pauses until the engine was called about it. */
const died = new Map<string, number>();
const toFirstCall: number[] = [];
const toStartCall: number[] = [];
/** Until the request of the start was handed to its socket. */
const toRequest: number[] = [];
/** The `die` of the start that was called and is not on its way yet; crashes come one at a time. */
let startCalled: number | null = null;
const events = new StartEvents();
const runtime = await startInProcess(
  'docker',
  folders,
  { 'restart-healthy': '1s', ...(shards === undefined ? {} : { shards }) },
  {
    trace: ({ botId, step }) => {
      const now = performance.now();
      if (step === 'die-received') died.set(botId, now);
      const at = died.get(botId);
      if (at === undefined) return;
      if (step === 'exit-reported') toFirstCall.push(now - at);
      if (step === 'start') {
        toStartCall.push(now - at);
        died.delete(botId);
        startCalled = at;
      }
    },
  },
);
subscribe('http.client.request.start', (message) => {
  if (startCalled === null || !isStartRequest(message)) return;
  toRequest.push(performance.now() - startCalled);
  startCalled = null;
});
let stopLoop = (): void => {};
let hops: HopLoop | null = null;
try {
  await events.open(docker);
  const ours = await Promise.all(ids.map(runningContainer));
  const [bareLabel, policyLabel] = [`${MARK}-bare`, `${MARK}-policy`];
  const bare = await copies('bare', bareLabel, 'no', ours);
  const policy = await copies('policy', policyLabel, 'always', ours);
  stopLoop = await restartOnDie(docker, bareLabel);

  const times: Record<'ours' | 'bare' | 'policy', number[]> = { ours: [], bare: [], policy: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    for (let i = 0; i < count; i++) {
      times.ours.push(await crash(ours[i]));
      times.bare.push(await crash(bare[i]));
      times.policy.push(await crash(policy[i]));
    }
  }
  stopLoop();
  hops = await restartByAnotherThread(docker, bareLabel);
  for (const pauses of [toFirstCall, toStartCall, toRequest]) pauses.length = 0;
  for (let i = 0; i < SINGLES; i++) {
    for (const container of [ours[i % count], bare[i % count]]) {
      await crash(container);
      await new Promise((resolve) => setTimeout(resolve, SINGLE_PAUSE_MS));
    }
  }
  const [figure, bareMs, policyMs] = [median(times.ours), median(times.bare), median(times.policy)];
  const [p99, hopP99] = [quantile(toStartCall, 0.99), quantile(hops.toStartCall, 0.99)];
  const rows: Row[] = [
    row('crash to running, p50, beside the bare loop', figure, bareMs, 1.15),
    row("crash to running, p50, beside Docker's restart policy", figure, policyMs, 1),
    {
      what: `die received to start call, ${SINGLES} single crashes, p99`,
      figure: p99,
      unit: 'ms',
      floor: hopP99,
      ratio: p99 / hopP99,
      bar: '<= 5 ms',
      pass: p99 <= 5,
    },
  ];
  report(rows, {
    json,
    notes: [
      `${times.ours.length} crashes per variant.`,
      `Single crashes, p50 and p99 in ms since die was received: exit and its cause read ${spread(toFirstCall)}; start called ${spread(toStartCall)}; its request handed to the socket ${spread(toRequest)}.`,
      `The floor of single crashes asks another thread and starts: ${spread(hops.toStartCall)}. Its own next turn, without another thread, came after ${spread(hops.toNextTurn)}.`,
    ],
  });
} finally {
  stopLoop();
  await hops?.close();
  events.close();
  await runtime.stopBots();
  await runtime.close();
  for (const suffix of ['bare', 'policy']) await removeLabelled(docker, `${MARK}-${suffix}`);
  await removeFolders(folders);
}

function row(what: string, figure: number, floor: number, bar: number): Row {
  const ratio = figure / floor;
  return { what, figure, unit: 'ms', floor, ratio, bar: `<= ${bar}`, pass: ratio <= bar };
}

async function runningContainer(botId: string): Promise<Docker.Container> {
  const id = await poll(
    `${botId} to run`,
    async () => {
      const bots = await runtime.supervisor.list();
      const bot = bots.find((status) => status.id === botId);
      return bot?.state === 'running' ? (bot.containerId ?? undefined) : undefined;
    },
    60_000,
  );
  return docker.getContainer(id);
}

async function copies(
  kind: string,
  label: string,
  restart: string,
  originals: readonly Docker.Container[],
): Promise<Docker.Container[]> {
  const [key = '', value = ''] = label.split('=');
  const made: Docker.Container[] = [];
  for (const [index, original] of originals.entries()) {
    const name = `the0-bench-${kind}-${process.pid}-${index}`;
    const container = await docker.createContainer(copyOf(await original.inspect(), name, { [key]: value }, restart));
    await container.start();
    made.push(container);
  }
  return made;
}

async function crash(container: Docker.Container | undefined): Promise<number> {
  if (container === undefined) throw new Error('there is no such container');
  const pid = await botProcessOf(container);
  const started = events.next(container.id);
  const begun = performance.now();
  process.kill(pid, 'SIGKILL');
  return (await started) - begun;
}

/** A container that has just started may not have come to its bot yet. */
function botProcessOf(container: Docker.Container): Promise<number> {
  return poll(
    `the bot of ${container.id} to run`,
    async () => {
      const { Titles: titles, Processes: processes }: { Titles: string[]; Processes?: string[][] } =
        await container.top();
      const line = processes?.find((columns) => columns.some((column) => column.includes('node_bot.js')));
      const pid = line?.[titles.indexOf('PID')];
      return pid === undefined ? undefined : Number(pid);
    },
    10_000,
  );
}

function isStartRequest(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('request' in message)) return false;
  const { request } = message;
  return request instanceof ClientRequest && request.path.endsWith('/start');
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(1)} and ${quantile(values, 0.99).toFixed(1)}`;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
