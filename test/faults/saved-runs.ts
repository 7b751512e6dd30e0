import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, RESULTS } from '../../bench/all/saved-result.ts';
import { machine } from '../../bench/report.ts';

/** Raised when a reader of the format before would misread it. */
const FORMAT = 1;
const MOST_RUNS = 30;

/**
 * Adds what one sweep did to what is saved under this name in `bench/results`; of all sweeps the latest are kept.
 * @param isRun whether something in the file is such a run
 * @param totalOf what all of them together come to
 */
export function saveRun<Run extends object>(
  name: string,
  run: Run,
  isRun: (value: object) => value is Run,
  totalOf: (runs: readonly Run[]) => object,
): void {
  const file = join(RESULTS, `${name}.json`);
  const { date, ...where } = machine();
  const runs = [...runsIn(file).filter(isRun), { commit: commit(), date, ...run }].slice(-MOST_RUNS);
  const result = { format: FORMAT, name, machine: where, total: totalOf(runs), runs };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

function runsIn(file: string): object[] {
  if (!existsSync(file)) return [];
  const saved: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof saved !== 'object' || saved === null || !('runs' in saved) || !Array.isArray(saved.runs)) return [];
  return saved.runs.filter((run: unknown) => typeof run === 'object' && run !== null);
}
