/**
 * All benchmarks, one after the other and never two at a time.
 *
 *   npm run bench [-- [<name> …] [--short] [--json] [--save]]
 *
 *   --short  fewer bots and rounds: whether it works, rather than how well
 *   --json   one JSON object on stdout instead of tables
 *   --save   writes bench/results/<name>.json
 *
 * A figure that misses its bar is shown, and stops nothing: on a shared machine it may be noise. The exit code is 1 when a
 * benchmark could not be run to its end.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Bench, CATALOGUE } from './all/catalogue.ts';
import { commandOf, runBench } from './all/run-bench.ts';
import { saveResult } from './all/saved-result.ts';
import { whatIsMissing } from './all/what-is-missing.ts';
import { textOf } from './report.ts';

const options = { short: { type: 'boolean' }, json: { type: 'boolean' }, save: { type: 'boolean' } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const { short = false, json = false, save = false } = values;

const unknown = positionals.filter((name) => !CATALOGUE.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `No benchmark is called ${unknown.join(', ')}; there are: ${CATALOGUE.map(({ name }) => name).join(', ')}`,
  );
  process.exit(1);
}

const wanted = CATALOGUE.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const missing = await whatIsMissing();
/** One line per benchmark, for the end. */
const summary: string[] = [];
const results: Record<string, unknown> = {};

for (const bench of wanted) {
  const skipped = bench.needs.flatMap((need) => missing.get(need) ?? []).join('; ');
  if (skipped === '') await run(bench);
  else note(bench.name, `skipped: ${skipped}`, { skipped });
}
if (json) console.log(JSON.stringify(results));
else console.log(`\n${summary.join('\n')}`);

async function run(bench: Bench): Promise<void> {
  const { name } = bench;
  const command = commandOf(bench, short);
  if (!json) console.log(`\n=== ${name}: ${command}`);
  const outcome = await runBench(bench, short);
  if (outcome.kind === 'broke') {
    process.exitCode = 1;
    console.error(`${name}: ${outcome.why}`);
    note(name, `COULD NOT RUN: ${outcome.why}`, { command, broke: outcome.why });
    return;
  }
  const { report } = outcome;
  if (!json) console.log(textOf(report));
  const missed = report.rows.filter(({ pass }) => !pass).length;
  const bars = missed === 0 ? 'every bar met' : `${missed} of ${report.rows.length} bars MISSED`;
  note(name, bars, { command, ...report });
  if (save) console.error(`written to ${await saveResult(bench, command, report)}`);
}

function note(name: string, line: string, result: unknown): void {
  summary.push(`${name.padEnd(18)}${line}`);
  results[name] = result;
}
