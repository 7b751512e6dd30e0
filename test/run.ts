/**
 * The everyday test run: every `test/**\/*.test.ts` but for those of containers and whole systems, which take minutes of
 * both processors and are run with --system. Each file is in a process of its own.
 *
 * Suites that need a service which is not there are skipped, and named at the end; with THE0_REQUIRE_SERVICES=1 (as in CI)
 * a skipped suite is a failure. Arguments narrow the run to files whose path contains one of them, of either sort;
 * `--jobs <n>` sets how many files run at once (default: one more than there are processors).
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { system: { type: 'boolean', default: false }, jobs: { type: 'string' } },
});
const isSystemRun = flags.system;
const jobs = Number(flags.jobs ?? availableParallelism() + 1);
if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs ${flags.jobs}: a whole number from 1 is needed`);

/** What needs a Docker engine; several runtimes, every service: what else is tested one by one, all at once. */
const SYSTEM = [
  'test/commands/gc.test.ts',
  'test/conformance/engine/docker',
  'test/desired/nats/nats-feed.test.ts',
  'test/e2e/bad-archives.test.ts',
  'test/e2e/bad-luck-docker.test.ts',
  'test/e2e/compose.test.ts',
  'test/e2e/killed-in-a-run-docker.test.ts',
  'test/e2e/lost-reader.test.ts',
  'test/e2e/services/',
  'test/e2e/stored-bots-docker.test.ts',
  'test/e2e/take-over.test.ts',
  'test/engine/docker/conditions-inside.test.ts',
  'test/engine/docker/docker-engine.test.ts',
  'test/engine/docker/go-containers.test.ts',
  'test/engine/docker/keys-of-containers.test.ts',
  'test/engine/docker/late-starts.test.ts',
  'test/images/image-tools.test.ts',
  'test/images/runtime-image.test.ts',
  'test/query/ephemeral/docker.test.ts',
];
const isOfSystem = (file: string) => SYSTEM.some((path) => file.startsWith(path));

const files = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) =>
    wanted.length === 0 ? isOfSystem(file) === isSystemRun : wanted.some((part) => file.includes(part)),
  )
  .sort()
  .map((file) => join(root, file));

if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' ')}.`);
  process.exit(1);
}

// Of everything that is started below.
process.env['NODE_OPTIONS'] = [
  process.env['NODE_OPTIONS'] ?? '',
  `--require "${join(import.meta.dirname, 'stripped-sources.cjs')}"`,
  '--disable-warning=ExperimentalWarning',
].join(' ');

const SLOWEST_SHOWN = 10;
const skipped = new Map<string, string>();
let failed = 0;

const stream = run({ files, concurrency: jobs, timeout: 600_000 });
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
  if (wanted.length === 0 && !isSystemRun)
    console.log('\nContainers and whole systems are not tested by this: npm run test:system');
  process.exitCode = failed > 0 ? 1 : 0;
});
report.pipe(process.stdout);
