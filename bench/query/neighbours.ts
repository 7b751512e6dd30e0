import { median, type Row } from '../report.ts';
import { botName } from './bot-name.ts';
import { type Child, load, start } from './child.ts';
import type { LoadResult } from './load.ts';

interface Scene {
  readonly fast: Child<{ ports: number[] }>;
  readonly odd: Child<{ hung: number; dying: number; refusing: number }>;
  readonly frontEnd: Child<{ port: number }>;
}

async function setUp(): Promise<Scene> {
  const fast = await start<{ ports: number[] }>('./fast-bot.ts', 5);
  const order = { routes: HEALTHY, ports: fast.said.ports, inFlightPerBot: HELD, threads: 1 };
  return {
    fast,
    odd: await start('./odd-bots.ts'),
    frontEnd: await start('./front-end-process.ts', JSON.stringify(order)),
  };
}

async function takeDown({ fast, odd, frontEnd }: Scene): Promise<void> {
  for (const child of [frontEnd, odd, fast]) await child.end();
}

/** Queries to healthy bots, each connection with a short pause, so that waiting shows and not the machine's limit. */
function askHealthy({ frontEnd }: Scene, milliseconds: number): Promise<LoadResult> {
  const bots = Array.from({ length: HEALTHY }, (_, i) => botName(i));
  return load({ port: frontEnd.said.port, connections: 8, warmUpMs: 0, milliseconds, bots, pauseMs: 2 });
}

/** Healthy bots while a hundred others crash: upstreams that hang up, refuse, routes that come and go. */
export async function whileOthersCrash(rounds: number, milliseconds: number): Promise<Row[]> {
  const scene = await setUp();
  const { odd, frontEnd } = scene;
  const crashing = Array.from({ length: CRASHING }, (_, i) => `crashing${i}`);
  await askHealthy(scene, milliseconds);
  const quiet: LoadResult[] = [];
  const loud: LoadResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    quiet.push(await askHealthy(scene, milliseconds));
    let turn = 0;
    // Each of the hundred changes about ten times a second: far more than any backoff lets a bot crash.
    const flapping = setInterval(() => {
      for (let i = 0; i < CRASHING / 10; i += 1) {
        turn += 1;
        const port = [odd.said.dying, null, odd.said.refusing][turn % 3] ?? null;
        frontEnd.write({ route: crashing[turn % CRASHING], port });
      }
    }, 10);
    const [result] = await Promise.all([
      askHealthy(scene, milliseconds),
      load({ port: frontEnd.said.port, connections: 16, warmUpMs: 0, milliseconds, bots: crashing, pauseMs: 20 }),
    ]);
    clearInterval(flapping);
    for (const bot of crashing) frontEnd.write({ route: bot, port: null });
    loud.push(result);
  }
  await takeDown(scene);
  return [
    failures('while 100 others crash', loud),
    p99('p99 to healthy bots while 100 others crash, against quiet', quiet, loud, 3),
  ];
}

/** Healthy bots while one hangs with 64 queries in flight. */
export async function besideHungBot(rounds: number, milliseconds: number): Promise<Row[]> {
  const scene = await setUp();
  const { odd, frontEnd } = scene;
  frontEnd.write({ route: 'hung', port: odd.said.hung });
  await askHealthy(scene, milliseconds);
  const without: LoadResult[] = [];
  const beside: LoadResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    without.push(await askHealthy(scene, milliseconds));
    const holding = await start('./hold.ts', frontEnd.said.port, HELD, 'hung');
    beside.push(await askHealthy(scene, milliseconds));
    await holding.end();
  }
  await takeDown(scene);
  const rate = ({ queries, seconds }: LoadResult): number => queries / seconds;
  const ratio = median(beside.map((result, round) => rate(result) / rate(without[round] ?? result)));
  return [
    failures('beside a hung bot', beside),
    {
      what: 'queries per second beside a hung bot (64 in flight), against without',
      figure: median(beside.map(rate)),
      unit: '/s',
      floor: median(without.map(rate)),
      ratio,
      bar: '>= 0.90',
      pass: ratio >= 0.9,
    },
    p99('p99 beside a hung bot (64 in flight), against without', without, beside, 1.5),
  ];
}

function p99(what: string, quiet: readonly LoadResult[], loud: readonly LoadResult[], bar: number): Row {
  const figure = median(loud.map(({ p99Ms }) => p99Ms));
  const floor = median(quiet.map(({ p99Ms }) => p99Ms));
  return {
    what,
    figure,
    unit: 'ms',
    floor,
    ratio: figure / floor,
    bar: `<= ${bar.toFixed(2)}`,
    pass: figure <= bar * floor,
  };
}

function failures(when: string, results: readonly LoadResult[]): Row {
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  return {
    what: `failed queries to healthy bots ${when}`,
    figure: failed,
    unit: '',
    floor: null,
    ratio: failed,
    bar: '0',
    pass: failed === 0,
  };
}

const HEALTHY = 10;
const CRASHING = 100;
const HELD = 64;
