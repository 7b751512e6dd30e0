import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodeChanged, type CodeFile, createCodeStore } from '../../../src/storage/filesystem/code-store.ts';

async function bench(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'code-store-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const from = join(root, 'bots', 'a');
  await mkdir(from, { recursive: true });
  return {
    root: join(root, 'data'),
    from,
    async file(path: string, content: string, executable = false): Promise<CodeFile> {
      await mkdir(dirname(join(from, path)), { recursive: true });
      await writeFile(join(from, path), content);
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { kind: 'file', path, sizeBytes: Buffer.byteLength(content), sha256, executable };
    },
  };
}

test('a copy has every file, readable by any user whatever the umask, and executable where it was', async (t) => {
  const { root, from, file } = await bench(t);
  const files = [await file('main.py', 'x'), await file('lib/deep/run', '#!', true), await file('empty', '')];
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const copy = await createCodeStore(root).copyCode('a', 'r1', from, files);
  assert.equal(copy, join(root, 'code', 'a', 'r1'));
  assert.equal(await readFile(join(copy, 'lib/deep/run'), 'utf8'), '#!');
  for (const [path, mode] of Object.entries({
    'main.py': 0o644,
    empty: 0o644,
    'lib/deep/run': 0o755,
    '.': 0o755,
    'lib/deep': 0o755,
  })) {
    assert.equal((await stat(join(copy, path))).mode & 0o777, mode, path);
  }
});

test('a link inside the code stays a link', async (t) => {
  const { root, from, file } = await bench(t);
  const files: CodeFile[] = [await file('real.js', 'x'), { kind: 'link', path: 'bin/tool', target: '../real.js' }];
  const copy = await createCodeStore(root).copyCode('a', 'r1', from, files);
  assert.equal(await readlink(join(copy, 'bin/tool')), '../real.js');
});

test('a revision is copied once; later changes of the source do not reach it', async (t) => {
  const { root, from, file } = await bench(t);
  const store = createCodeStore(root);
  const files = [await file('main.py', 'old')];
  const copy = await store.copyCode('a', 'r1', from, files);
  await file('main.py', 'new');
  await store.copyCode('a', 'r1', from, files);
  await createCodeStore(root).copyCode('a', 'r1', from, files);
  assert.equal(await readFile(join(copy, 'main.py'), 'utf8'), 'old');
});

test('a file that changed after it was listed is not stored under the revision', async (t) => {
  const { root, from, file } = await bench(t);
  const store = createCodeStore(root);
  const files = [await file('main.py', 'old')];
  for (const later of ['new', 'older and longer', '']) {
    await writeFile(join(from, 'main.py'), later);
    await assert.rejects(store.copyCode('a', 'r1', from, files), CodeChanged);
  }
  await rm(join(from, 'main.py'));
  await assert.rejects(store.copyCode('a', 'r1', from, files), CodeChanged);
  assert.deepEqual(await readdir(join(root, 'code', 'a')), []);
});

test('a copy that a crash of the host left cut short is made again', async (t) => {
  const { root, from, file } = await bench(t);
  const files = [await file('main.py', 'print()')];
  const copy = await createCodeStore(root).copyCode('a', 'r1', from, files);
  await truncate(join(copy, 'main.py'), 0);
  await createCodeStore(root).copyCode('a', 'r1', from, files);
  assert.equal(await readFile(join(copy, 'main.py'), 'utf8'), 'print()');
});

test('a large file is copied whole', async (t) => {
  const { root, from, file } = await bench(t);
  const large = await file('model.bin', 'x'.repeat(1_500_001));
  const copy = await createCodeStore(root).copyCode('a', 'r1', from, [large]);
  assert.equal((await lstat(join(copy, 'model.bin'))).size, 1_500_001);
});

test('pruning keeps the current revision and the newest of the others', async (t) => {
  const { root, from, file } = await bench(t);
  const store = createCodeStore(root);
  const files = [await file('main.py', 'x')];
  for (const [age, revision] of ['r4', 'r3', 'r2', 'r1'].entries()) {
    const at = new Date(Date.now() - age * 60_000);
    await utimes(await store.copyCode('a', revision, from, files), at, at);
  }
  await store.prune('a', 'r1', 2);
  assert.deepEqual((await readdir(join(root, 'code', 'a'))).sort(), ['r1', 'r3', 'r4']);
  await store.prune('nobody', 'r1', 2);
});

test('pruning keeps every revision that is still in use, however old', async (t) => {
  const { root, from, file } = await bench(t);
  const inUse = new Set(['r1']);
  const store = createCodeStore(root, (botId) => (botId === 'a' ? inUse : new Set()));
  const files = [await file('main.py', 'x')];
  for (const [age, revision] of ['r5', 'r4', 'r3', 'r2', 'r1'].entries()) {
    const at = new Date(Date.now() - age * 60_000);
    await utimes(await store.copyCode('a', revision, from, files), at, at);
  }
  await store.prune('a', 'r5', 2);
  assert.deepEqual((await readdir(join(root, 'code', 'a'))).sort(), ['r1', 'r3', 'r4', 'r5']);
  inUse.clear();
  await store.prune('a', 'r5', 0);
  assert.deepEqual(await readdir(join(root, 'code', 'a')), ['r5']);
});

test('copies of bots nobody has any more go, with what an interrupted copy left', async (t) => {
  const { root, from, file } = await bench(t);
  const store = createCodeStore(root);
  const files = [await file('main.py', 'x')];
  const kept = await store.copyCode('a', 'r1', from, files);
  await store.copyCode('gone', 'r1', from, files);
  await mkdir(join(root, 'code', 'a', '.tmp-half'));
  await store.keepOnly((botId) => botId === 'a');
  assert.deepEqual(await readdir(join(root, 'code')), ['a']);
  assert.deepEqual(await readdir(join(root, 'code', 'a')), ['r1']);
  assert.ok(existsSync(join(kept, 'main.py')));
});

test('a bot that comes while old copies are removed keeps its copy, and one that is being made is left alone', async (t) => {
  const { root, from, file } = await bench(t);
  const store = createCodeStore(root);
  const files = await Promise.all(Array.from({ length: 500 }, (_, index) => file(`${index}.py`, 'x')));
  for (const id of ['gone', 'new', 'other']) await mkdir(join(root, 'code', id), { recursive: true });
  const asked: string[] = [];
  let copying: Promise<unknown> = Promise.resolve();
  await store.keepOnly((botId) => {
    // While the first is looked at the others come, and are being copied when it is their turn.
    if (asked.push(botId) === 1) {
      copying = Promise.all(['new', 'other'].map((id) => store.copyCode(id, 'r1', from, files)));
    }
    return botId !== 'gone';
  });
  await copying;
  assert.deepEqual(asked, ['gone', 'new', 'other']);
  assert.deepEqual((await readdir(join(root, 'code'))).sort(), ['new', 'other']);
  for (const id of ['new', 'other']) assert.equal((await readdir(join(root, 'code', id, 'r1'))).length, 500);
});
