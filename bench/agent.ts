/**
 * What the agent beside each bot costs, in containers made as the Docker engine makes them, with a real object store and
 * NATS: memory, time to the bot's first instruction, time from a write into the state to its upload.
 *
 *   node bench/agent.ts [--part memory|container|start|upload] [--json] [--short]
 *
 * Without --part: all of them. Measures the image that the settings name (`npm run image` builds it).
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { agentMemory } from './agent/agent-memory.ts';
import { start } from './agent/start.ts';
import { upload } from './agent/upload.ts';
import { wholeContainer } from './agent/whole-container.ts';
import { type Row, report } from './report.ts';
import type { Part } from './state/part.ts';

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['memory', agentMemory],
  ['container', wholeContainer],
  ['start', start],
  ['upload', upload],
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
