/** For benchmarks that have several questions: each is asked on its own, or all of them one after the other. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Row, report } from './report.ts';

/** One question with its answer. @param short less of everything */
export type Part = (short: boolean) => Promise<{ readonly rows: readonly Row[]; readonly notes: readonly string[] }>;

/** Reads `[--part name] [--json] [--short]`, measures and prints. */
export async function measureParts(parts: Readonly<Record<string, Part>>): Promise<void> {
  const options = { part: { type: 'string' }, short: { type: 'boolean' }, json: { type: 'boolean' } } as const;
  const { part, short = false, json = false } = parseArgs({ options }).values;
  if (part !== undefined && !Object.hasOwn(parts, part)) {
    console.error(`There is no part ${part}; there are: ${Object.keys(parts).join(', ')}`);
    process.exit(1);
  }
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (part !== undefined && part !== name) continue;
    const found = await measure(short);
    rows.push(...found.rows);
    notes.push(...found.notes);
  }
  report(rows, { json, notes });
}
