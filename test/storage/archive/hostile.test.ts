import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { crc32, createGzip, gzipSync } from 'node:zlib';
import { ArchiveError, type ArchiveTrouble } from '../../../src/storage/archive/archive-error.ts';
import { extractArchive } from '../../../src/storage/archive/extract.ts';
import { encodeTarHeader } from '../../../src/storage/archive/tar-encode.ts';
import { buildArchive, chunked, entryOf, NO_LIMITS, plainTar, type Thing } from './build-archive.ts';
import { listTree } from './other-readers.ts';

function directory(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'the0-hostile-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const made = join(parent, 'state');
  mkdirSync(made);
  return made;
}

const END = Buffer.alloc(1024);

/** A header whose type is something that we would never write. */
function headerOfType(flag: string, name = 'odd', target = ''): Buffer {
  const header = encodeTarHeader(entryOf({ name, target }));
  header.write(flag, 156, 'latin1');
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

async function troubleWith(bytes: Buffer, target: string, limits = NO_LIMITS): Promise<ArchiveTrouble> {
  try {
    await extractArchive(chunked(bytes), target, limits, ['.apart']);
  } catch (error) {
    assert.ok(error instanceof ArchiveError, String(error));
    return error.code;
  }
  throw new Error('it was extracted');
}

for (const name of ['../outside', 'a/../../outside', '/outside', 'a/..', '..']) {
  test(`a file called ${name} is refused`, async (t) => {
    const target = directory(t);
    assert.equal(await troubleWith(gzipSync(plainTar([{ name, content: 'x' }])), target), 'unsafe-name');
    assert.equal(existsSync(join(target, '../outside')), false);
  });
}

test('a name that the runtime keeps for itself is refused', async (t) => {
  const bytes = gzipSync(plainTar([{ name: '.apart', content: 'x' }]));
  assert.equal(await troubleWith(bytes, directory(t)), 'unsafe-name');
});

for (const linkTarget of ['/etc', '..', '../..', 'a/../../..', 'a/../b', '']) {
  test(`a link to ${linkTarget || 'nothing'} is refused`, async (t) => {
    const bytes = gzipSync(plainTar([{ name: 'link', target: linkTarget }]));
    assert.equal(await troubleWith(bytes, directory(t)), 'unsafe-link');
  });
}

test('a link to a neighbour in the parent directory is taken', async (t) => {
  const target = directory(t);
  const things: Thing[] = [
    { name: 'a/b/link', target: '../c' },
    { name: 'a/c', content: 'seen' },
  ];
  await extractArchive(chunked(gzipSync(plainTar(things))), target, NO_LIMITS);
  assert.equal(readFileSync(join(target, 'a/b/link'), 'utf8'), 'seen');
});

test('nothing is written through a link', async (t) => {
  const target = directory(t);
  mkdirSync(join(target, '../elsewhere'));
  const bytes = gzipSync(
    plainTar([
      { name: 'd', target: 'e' },
      { name: 'd/file', content: 'x' },
    ]),
  );
  assert.equal(await troubleWith(bytes, target), 'conflict');
});

for (const flag of ['1', '3', '4', '6', 'S', 'Z']) {
  test(`an entry of type ${flag} is refused`, async (t) => {
    const bytes = gzipSync(Buffer.concat([headerOfType(flag), END]));
    assert.equal(await troubleWith(bytes, directory(t)), 'unsupported-type');
  });
}

test('a file and a directory of one name are refused', async (t) => {
  const fileFirst = gzipSync(
    plainTar([
      { name: 'a', content: 'x' },
      { name: 'a/b', content: 'y' },
    ]),
  );
  assert.equal(await troubleWith(fileFirst, directory(t)), 'conflict');
  const directoryFirst = gzipSync(
    plainTar([
      { name: 'a', directory: true },
      { name: 'a', content: 'y' },
    ]),
  );
  assert.equal(await troubleWith(directoryFirst, directory(t)), 'conflict');
});

test('an archive is refused wherever it is cut off', async (t) => {
  const { bytes } = await buildArchive([
    { name: 'a', content: 'first' },
    { name: 'b', content: 'second'.repeat(500) },
  ]);
  const whole = gzipSync(plainTar([{ name: 'a', content: 'x'.repeat(3000) }]));
  for (const archive of [bytes, whole]) {
    for (let length = 0; length < archive.length; length += 7) {
      const target = directory(t);
      assert.equal(await troubleWith(archive.subarray(0, length), target), 'truncated', `${length} bytes`);
    }
  }
});

test('a tar that ends without its two empty blocks is refused', async (t) => {
  const cut = plainTar([{ name: 'a', content: 'x' }]).subarray(0, -512);
  assert.equal(await troubleWith(gzipSync(cut), directory(t)), 'truncated');
});

test('any flipped bit in the content is found', async (t) => {
  const { bytes } = await buildArchive([{ name: 'a', content: 'some content to damage' }]);
  const damaged = Buffer.from(bytes);
  const middle = 40;
  damaged[middle] = (damaged[middle] ?? 0) ^ 4;
  assert.match(await troubleWith(damaged, directory(t)), /^(not-gzip|bad-header|truncated)$/);
});

test('what is no archive is refused', async (t) => {
  assert.equal(await troubleWith(Buffer.from('<html>'), directory(t)), 'not-gzip');
  assert.equal(await troubleWith(gzipSync(Buffer.alloc(600, 'x')), directory(t)), 'bad-header');
});

test('an archive of a newer format is refused with a sentence', async (t) => {
  const { bytes } = await buildArchive([{ name: 'a', content: 'x' }]);
  bytes[16] = 2;
  await assert.rejects(extractArchive(chunked(bytes), directory(t), NO_LIMITS), /format is 2.*upgrade/);
});

test('limits on entries, one file and all files hold', async (t) => {
  const three = gzipSync(plainTar(['a', 'b', 'c'].map((name) => ({ name, content: 'x'.repeat(100) }))));
  assert.equal(await troubleWith(three, directory(t), { ...NO_LIMITS, entries: 2 }), 'too-many-entries');
  assert.equal(await troubleWith(three, directory(t), { ...NO_LIMITS, fileBytes: 99 }), 'file-too-large');
  assert.equal(await troubleWith(three, directory(t), { ...NO_LIMITS, totalBytes: 299 }), 'too-large');
  await extractArchive(chunked(three), directory(t), { entries: 3, fileBytes: 100, totalBytes: 300 });
});

test('what grows a thousandfold is read no further than the limit', async (t) => {
  const bomb = gzipSync(plainTar([{ name: 'a', content: Buffer.alloc(50_000_000) }]));
  const target = directory(t);
  assert.equal(await troubleWith(bomb, target, { ...NO_LIMITS, totalBytes: 1_000_000 }), 'too-large');
  assert.deepEqual(listTree(target), []);
});

test('a million entries are read no further than the limit', async (t) => {
  let taken = 0;
  const tar = Readable.from(headersOf(1_000_000));
  tar.on('error', () => {}); // It is not read to its end.
  const archive = (async function* () {
    for await (const chunk of tar.pipe(createGzip({ level: 1 }))) {
      taken += chunk.length;
      yield chunk;
    }
  })();
  const extracted = extractArchive(archive, directory(t), { ...NO_LIMITS, entries: 2_000 });
  await assert.rejects(extracted, { code: 'too-many-entries', message: /more than 2000 files and directories/ });
  assert.ok(taken < 2_000_000, `${taken} bytes were read`);
});

/** Each another empty file. */
function* headersOf(entries: number): Generator<Buffer> {
  for (let index = 0; index < entries; index += 1_000) {
    const names = Array.from({ length: 1_000 }, (_, nth) => `${index + nth}`);
    yield Buffer.concat(names.map((name) => encodeTarHeader(entryOf({ name, content: '' }))));
  }
}

test('what comes after the end is not read for ever', async (t) => {
  const bomb = gzipSync(Buffer.concat([plainTar([{ name: 'a', content: 'x' }]), Buffer.alloc(50_000_000)]));
  assert.equal(await troubleWith(bomb, directory(t)), 'too-large');
  const padded = gzipSync(Buffer.concat([plainTar([{ name: 'a', content: 'x' }]), Buffer.alloc(10_240)]));
  await extractArchive(chunked(padded), directory(t), NO_LIMITS);
});

test('extended headers that belong to nothing are refused', async (t) => {
  const empty = headerOfType('g');
  const many = gzipSync(Buffer.concat([...Array.from({ length: 10_000 }, () => empty), END]));
  assert.equal(await troubleWith(many, directory(t)), 'bad-header');
});

test('names that no file can have are refused', async (t) => {
  const deep = gzipSync(plainTar([{ name: `${'d/'.repeat(20_000)}file`, content: 'x' }]));
  assert.equal(await troubleWith(deep, directory(t)), 'unsafe-name');
});

test('a directory that holds something is left alone', async (t) => {
  const target = directory(t);
  writeFileSync(join(target, 'mine'), 'mine');
  const { bytes } = await buildArchive([{ name: 'mine', content: 'theirs' }]);
  assert.equal(await troubleWith(bytes, target), 'not-empty');
  assert.equal(readFileSync(join(target, 'mine'), 'utf8'), 'mine');
});

test('directories that nobody may write get their mode last', async (t) => {
  const target = directory(t);
  const { bytes } = await buildArchive([
    { name: 'closed', directory: true, mode: 0o555 },
    { name: 'closed/file', content: 'x' },
  ]);
  await extractArchive(chunked(bytes), target, NO_LIMITS);
  assert.deepEqual(
    listTree(target).map(({ name, mode }) => [name, mode]),
    [
      ['closed', 0o555],
      ['closed/file', 0o644],
    ],
  );
  spawnSync('chmod', ['-R', 'u+w', target]);
});

test('an archive of GNU tar, with long names, is read; its parts cannot be addressed', async (t) => {
  const source = directory(t);
  const long = 'n'.repeat(180);
  mkdirSync(join(source, 'd'));
  writeFileSync(join(source, 'd', long), 'content');
  const packed = spawnSync('tar', ['-czf', '-', '--format=gnu', '-C', source, '.']);
  if (packed.error !== undefined) return t.skip('needs tar');
  const target = directory(t);
  const { index, stamp } = await extractArchive(chunked(packed.stdout), target, NO_LIMITS);
  assert.equal(readFileSync(join(target, 'd', long), 'utf8'), 'content');
  assert.equal(index.endOffset, null);
  assert.equal(stamp, null);
  assert.deepEqual([...index.entries.keys()], ['d', `d/${long}`]);
});

test('the checksum of the end member is right', async () => {
  assert.equal(crc32(Buffer.alloc(1024)), 0xefb5af2e);
});
