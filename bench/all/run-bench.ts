import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import type { Report } from '../report.ts';
import { BENCH_DIRECTORY, type Bench } from './catalogue.ts';

/** Far beyond what any takes; one that hangs must not keep the others waiting for ever. */
const DEADLINE_MS = 30 * 60_000;
/** Between asking a benchmark that hangs to end, and ending it. */
const GRACE_MS = 10_000;
const OUTPUT_BYTES = 4 * 1024 ** 2;

/** JSON has no infinity: a measurement that never came to its end is null. */
const figure = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);

const reportSchema = v.object({
  machine: v.object({
    cpu: v.string(),
    cores: v.number(),
    node: v.string(),
    platform: v.string(),
    date: v.string(),
  }),
  rows: v.array(
    v.object({
      what: v.string(),
      figure,
      unit: v.string(),
      floor: v.nullable(v.number()),
      ratio: figure,
      bar: v.string(),
      pass: v.boolean(),
    }),
  ),
  notes: v.array(v.string()),
});

export type Outcome =
  | { readonly kind: 'ran'; readonly report: Report }
  /** No report: it says nothing about the runtime, or everything. */
  | { readonly kind: 'broke'; readonly why: string };

/** As one types it in the project's folder. */
export function commandOf({ script, nodeFlags, flags }: Bench, short: boolean): string {
  const words = ['node', ...nodeFlags, join('bench', script), ...flags, ...(short ? ['--short'] : [])];
  return words.map((word) => word.replace(`${BENCH_DIRECTORY}/`, './bench/')).join(' ');
}

/** In a process of its own. What it writes to stderr is passed on. */
export async function runBench({ script, nodeFlags, flags }: Bench, short: boolean): Promise<Outcome> {
  const words = [...nodeFlags, join(BENCH_DIRECTORY, script), ...flags, '--json', ...(short ? ['--short'] : [])];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output = (output + chunk).slice(-OUTPUT_BYTES);
  });
  let isLate = false;
  let killer: NodeJS.Timeout | undefined;
  const deadline = setTimeout(() => {
    isLate = true;
    child.kill('SIGTERM');
    killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  }, DEADLINE_MS);
  await once(child, 'close');
  clearTimeout(deadline);
  clearTimeout(killer);
  if (isLate) return { kind: 'broke', why: `it did not end within ${DEADLINE_MS / 60_000} minutes` };
  const report = reportIn(output);
  if (report !== null) return { kind: 'ran', report };
  const end = child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
  return { kind: 'broke', why: `it ended with ${end} and without a report` };
}

/** The last line that is one. */
function reportIn(output: string): Report | null {
  for (const line of output.split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      const parsed = v.safeParse(reportSchema, JSON.parse(line));
      if (parsed.success) return parsed.output;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return null;
}
