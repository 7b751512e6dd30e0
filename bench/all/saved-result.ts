import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Report } from '../report.ts';
import { BENCH_DIRECTORY, type Bench } from './catalogue.ts';

export const RESULTS = join(BENCH_DIRECTORY, 'results');

/** Raised when a reader of the format before would misread it. */
const FORMAT = 1;

/** Replaces the last saved result of this benchmark. @returns the file, from the project's folder */
export async function saveResult({ name }: Bench, command: string, report: Report): Promise<string> {
  const { date, ...machine } = report.machine;
  const { rows, notes } = report;
  const result = { format: FORMAT, name, command, commit: commit(), date, machine, rows, notes };
  const path = join(RESULTS, `${name}.json`);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  return relative(join(BENCH_DIRECTORY, '..'), path);
}

/** What is measured; `-dirty` when the work tree differs from it, null outside of a clone. */
export function commit(): string | null {
  try {
    const words = ['describe', '--always', '--dirty', '--exclude=*'];
    return execFileSync('git', words, { cwd: BENCH_DIRECTORY, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null;
  }
}
