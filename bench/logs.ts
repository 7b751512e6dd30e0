/**
 * What storing the log of a bot costs, and how old the stored log is.
 *
 *   node bench/logs.ts [--part append|fresh|day|soak] [--json] [--short]
 *
 *   append  one append to a log of 4 MB, 6 MB and 500 MB on a real MinIO, counted at a TCP proxy
 *   fresh   one line a second on a real MinIO: the age of the newest stored line, at its worst
 *   day     a day of 1 and of 100 lines a second, on a virtual clock and a store that only counts
 *   soak    the bundled agent with a bot that writes 100 lines a second: its private memory, and how fast it grows
 *
 * Without --part: all of them.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { appendCost } from './logs/append-cost.ts';
import { freshness } from './logs/freshness.ts';
import type { Part } from './logs/part.ts';
import { soak } from './logs/soak.ts';
import { virtualDays } from './logs/virtual-day.ts';
import { type Row, report } from './report.ts';

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['append', appendCost],
  ['fresh', freshness],
  ['day', virtualDays],
  ['soak', soak],
]);

const options = { part: { type: 'string' }, short: { type: 'boolean' }, json: { type: 'boolean' } } as const;
const { part, short = false, json = false } = parseArgs({ options }).values;
if (part !== undefined && !PARTS.has(part)) {
  console.error(`There is no part ${part}; there are: ${[...PARTS.keys()].join(', ')}`);
  process.exit(1);
}

const rows: Row[] = [];
const notes: string[] = [];
for (const [name, measure] of PARTS) {
  if (part !== undefined && part !== name) continue;
  const found = await measure(short);
  rows.push(...found.rows);
  notes.push(...found.notes);
}
report(rows, { json, notes });
