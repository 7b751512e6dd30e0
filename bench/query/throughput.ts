import { median, type Row } from '../report.ts';
import { type Child, load, start } from './child.ts';

interface Contender {
  readonly name: string;
  readonly process: Child<{ port: number }>;
  readonly bots: readonly string[];
  readonly rates: number[];
  readonly cpuMicroseconds: number[];
}

/**
 * Measures contenders in turn, each round in another order, so that whatever else the machine does falls on all of them
 * alike.
 */
async function compare(contenders: readonly Contender[], rounds: number, milliseconds: number): Promise<void> {
  for (let round = -1; round < rounds; round += 1) {
    const shift = Math.max(0, round) % contenders.length;
    const order = [...contenders.slice(shift), ...contenders.slice(0, shift)];
    for (const { process, bots, rates, cpuMicroseconds } of order) {
      const before = process.cpuMicroseconds();
      const { queries, failed, seconds } = await load({
        port: process.said.port,
        connections: CONNECTIONS,
        milliseconds: round < 0 ? WARM_UP_MS : milliseconds,
        bots,
        pauseMs: 0,
      });
      if (failed > 0) throw new Error(`${failed} of ${queries} queries failed`);
      // The first round warms up.
      if (round < 0) continue;
      rates.push(queries / seconds);
      cpuMicroseconds.push((process.cpuMicroseconds() - before) / queries);
    }
  }
}

/** The front end against the smallest possible proxy. */
export async function againstSmallestProxy(
  rounds: number,
  milliseconds: number,
): Promise<{ rows: Row[]; note: string }> {
  const bot = await start<{ ports: number[] }>('./fast-bot.ts', 1);
  const order = { routes: 1, ports: bot.said.ports, inFlightPerBot: CONNECTIONS };
  const floor = contender('smallest proxy', await start('./smallest-proxy.ts', bot.said.ports[0] ?? 0));
  const threaded = contender(
    '1 thread',
    await start('./front-end-process.ts', JSON.stringify({ ...order, threads: 1 })),
  );
  const local = contender(
    'main thread',
    await start('./front-end-process.ts', JSON.stringify({ ...order, threads: 0 })),
  );
  await compare([floor, threaded, local], rounds, milliseconds);
  for (const { process } of [floor, threaded, local]) await process.end();
  await bot.end();
  const rows = [threaded, local].map(({ name, rates }) => {
    // The ratio of each round, then their median: both sides of a round had the same machine.
    const ratio = median(rates.map((rate, round) => rate / (floor.rates[round] ?? Number.NaN)));
    return {
      what: `queries per second, ${name}, against the smallest proxy`,
      figure: median(rates),
      unit: '/s',
      floor: median(floor.rates),
      ratio,
      bar: '>= 0.80',
      pass: ratio >= 0.8,
    };
  });
  const cpu = [floor, threaded, local].map(
    ({ name, cpuMicroseconds }) => `${name} ${median(cpuMicroseconds).toFixed(1)} µs`,
  );
  return { rows, note: `CPU time per query: ${cpu.join(', ')}.` };
}

/** One route against a thousand, on one front end. */
export async function oneAndThousandRoutes(rounds: number, milliseconds: number): Promise<Row[]> {
  const bot = await start<{ ports: number[] }>('./fast-bot.ts', 5);
  const order = { routes: 1000, ports: bot.said.ports, inFlightPerBot: CONNECTIONS, threads: 1 };
  const process = await start<{ port: number }>('./front-end-process.ts', JSON.stringify(order));
  const one = contender('one', process, ['b0']);
  const thousand = contender(
    'thousand',
    process,
    Array.from({ length: 1000 }, (_, i) => `b${i}`),
  );
  await compare([one, thousand], rounds, milliseconds);
  await process.end();
  await bot.end();
  const ratio = median(thousand.rates.map((rate, round) => rate / (one.rates[round] ?? Number.NaN)));
  return [
    {
      what: 'queries per second over 1,000 routes, against 1 route',
      figure: median(thousand.rates),
      unit: '/s',
      floor: median(one.rates),
      ratio,
      bar: '0.90 - 1.10',
      pass: ratio >= 0.9 && ratio <= 1.1,
    },
  ];
}

function contender(name: string, process: Child<{ port: number }>, bots: readonly string[] = ['b0']): Contender {
  return { name, process, bots, rates: [], cpuMicroseconds: [] };
}

const CONNECTIONS = 32;
const WARM_UP_MS = 2000;
