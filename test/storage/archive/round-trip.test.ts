import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { extractArchive } from '../../../src/storage/archive/extract.ts';
import { readArchive } from '../../../src/storage/archive/read-archive.ts';
import { buildArchive, chunked, contentOf, entryOf, NO_LIMITS, STAMP, type Thing } from './build-archive.ts';
import { extractWithTar, type Listed, listTree, listWithGo, listWithPython, sha256 } from './other-readers.ts';

const THINGS: readonly Thing[] = [
  { name: '.the0-state', directory: true },
  { name: '.the0-state/portfolio.json', content: '{"cash":1}' },
  { name: 'deep', directory: true, mode: 0o700 },
  { name: `deep/${'long-name-'.repeat(15)}.txt`, content: 'found' },
  { name: 'empty', content: '' },
  { name: 'exactly-one-block', content: Buffer.alloc(512, 'x') },
  { name: 'large', content: randomBytes(700_001) },
  { name: 'larger-than-a-block-and-soft', content: Buffer.alloc(1_000_000, 'soft ') },
  { name: 'link', target: 'deep' },
  { name: 'over', directory: true },
  { name: 'over/größe-💰.txt', content: 'umlaut', mtime: 1_600_000_000 },
  { name: 'program', content: '#!/bin/sh', mode: 0o755 },
  { name: 'read-only', content: 'r', mode: 0o444 },
];

const FIRST_SINK = { begin() {}, data() {}, end() {} };

function expected(things: readonly Thing[]): Listed[] {
  return things.map((thing) => {
    const { name, kind, mode, size, mtime, linkTarget } = entryOf(thing);
    const type = { file: '0', directory: '5', link: '2' } as const;
    return {
      name,
      type: type[kind],
      mode,
      size,
      mtime,
      target: linkTarget,
      sha256: sha256(Buffer.concat(contentOf(thing))),
    };
  });
}

/** Directories and links get the time at which they are made. */
function timeless(list: readonly Listed[]): unknown[] {
  return list.map(({ mtime, ...rest }) => (rest.type === '0' ? { mtime, ...rest } : rest));
}

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'the0-archive-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('what is packed is extracted again, to the last bit', async (t) => {
  const { bytes } = await buildArchive(THINGS);
  const target = directory(t);
  const { stamp } = await extractArchive(chunked(bytes), target, NO_LIMITS);
  assert.deepEqual(timeless(listTree(target)), timeless(expected(THINGS)));
  assert.deepEqual(stamp, STAMP);
});

for (const chunkBytes of [1, 23, 511, 4096, 10_000_000]) {
  test(`the index is found again, whatever the network makes of it (${chunkBytes} bytes a time)`, async () => {
    const things = THINGS.filter(({ name }) => chunkBytes > 100 || !name.startsWith('large'));
    const { bytes, index } = await buildArchive(things);
    const found = await readArchive(chunked(bytes, chunkBytes), FIRST_SINK, NO_LIMITS);
    assert.equal(found.index.endOffset, index.endOffset);
    assert.deepEqual(
      [...found.index.entries].map(([name, { at }]) => [name, at]),
      [...index.entries].map(([name, { at }]) => [name, at]),
    );
  });
}

test("Go's archive/tar reads the same", async (t) => {
  const { bytes } = await buildArchive(THINGS);
  const listed = listWithGo(bytes);
  if (listed === null) return t.skip('needs go');
  assert.deepEqual(listed, expected(THINGS));
});

test("Python's tarfile reads the same", async (t) => {
  const { bytes } = await buildArchive(THINGS);
  const listed = listWithPython(bytes);
  if (listed === null) return t.skip('needs python3');
  assert.deepEqual(listed, expected(THINGS));
});

test('GNU tar extracts the same', async (t) => {
  const { bytes } = await buildArchive(THINGS);
  const listed = extractWithTar(bytes);
  if (listed === null) return t.skip('needs GNU tar and gzip');
  assert.deepEqual(timeless(listed), timeless(expected(THINGS)));
});

test('an archive without entries is one, too', async (t) => {
  const { bytes } = await buildArchive([]);
  const target = directory(t);
  await extractArchive(chunked(bytes), target, NO_LIMITS);
  assert.deepEqual(listTree(target), []);
  assert.deepEqual(extractWithTar(bytes) ?? [], []);
});
