/**
 * The everyday test run: every `test/**\/*.test.ts`, each file in a process of its own.
 *
 * Suites that need a service which is not there are skipped, and named at the end; with THE0_REQUIRE_SERVICES=1 (as in CI)
 * a skipped suite is a failure. Arguments narrow the run to files whose path contains one of them.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const files = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => join(root, file));

if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' ')}.`);
  process.exit(1);
}

const SLOWEST_SHOWN = 10;
const skipped = new Map<string, string>();
let failed = 0;

const stream = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: 600_000 });
stream.on('test:fail', () => {
  failed += 1;
});
stream.on('test:pass', (test) => {
  if (test.skip === undefined) return;
  const where = test.file === undefined ? test.name : `${relative(root, test.file)}: ${test.name}`;
  skipped.set(where, typeof test.skip === 'string' ? test.skip : 'skipped');
});
const tookMs = new Map<string, number>();
stream.on('test:summary', ({ file, duration_ms }) => {
  if (file !== undefined) tookMs.set(relative(root, file), duration_ms);
});
const report = stream.compose(spec);
// Not at the end of `stream`: the report is behind it, and would bury what was skipped.
report.on('end', () => {
  const slowest = [...tookMs].sort(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN);
  console.log('\nSlowest files:');
  for (const [file, ms] of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`);
  if (skipped.size > 0) {
    console.log(`\nSkipped (${skipped.size}):`);
    for (const [where, why] of skipped) console.log(`  ${where}\n    ${why}`);
  }
  if (skipped.size > 0 && process.env['THE0_REQUIRE_SERVICES'] === '1') {
    console.error('\nTHE0_REQUIRE_SERVICES=1: a skipped suite is a failure.');
    failed += 1;
  }
  process.exitCode = failed > 0 ? 1 : 0;
});
report.pipe(process.stdout);
