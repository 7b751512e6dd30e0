import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DataDirectoryError, writeErrorFor } from '../../../src/storage/filesystem/data-directory-error.ts';
import { openDataDirectory } from '../../../src/storage/filesystem/open-data-directory.ts';

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'data-directory-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function failsWith(code: DataDirectoryError['code'], message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof DataDirectoryError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.notEqual(error.hint, '');
    return true;
  };
}

test('a new data directory is private and gets an instance that stays', async (t) => {
  const root = join(await place(t), 'a', 'b');
  const first = await openDataDirectory(root);
  assert.equal(first.root, root);
  assert.equal((await stat(root)).mode & 0o777, 0o700);
  assert.match(first.instance, /^[0-9a-f-]{36}$/);
  assert.deepEqual(await openDataDirectory(root), first);
  const folders = ['code', 'logs', 'query-runs', 'state'];
  assert.deepEqual((await readdir(root)).sort(), [...folders, 'format.json', 'package.json'].sort());
});

test('what bots have is private in a directory that was there before, and that everybody may enter', async (t) => {
  const root = await place(t);
  await chmod(root, 0o755);
  await openDataDirectory(root);
  const folders = ['code', 'state', 'logs', 'query-runs'].map((name) => join(root, name));
  const modes = () => Promise.all(folders.map(async (folder) => (await stat(folder)).mode & 0o777));
  assert.deepEqual(await modes(), [0o700, 0o700, 0o700, 0o700]);
  // As earlier versions have left them.
  for (const folder of folders) await chmod(folder, 0o755);
  await openDataDirectory(root);
  assert.deepEqual(await modes(), [0o700, 0o700, 0o700, 0o700]);
  assert.equal((await stat(root)).mode & 0o777, 0o755, 'the directory itself is its owner’s business');
});

test('code below it is CommonJS, also in the middle of a project of ES modules', async (t) => {
  const project = await place(t);
  await writeFile(join(project, 'package.json'), '{"type":"module"}');
  const { root } = await openDataDirectory(join(project, '.the0'));
  const script = join(root, 'bot.js');
  await writeFile(script, 'exports.main = () => {};');
  assert.equal(typeof createRequire(import.meta.url)(script).main, 'function');
});

test('two runtimes that make the same directory at the same time agree on its instance', async (t) => {
  const root = join(await place(t), 'data');
  const opened = await Promise.all(Array.from({ length: 8 }, () => openDataDirectory(root)));
  assert.equal(new Set(opened.map(({ instance }) => instance)).size, 1);
});

test('a directory of a newer version is refused with both format numbers', async (t) => {
  const root = await place(t);
  await writeFile(join(root, 'format.json'), '{"format":2,"instance":"x"}');
  await assert.rejects(openDataDirectory(root), failsWith('data-directory-newer-format', /format 2, this one knows 1/));
});

test('a damaged format file is named, and not replaced', async (t) => {
  const root = await place(t);
  for (const text of ['', '{', '[]', '{"format":1}', '{"format":"1","instance":"x"}']) {
    await writeFile(join(root, 'format.json'), text);
    await assert.rejects(openDataDirectory(root), failsWith('data-directory-damaged', /format\.json is damaged/));
  }
});

test('a directory with files of somebody else is refused', async (t) => {
  const root = await place(t);
  await writeFile(join(root, 'thesis.txt'), '');
  await assert.rejects(openDataDirectory(root), failsWith('data-directory-not-empty', /thesis\.txt/));
});

test('a file in the place of the directory is said to be no directory', async (t) => {
  const root = join(await place(t), 'file');
  await writeFile(root, '');
  await assert.rejects(openDataDirectory(root), failsWith('data-directory-not-a-directory', /is not a directory/));
  await assert.rejects(
    openDataDirectory(join(root, 'below')),
    failsWith('data-directory-not-a-directory', /below is not/),
  );
});

test('a directory that cannot be written to is said to be so', async (t) => {
  const root = join(await place(t), 'data');
  // Root may write anywhere but in a directory of the kernel's own.
  const own = process.getuid?.() === 0 ? '/proc/self/fdinfo' : root;
  await mkdir(root);
  await chmod(root, 0o500);
  await assert.rejects(openDataDirectory(own), failsWith('data-directory-not-writable', /is not writable|cannot be/));
});

test('a place where no directory can be made is said to be so', { skip: process.platform !== 'linux' }, async () => {
  const failure = failsWith('data-directory-not-writable', /\/proc\/nowhere cannot be made/);
  await assert.rejects(openDataDirectory('/proc/nowhere'), failure);
});

test('a full disk and a read-only file system are told apart', () => {
  const errno = (code: string) => writeErrorFor(Object.assign(new Error(code), { code }), '/data');
  assert.ok(failsWith('disk-full', /disk of the data directory \/data is full/)(errno('ENOSPC')));
  assert.ok(failsWith('data-directory-not-writable', /EROFS/)(errno('EROFS')));
});
