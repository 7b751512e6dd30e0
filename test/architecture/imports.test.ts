import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');

/**
 * Who may import whom, folder by folder (the import column of the design). A target is a folder or a file of ours; `node:`
 * allows Node's own modules, `npm:` packages.
 */
const RULES: Readonly<Record<string, readonly string[]>> = {
  actors: [],
  'src/kernel': ['node:', 'npm:comlink'],
  'src/supervisor': ['node:', 'npm:valibot', 'actors', 'src/errno.ts', 'src/kernel', ...ports()],
  'src/desired': [
    'node:',
    'npm:',
    'actors',
    'src/errno.ts',
    'src/linked-abort.ts',
    'src/pause.ts',
    'src/similar-names.ts',
    'src/within.ts',
  ],
  'src/engine': [
    'node:',
    'npm:',
    'actors',
    'src/errno.ts',
    'src/pause.ts',
    'src/desired/bot-definition.ts',
    'src/agent/process-identity.ts',
    'src/agent/agent-limits.ts',
    'src/within.ts',
  ],
  'src/storage': [
    'node:',
    'npm:',
    'src/duration.ts',
    'src/errno.ts',
    'src/linked-abort.ts',
    'src/agent/process-identity.ts',
  ],
  'src/gc': ['node:', 'npm:', 'src/duration.ts', 'src/storage'],
  'src/query': ['node:', 'npm:', 'actors', 'src/kernel', 'src/storage'],
  'src/agent': [
    'node:',
    'actors/observation.ts',
    'src/duration.ts',
    'src/errno.ts',
    'src/linked-abort.ts',
    'src/storage',
    'src/within.ts',
  ],
  'src/admin': ['node:', 'npm:', 'actors', 'src/duration.ts', 'src/errno.ts', 'src/linked-abort.ts', 'src/pause.ts'],
  'src/config': [
    'node:',
    'npm:',
    'src/duration.ts',
    'src/agent/agent-limits.ts',
    'src/storage/object-store.ts',
    'src/storage/s3-api/s3-limits.ts',
  ],
  'src/commands': ['node:', 'npm:', 'actors', 'src', 'images/bundle-agent.ts', 'package.json'],
};

function ports(): string[] {
  return [
    'src/desired/bot-definition.ts',
    'src/desired/desired-state.ts',
    'src/desired/run-ledger.ts',
    'src/engine/container-engine.ts',
  ];
}

/** Adapters of one port, which must not know each other. */
const ADAPTERS = [
  'src/engine/docker',
  'src/engine/process',
  'src/desired/directory',
  'src/desired/mongodb',
  'src/desired/nats',
  'src/desired/local',
  'src/storage/filesystem',
  'src/storage/s3',
  'src/storage/minio',
];

/** MinIO's admin API takes the same signed requests as its objects. */
function isBuiltOn({ from, to }: Import): boolean {
  return under(from, 'src/storage/minio') && under(to, 'src/storage/s3');
}

/** The agent is a program of its own and picks its object store itself, here. */
const AGENT_PICKS = 'src/agent/open-store.ts';

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(folder: string): Import[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map((match) => {
      const target = match[1] ?? match[2] ?? '';
      const to = target.startsWith('.')
        ? relative(root, resolve(root, dirname(file), target))
        : target.startsWith('node:')
          ? target
          : `npm:${target}`;
      return { from: file, to };
    }),
  );
}

function under(path: string, prefix: string): boolean {
  return prefix.endsWith(':') ? path.startsWith(prefix) : path === prefix || path.startsWith(`${prefix}/`);
}

for (const [folder, allowed] of Object.entries(RULES)) {
  test(`${folder}/ imports only what the design allows`, () => {
    const imports = importsOf(folder);
    assert.notEqual(imports.length, 0, 'the folder has no imports at all: is the rule looking at the right place?');
    const broken = imports.filter(({ to }) => !under(to, folder) && !allowed.some((prefix) => under(to, prefix)));
    assert.deepEqual(broken, []);
  });
}

test('adapters do not know each other', () => {
  const broken = ADAPTERS.flatMap((adapter) =>
    importsOf(adapter).filter(
      (step) => !isBuiltOn(step) && ADAPTERS.some((other) => other !== adapter && under(step.to, other)),
    ),
  );
  assert.deepEqual(broken, []);
});

test('only src/commands picks adapters', () => {
  const folders = Object.keys(RULES).filter((folder) => folder !== 'src/commands');
  const broken = folders.flatMap((folder) =>
    importsOf(folder).filter(
      (step) =>
        ADAPTERS.some((adapter) => under(step.to, adapter) && !under(step.from, adapter)) &&
        !isBuiltOn(step) &&
        !(step.from === AGENT_PICKS && under(step.to, 'src/storage')),
    ),
  );
  assert.deepEqual(broken, []);
});

test('the stores of the agent are light: no packages, no node:http', () => {
  const light = ['node:net', 'node:tls', 'node:crypto', 'node:fs', 'node:path', 'node:timers/promises'];
  const all = importsOf('src');
  const seen = new Set(['src/storage/s3/open-s3-store.ts', 'src/storage/filesystem/object-store.ts']);
  const heavy: Import[] = [];
  for (const file of seen) {
    for (const step of all.filter(({ from }) => from === file)) {
      if (step.to.startsWith('src/')) seen.add(step.to);
      else if (!light.some((prefix) => under(step.to, prefix))) heavy.push(step);
    }
  }
  assert.ok(seen.size > 20, 'are these the right files?');
  assert.deepEqual(heavy, []);
});

test('nothing derives signals from one that lives for long', () => {
  // Of a run, and so of signals that live no longer than a question.
  const shortLived = ['src/engine/query-run.ts'];
  const broken = globSync('src/**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('AbortSignal.any('),
  );
  assert.deepEqual(broken, shortLived, 'src/linked-abort.ts says why, and what to use');
});

test('actors are pure: no clock, no randomness, no Node global', () => {
  const impure =
    /\b(Date\.now|new Date\(\)|Math\.random|performance\.|process\.|setTimeout|setInterval|queueMicrotask|console\.|globalThis)\b/;
  const broken = globSync('actors/**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .some((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && impure.test(line)),
  );
  assert.deepEqual(broken, []);
});

test('the kernel, the supervisor and the actors take their clock as a parameter', () => {
  const clocks = /\b(Date\.now\(\)|Math\.random\(\)|setTimeout\(|setInterval\()/;
  const broken = globSync('src/{kernel,supervisor}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('kernel/clock.ts'))
    .filter((file) => clocks.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(broken, []);
});
