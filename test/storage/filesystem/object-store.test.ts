import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileFailure } from '../../../src/storage/filesystem/object-failure.ts';
import { FilesystemObjectStore } from '../../../src/storage/filesystem/object-store.ts';
import { bodyOf } from '../../../src/storage/object-store.ts';
import { bytesOf, trouble } from '../../conformance/storage/bytes.ts';

const BUCKET = 'bot-state';
const PLACE = { bucket: BUCKET, key: 'b1/state.tar.gz' };
const WRITE = { condition: null, contentType: 'text/plain' };

async function emptyStore(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'the0-objects-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = new FilesystemObjectStore(root, { lockWaitMs: 10_000, lockStaleMs: 300 });
  await store.createBucket(BUCKET);
  const write = (text: string) => store.write(PLACE, bodyOf(Buffer.from(text)), WRITE);
  const read = async () => (await bytesOf(await store.read(PLACE))).toString();
  return { root, store, write, read, directory: join(root, BUCKET, 'b1') };
}

describe('objects in a directory', () => {
  it('leave nothing else in it, nor an empty directory', async (t) => {
    const { root, store, write, directory } = await emptyStore(t);
    await write('first');
    await write('second');
    assert.deepEqual(await readdir(directory), ['state.tar.gz%object']);
    await store.remove(PLACE);
    assert.deepEqual(await readdir(join(root, BUCKET)), []);
  });

  it('begin with their content, so that a person can look inside', async (t) => {
    const { write, directory } = await emptyStore(t);
    await write('hello');
    assert.equal((await readFile(join(directory, 'state.tar.gz%object'))).subarray(0, 5).toString(), 'hello');
  });

  it('are found below a key that ends where they go on, in order', async (t) => {
    const { store } = await emptyStore(t);
    const keys = ['a', 'a-b', 'a/', 'a//c', 'a/b', 'a/b/c', 'a0'];
    for (const key of keys.toReversed()) await store.write({ bucket: BUCKET, key }, bodyOf(Buffer.from(key)), WRITE);
    const listed: string[] = [];
    for await (const { key } of store.list(BUCKET, '')) listed.push(key);
    assert.deepEqual(listed, keys);
  });

  it('keep a directory that is mounted somewhere when the last of them is removed', async (t) => {
    const { store, write, directory } = await emptyStore(t);
    assert.equal(await store.directoryOf(BUCKET, 'b1/'), directory);
    await write('a');
    await store.remove(PLACE);
    assert.deepEqual(await readdir(directory), ['%keep']);
    for await (const object of store.list(BUCKET, '')) assert.fail(`${object.key} is no object`);
  });

  it('of a newer version are refused with a sentence, and damaged ones too', async (t) => {
    const { store, write, directory } = await emptyStore(t);
    await write('a');
    const file = join(directory, 'state.tar.gz%object');
    const newer = (await readFile(file)).toString().replace('"format":1', '"format":2');
    await writeFile(file, newer);
    await assert.rejects(store.read(PLACE), /b1\/state\.tar\.gz: it was written by a newer version \(format 2/);
    for (const damaged of ['short', 'x'.repeat(5_000)]) {
      await writeFile(file, damaged);
      await assert.rejects(store.read(PLACE), trouble('refused'));
    }
    await write('whole again');
  });

  it('are never read through a link', async (t) => {
    const { root, store, write, directory } = await emptyStore(t);
    await write('a');
    await rm(join(directory, 'state.tar.gz%object'));
    await store.write({ bucket: BUCKET, key: 'secret' }, bodyOf(Buffer.from('secret')), WRITE);
    await store.directoryOf(BUCKET, 'b1/');
    await symlink(join(root, BUCKET, 'secret%object'), join(directory, 'state.tar.gz%object'));
    await assert.rejects(store.read(PLACE), trouble('refused'));
    for await (const { key } of store.list(BUCKET, 'b1/')) assert.fail(`${key} is a link`);
  });

  it('are written when the lock of a writer that died is left', async (t) => {
    const { store, write, read, directory } = await emptyStore(t);
    await store.directoryOf(BUCKET, 'b1/');
    await symlink('%tmp-of-the-dead', join(directory, 'state.tar.gz%lock'));
    await writeFile(join(directory, '%tmp-of-the-dead'), 'unfinished');
    await write('written');
    assert.equal(await read(), 'written');
    await store.remove(PLACE);
    assert.deepEqual(await readdir(directory), ['%keep'], 'what the dead one left is gone');
  });

  it('are not written when others hold the lock in turns for too long', async (t) => {
    const { root, store, directory } = await emptyStore(t);
    await store.directoryOf(BUCKET, 'b1/');
    const impatient = new FilesystemObjectStore(root, { lockWaitMs: 50, lockStaleMs: 60_000 });
    await symlink('%tmp-of-another', join(directory, 'state.tar.gz%lock'));
    await assert.rejects(impatient.write(PLACE, bodyOf(Buffer.from('a')), WRITE), trouble('busy'));
    assert.deepEqual((await readdir(directory)).sort(), ['%keep', 'state.tar.gz%lock']);
  });

  it('lose what a crash left after a day', async (t) => {
    const { root, store, write, directory } = await emptyStore(t);
    await store.directoryOf(BUCKET, 'b1/');
    for (const name of ['%tmp-old', '%tmp-young']) await writeFile(join(directory, name), 'half');
    const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await utimes(join(directory, '%tmp-old'), longAgo, longAgo);
    await write('a');
    assert.deepEqual((await readdir(directory)).sort(), ['%keep', '%tmp-young', 'state.tar.gz%object']);
    assert.ok(root);
  });

  it('count right when several processes increase one number, each on condition', async (t) => {
    const { root, store, read } = await emptyStore(t);
    await store.write(PLACE, bodyOf(Buffer.from('0')), WRITE);
    const counters = Array.from({ length: 4 }, () =>
      fork(join(import.meta.dirname, 'fixtures/counter.ts'), [root, '15']),
    );
    const codes = await Promise.all(
      counters.map((counter) => new Promise((resolve) => counter.once('exit', (code) => resolve(code)))),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(await read(), '60');
  });

  it('call a full disk by its name', () => {
    const call = { operation: 'put', ...PLACE };
    for (const code of ['ENOSPC', 'EDQUOT']) {
      const failure = fileFailure(call, Object.assign(new Error('write'), { code }));
      assert.equal(failure.trouble, 'full');
      assert.equal(failure.message, `put bot-state/b1/state.tar.gz: ${code}`);
    }
  });
});
