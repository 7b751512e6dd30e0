import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DataDirectoryError } from '../../../src/storage/filesystem/data-directory-error.ts';
import { lockDataDirectory } from '../../../src/storage/filesystem/data-directory-lock.ts';

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lock-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Another process that tries to take the lock. @returns it with what it says */
async function contender(t: TestContext, root: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/hold-lock.ts'), root], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [said]: unknown[] = child.stdout === null ? [] : await once(child.stdout, 'data');
  return { child, said: String(said).trim() };
}

function inUseBy(pid: number | undefined) {
  return (error: unknown) => {
    assert.ok(error instanceof DataDirectoryError, String(error));
    assert.equal(error.code, 'data-directory-in-use');
    assert.match(error.message, new RegExp(`process ${pid}\\b`));
    return true;
  };
}

test('a second runtime is refused, with the pid of the first', async (t) => {
  const root = await place(t);
  const { child, said } = await contender(t, root);
  assert.equal(said, 'locked');
  await assert.rejects(lockDataDirectory(root), inUseBy(child.pid));
});

test('the lock of a killed runtime is taken over', async (t) => {
  const root = await place(t);
  const { child } = await contender(t, root);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await lockDataDirectory(root);
  await assert.rejects(lockDataDirectory(root), inUseBy(process.pid));
  await lock.release();
});

test('a released lock is free, again and again', async (t) => {
  const root = await place(t);
  for (let n = 0; n < 5; n += 1) await (await lockDataDirectory(root)).release();
  assert.equal((await readdir(join(root, 'lock'))).length, 1);
});

test('a lock that somebody removed, with the data directory, can be released', async (t) => {
  const root = await place(t);
  const lock = await lockDataDirectory(root);
  await rm(root, { recursive: true });
  await lock.release();
});

test('a pid that means another process by now holds nothing', async (t) => {
  const root = await place(t);
  await mkdir(join(root, 'lock'));
  const holder = { format: 1, pid: process.pid, startTime: 'long ago', released: false };
  await writeFile(join(root, 'lock', '7.json'), JSON.stringify(holder));
  await (await lockDataDirectory(root)).release();
  assert.deepEqual(await readdir(join(root, 'lock')), ['8.json']);
});

test('a lock that a crash of the host left empty holds nothing', async (t) => {
  const root = await place(t);
  await mkdir(join(root, 'lock'));
  await writeFile(join(root, 'lock', '7.json'), '');
  await (await lockDataDirectory(root)).release();
});

test('a lock of a newer version of the runtime is not taken over', async (t) => {
  const root = await place(t);
  await mkdir(join(root, 'lock'));
  await writeFile(join(root, 'lock', '7.json'), JSON.stringify({ format: 2, holder: 'someone' }));
  await assert.rejects(lockDataDirectory(root), { code: 'data-directory-newer-format' });
  assert.deepEqual(await readdir(join(root, 'lock')), ['7.json']);
});

test('of many that find a stale lock at the same time exactly one gets it', async (t) => {
  const root = await place(t);
  await mkdir(join(root, 'lock'));
  const stale = { format: 1, pid: 2 ** 22 + 1, startTime: 'x', released: false };
  await writeFile(join(root, 'lock', '3.json'), JSON.stringify(stale));
  const here = await Promise.allSettled(Array.from({ length: 30 }, () => lockDataDirectory(root)));
  assert.equal(here.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('of several processes that start at the same time exactly one gets it', async (t) => {
  const root = await place(t);
  const contenders = await Promise.all(Array.from({ length: 6 }, () => contender(t, root)));
  assert.deepEqual(contenders.map(({ said }) => said).sort(), ['locked', ...Array(5).fill('refused')]);
});
