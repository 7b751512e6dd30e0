/**
 * The kernel against its floors: `node --expose-gc bench/kernel.ts [--json]`.
 *
 * Figure and floor alternate over several rounds after one to warm up, so that a busy machine disturbs both.
 */

import { kernelBytesPerActor } from './kernel/memory.ts';
import { arraysPerSecond, type Load, mailboxesPerSecond } from './kernel/one-thread.ts';
import { portLane, shardLane, type Traffic } from './kernel/threads.ts';
import { median, type Row, report } from './report.ts';

const ROUNDS = 9;
const BATCH_SIZES = [1, 4, 16, 64, 256, 1_024];
const PER_SECOND = 'messages/s';

const notes: string[] = [];
const rows = [
  await oneThread('one thread, bursts of 32 per actor, vs plain arrays', { burst: 32, fills: 40 }),
  await oneThread('one thread, single messages, vs plain arrays', { burst: 1, fills: 1_000 }),
  await betweenThreads('to a thread, vs bare MessagePort', { messages: 600_000, answered: false }),
  await betweenThreads('to a thread and back, vs bare MessagePort', { messages: 300_000, answered: true }),
  ...memory(),
];
report(rows, { json: process.argv.includes('--json'), notes });

async function oneThread(what: string, load: Load): Promise<Row> {
  const floor = async () => arraysPerSecond(load);
  return alternate(what, () => mailboxesPerSecond(load), floor, 0.25);
}

async function betweenThreads(what: string, traffic: Traffic): Promise<Row> {
  const rates: { size: number; rate: number }[] = [];
  for (const size of BATCH_SIZES) {
    const port = await portLane(size);
    await port.run(traffic);
    const runs = [await port.run(traffic), await port.run(traffic), await port.run(traffic)];
    rates.push({ size, rate: median(runs) });
    await port.end();
  }
  const best = rates.reduce((a, b) => (b.rate > a.rate ? b : a));
  const list = rates.map(({ size, rate }) => `${size}: ${(rate / 1e6).toFixed(2)}`).join(', ');
  notes.push(`${what}: the port is best at a batch size of ${best.size} (millions/s by batch size: ${list})`);
  const shard = await shardLane();
  const port = await portLane(best.size);
  const row = await alternate(
    what,
    () => shard.run(traffic),
    () => port.run(traffic),
    0.5,
  );
  await shard.end();
  await port.end();
  return row;
}

/** The ratio is the median of the rounds' ratios: what else the machine does changes from round to round, not within one. */
async function alternate(
  what: string,
  figureOf: () => Promise<number>,
  floorOf: () => Promise<number>,
  bar: number,
): Promise<Row> {
  await figureOf();
  await floorOf();
  const rounds: { figure: number; floor: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push({ figure: await figureOf(), floor: await floorOf() });
  const figure = median(rounds.map((round) => round.figure));
  const floor = median(rounds.map((round) => round.floor));
  const ratio = median(rounds.map((round) => round.figure / round.floor));
  return { what, figure, unit: PER_SECOND, floor, ratio, bar: `>= ${bar}`, pass: ratio >= bar };
}

function memory(): Row[] {
  const bytes = kernelBytesPerActor();
  if (bytes === null) {
    notes.push('Memory was not measured: run node with --expose-gc');
    return [];
  }
  const what = 'heap of the kernel per resting actor with a timer (of 1,536 for all)';
  const bar = 512;
  return [
    { what, figure: bytes, unit: 'bytes', floor: null, ratio: bytes / bar, bar: `<= ${bar} bytes`, pass: bytes <= bar },
  ];
}
