import { median, type Row } from '../report.ts';
import { botName } from './bot-name.ts';
import { type Child, load, start } from './child.ts';

interface Contender {
  readonly name: string;
  readonly process: Child<{ port: number }>;
  /** Asked in turn. As many for each, also where all are the same one, so that the load costs the same. */
  readonly bots: readonly string[];
  readonly rates: number[];
  /** Per query. */
  readonly cpu: Record<'load' | 'front' | 'bot', number[]>;
}

/**
 * Measures contenders in turn, each round in another order, so that whatever else the machine does falls on all of them
 * alike.
 */
async function compare(
  contenders: readonly Contender[],
  target: Child<unknown>,
  rounds: number,
  milliseconds: number,
): Promise<void> {
  for (let round = -1; round < rounds; round += 1) {
    for (const { process, bots, rates, cpu } of inOrder(contenders, Math.max(0, round))) {
      const before = [process.cpuMicroseconds(), target.cpuMicroseconds()] as const;
      const { queries, asked, failed, seconds, cpuMicroseconds } = await load({
        port: process.said.port,
        connections: CONNECTIONS,
        warmUpMs: WARM_UP_MS,
        // The first round warms up the servers.
        milliseconds: round < 0 ? FIRST_ROUND_MS : milliseconds,
        bots,
        pauseMs: 0,
      });
      if (failed > 0) throw new Error(`${failed} of ${asked} queries failed`);
      if (round < 0) continue;
      rates.push(queries / seconds);
      cpu.load.push(cpuMicroseconds);
      cpu.front.push((process.cpuMicroseconds() - before[0]) / asked);
      cpu.bot.push((target.cpuMicroseconds() - before[1]) / asked);
    }
  }
}

/** Another one begins each time, and every second round goes backwards: none always follows the same one. */
function inOrder(contenders: readonly Contender[], round: number): Contender[] {
  const shift = round % contenders.length;
  const order = [...contenders.slice(shift), ...contenders.slice(0, shift)];
  return round % 2 === 0 ? order : order.reverse();
}

/** The front end against the smallest possible proxy. */
export async function againstSmallestProxy(
  rounds: number,
  milliseconds: number,
): Promise<{ rows: Row[]; note: string }> {
  const bot = await start<{ ports: number[] }>('./fast-bot.ts', 1);
  const order = { routes: 1, ports: bot.said.ports, inFlightPerBot: CONNECTIONS };
  const floor = contender('smallest proxy', await start('./smallest-proxy.ts', 0, ...bot.said.ports), 1);
  const threaded = contender(
    '1 thread',
    await start('./front-end-process.ts', JSON.stringify({ ...order, threads: 1 })),
    1,
  );
  const local = contender(
    'main thread',
    await start('./front-end-process.ts', JSON.stringify({ ...order, threads: 0 })),
    1,
  );
  const contenders = [floor, threaded, local];
  await compare(contenders, bot, rounds, milliseconds);
  for (const { process } of contenders) await process.end();
  await bot.end();
  const rows = [threaded, local].map((ours) =>
    row(`queries per second, ${ours.name}, against the smallest proxy`, ours, floor, NEAR_THE_FLOOR),
  );
  return { rows, note: `CPU time per query: ${contenders.map(cpuOf).join('; ')}.` };
}

/**
 * A thousand routes against one, on one front end. A thousand kept-alive connections cost the kernel and the bots' side more
 * than a few, whoever holds them; so the smallest proxy is measured with as many.
 */
export async function oneAndThousandRoutes(
  rounds: number,
  milliseconds: number,
): Promise<{ rows: Row[]; note: string }> {
  const bot = await start<{ ports: number[] }>('./fast-bot.ts', 5);
  const { ports } = bot.said;
  const order = { routes: ROUTES, ports, inFlightPerBot: CONNECTIONS, threads: 1 };
  const frontEnd = await start<{ port: number }>('./front-end-process.ts', JSON.stringify(order));
  const one = contender('1 route', frontEnd, 1);
  const thousand = contender('1,000 routes', frontEnd, ROUTES);
  const floorOfOne = contender('smallest proxy', await start('./smallest-proxy.ts', 0, ...ports), 1);
  const floor = contender(
    'smallest proxy with 1,000 connections',
    await start('./smallest-proxy.ts', ROUTES, ...ports),
    ROUTES,
  );
  const contenders = [one, thousand, floorOfOne, floor];
  await compare(contenders, bot, rounds, milliseconds);
  for (const { process } of [one, floorOfOne, floor]) await process.end();
  await bot.end();
  const rows = [
    row('queries per second over 1,000 routes, against 1 route', thousand, one, AS_FAST),
    row(
      'queries per second over 1,000 routes, against the smallest proxy with 1,000 connections',
      thousand,
      floor,
      NEAR_THE_FLOOR,
    ),
  ];
  const ownCost = ratioOf(floor, floorOfOne).toFixed(2);
  return {
    rows,
    note: `The smallest proxy with 1,000 connections, against itself with a few: ${ownCost}. CPU time per query: ${contenders.map(cpuOf).join('; ')}.`,
  };
}

interface Bar {
  readonly text: string;
  holds(ratio: number): boolean;
}

function row(what: string, ours: Contender, floor: Contender, bar: Bar): Row {
  const ratio = ratioOf(ours, floor);
  return {
    what,
    figure: median(ours.rates),
    unit: '/s',
    floor: median(floor.rates),
    ratio,
    bar: bar.text,
    pass: bar.holds(ratio),
  };
}

/** The ratio of each round, then their median: both sides of a round had the same machine. */
function ratioOf(ours: Contender, floor: Contender): number {
  return median(ours.rates.map((rate, round) => rate / (floor.rates[round] ?? Number.NaN)));
}

function cpuOf({ name, cpu: { load, front, bot } }: Contender): string {
  const [loading, proxying, answering] = [load, front, bot].map((each) => median(each).toFixed(1));
  return `${name} ${proxying} µs (load ${loading}, bot ${answering})`;
}

/** @param bots so many different ones are asked */
function contender(name: string, process: Child<{ port: number }>, bots: number): Contender {
  const names = Array.from({ length: ROUTES }, (_, i) => botName(i % bots));
  return { name, process, bots: names, rates: [], cpu: { load: [], front: [], bot: [] } };
}

const NEAR_THE_FLOOR: Bar = { text: '>= 0.80', holds: (ratio) => ratio >= 0.8 };
const AS_FAST: Bar = { text: '0.90 - 1.10', holds: (ratio) => ratio >= 0.9 && ratio <= 1.1 };

const ROUTES = 1000;
const CONNECTIONS = 32;
const WARM_UP_MS = 250;
const FIRST_ROUND_MS = 2000;
