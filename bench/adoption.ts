/**
 * `kill -9` of the runtime, then start again: what becomes of the bots, and how soon queries are answered.
 *
 * - docker: one bot is edited while no runtime runs. All others must be adopted: same container, not started again, backoff,
 *   attempt and reason remembered.
 * - process: bots end with their runtime. No orphan may survive, and after the start each bot must run once.
 *
 *   node bench/adoption.ts [--json] [--short] [--engine process|docker]      (both without --engine; Linux)
 */
import process from 'node:process';
import { adoptionOnDocker } from './adoption/docker.ts';
import { orphansOfProcesses } from './adoption/process.ts';
import { type Row, report } from './report.ts';

const json = process.argv.includes('--json');
const short = process.argv.includes('--short');
const only = process.argv.includes('--engine') ? process.argv[process.argv.indexOf('--engine') + 1] : undefined;
const rows: Row[] = [];
const notes: string[] = [];

if (only !== 'process') add(await adoptionOnDocker(short ? { bots: 12, failing: 2 } : { bots: 50, failing: 6 }));
if (only !== 'docker') add(await orphansOfProcesses(short ? 6 : 20));
report(rows, { json, notes });

function add(part: { readonly rows: readonly Row[]; readonly note: string }): void {
  rows.push(...part.rows);
  notes.push(part.note);
}
