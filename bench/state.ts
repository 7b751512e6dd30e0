/**
 * What it costs to keep the stored state of a bot like its directory, on a real MinIO. The side that syncs is a process of
 * its own, bundled as the agent is; what it sends is counted at its sockets, its memory and CPU by the kernel.
 *
 *   node bench/state.ts [--part change|sweep|memory|history|bots] [--json] [--short]
 *
 * Without --part: all of them.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Row, report } from './report.ts';
import { history } from './state/history.ts';
import { manyBots } from './state/many-bots.ts';
import { memory } from './state/memory.ts';
import { oneChange } from './state/one-change.ts';
import type { Part } from './state/part.ts';
import { sweep } from './state/sweep.ts';

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['change', oneChange],
  ['sweep', sweep],
  ['memory', memory],
  ['history', history],
  ['bots', manyBots],
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
