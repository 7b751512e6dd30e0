import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodeUnusable, codeDigest, hashCode, listCode } from '../../../src/desired/directory/code-listing.ts';

const LIMITS = { files: 100, bytes: 1_000_000 };

async function place(t: TestContext, files: readonly string[] = ['main.js']): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'code-listing-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `content of ${file}`);
  }
  return folder;
}

async function pathsIn(folder: string): Promise<string[]> {
  return (await listCode(folder, LIMITS)).entries.map(({ path }) => path);
}

async function digestOf(folder: string): Promise<string> {
  return codeDigest(await hashCode(await listCode(folder, LIMITS)));
}

test('code is everything but bot.json, hidden files, caches and logs', async (t) => {
  const left = [
    'bot.json',
    '.env',
    '.git/HEAD',
    'a.pyc',
    '__pycache__/a.py',
    'x.log',
    'x.tmp',
    'main.js~',
    '.main.js.swp',
  ];
  const code = ['data/bot.json', 'lib/a.py', 'main.js', 'node_modules/p/i.js', 'vendor/six.py'];
  assert.deepEqual(await pathsIn(await place(t, [...left, ...code])), code);
});

test('in folders of packages hidden files count, since some installers keep packages in them', async (t) => {
  const code = ['node_modules/.pnpm/p/i.js', 'vendor/x/.libs/a.so'];
  assert.deepEqual(await pathsIn(await place(t, [...code, 'node_modules/.cache/x', 'vendor/__pycache__/a.py'])), code);
});

test('a virtual environment is no code', async (t) => {
  const folder = await place(t, ['main.py', 'venv/pyvenv.cfg', 'venv/lib/x.py']);
  await mkdir(join(folder, 'venv/bin'));
  await symlink('/usr/bin/env', join(folder, 'venv/bin/python3'));
  assert.deepEqual(await pathsIn(folder), ['main.py']);
});

test('the digest changes with content, name and executable bit, and with nothing else', async (t) => {
  const folder = await place(t);
  const before = await digestOf(folder);
  await utimes(join(folder, 'main.js'), new Date(0), new Date(0));
  assert.equal(await digestOf(folder), before);
  await chmod(join(folder, 'main.js'), 0o755);
  const executable = await digestOf(folder);
  assert.notEqual(executable, before);
  await writeFile(join(folder, 'main.js'), 'other');
  assert.notEqual(await digestOf(folder), executable);
  const same = await digestOf(await place(t, ['main.js']));
  const renamed = await digestOf(await place(t, ['index.js']));
  assert.equal(same, before);
  assert.notEqual(renamed, before);
});

test('the stamp changes with any change, without a file being read', async (t) => {
  const folder = await place(t);
  const { stamp } = await listCode(folder, LIMITS);
  assert.equal((await listCode(folder, LIMITS)).stamp, stamp);
  await utimes(join(folder, 'main.js'), new Date(0), new Date(0));
  assert.notEqual((await listCode(folder, LIMITS)).stamp, stamp);
});

test('links inside the folder are kept as relative links, also absolute ones', async (t) => {
  const folder = await place(t, ['lib/real.js']);
  await symlink(join(folder, 'lib/real.js'), join(folder, 'absolute.js'));
  await symlink('lib', join(folder, 'directory'));
  const { entries } = await listCode(folder, LIMITS);
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'link'),
    [
      { kind: 'link', path: 'absolute.js', target: 'lib/real.js' },
      { kind: 'link', path: 'directory', target: 'lib' },
    ],
  );
});

test('a link that leads nowhere, or in a circle, is left out', async (t) => {
  const folder = await place(t);
  await symlink('nowhere', join(folder, 'dangling'));
  await symlink('circle', join(folder, 'circle'));
  assert.deepEqual(await pathsIn(folder), ['main.js']);
});

test('a link that leads out of the folder is refused by its path, also to a folder whose name begins the same', async (t) => {
  const folder = await place(t);
  const beside = `${folder}-beside`;
  await mkdir(beside);
  t.after(() => rm(beside, { recursive: true }));
  await symlink(beside, join(folder, 'out'));
  await assert.rejects(listCode(folder, LIMITS), (error) => error instanceof CodeUnusable && error.path === 'out');
});

test('folders count too: a tree without files is no way around the limit', async (t) => {
  const folder = await place(t);
  for (let n = 0; n < 5; n += 1) await mkdir(join(folder, `d${n}`));
  await listCode(folder, { ...LIMITS, files: 6 });
  await assert.rejects(
    listCode(folder, { ...LIMITS, files: 5 }),
    (error) => error instanceof CodeUnusable && /more than 5 files and folders/.test(error.message),
  );
});

test('of a file that grew since it was listed no more is read than it takes to see that', async (t) => {
  const folder = await place(t);
  const listing = await listCode(folder, LIMITS);
  await appendFile(join(folder, 'main.js'), 'more');
  await assert.rejects(hashCode(listing), { code: 'code-in-motion' });
});
