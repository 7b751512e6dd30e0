/**
 * The kernel against its floors: `node --expose-gc bench/kernel.ts [--json]`.
 *
 * Figure and floor alternate over several rounds after one to warm up, so that a busy machine disturbs both; medians are compared.
 */

import { kernelBytesPerActor } from './kernel/memory.ts';
import { arraysPerSecond, type Load, mailboxesPerSecond } from './kernel/one-thread.ts';
import { type Lane, portLane, shardLane, type Traffic } from './kernel/threads.ts';
import { median, type Row, report } from './report.ts';

const ROUNDS = 5;
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
  await mailboxesPerSecond(load);
  arraysPerSecond(load);
  const figures: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.push(await mailboxesPerSecond(load));
    floors.push(arraysPerSecond(load));
  }
  return compare(what, median(figures), median(floors), 0.25);
}

async function betweenThreads(what: string, traffic: Traffic): Promise<Row> {
  const shard = await shardLane();
  const ports = new Map<number, Lane>();
  for (const batchSize of BATCH_SIZES) ports.set(batchSize, await portLane(batchSize));
  const figures: number[] = [];
  const floors = new Map<number, number[]>(BATCH_SIZES.map((size) => [size, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [batchSize, port] of ports) {
      const rate = await port.run(traffic);
      if (round >= 0) floors.get(batchSize)?.push(rate);
    }
    const rate = await shard.run(traffic);
    if (round >= 0) figures.push(rate);
  }
  for (const lane of [shard, ...ports.values()]) await lane.end();
  const medians = [...floors].map(([size, rates]) => ({ size, rate: median(rates) }));
  const best = medians.reduce((a, b) => (b.rate > a.rate ? b : a));
  const list = medians.map(({ size, rate }) => `${size}: ${(rate / 1e6).toFixed(2)}`).join(', ');
  notes.push(`${what}: the port is best at a batch size of ${best.size} (millions/s by batch size: ${list})`);
  return compare(what, median(figures), best.rate, 0.5);
}

function memory(): Row[] {
  const bytes = kernelBytesPerActor();
  if (bytes === null) {
    notes.push('Memory was not measured: run node with --expose-gc');
    return [];
  }
  const budget = 1_536;
  const what = 'heap of the kernel per resting actor with a timer, of 1.5 KiB for all';
  return [
    {
      what,
      figure: bytes,
      unit: 'bytes',
      floor: budget,
      ratio: bytes / budget,
      bar: '<= 0.33',
      pass: bytes <= budget / 3,
    },
  ];
}

function compare(what: string, figure: number, floor: number, bar: number): Row {
  const ratio = figure / floor;
  return { what, figure, unit: PER_SECOND, floor, ratio, bar: `>= ${bar}`, pass: ratio >= bar };
}
