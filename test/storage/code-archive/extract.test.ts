import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ArchiveTrouble, CodeArchiveError } from '../../../src/storage/code-archive/archive-error.ts';
import { type ExtractLimits, extractCode } from '../../../src/storage/code-archive/extract.ts';
import { filesIn, type HandMade, handMade, LIMITS, python, scratch } from './archives.ts';

async function extracted(
  t: TestContext,
  make: (file: string) => void,
  limits = LIMITS,
): Promise<Record<string, string>> {
  const root = scratch(t);
  const file = join(root, 'a.zip');
  make(file);
  await extractCode(file, join(root, 'code'), limits);
  return filesIn(join(root, 'code'));
}

async function refused(
  t: TestContext,
  archive: Buffer | readonly HandMade[] | ((file: string) => void),
  trouble: ArchiveTrouble,
  sentence: RegExp,
  limits: Partial<ExtractLimits> = {},
): Promise<void> {
  const root = scratch(t);
  const file = join(root, 'a.zip');
  if (typeof archive === 'function') archive(file);
  else writeFileSync(file, Buffer.isBuffer(archive) ? archive : handMade(archive));
  await assert.rejects(extractCode(file, join(root, 'code'), { ...LIMITS, ...limits }), (error) => {
    assert.ok(error instanceof CodeArchiveError, String(error));
    assert.equal(error.trouble, trouble);
    assert.match(error.message, sentence);
    return true;
  });
  assert.equal(existsSync(join(root, 'escaped')), false);
}

const PACKED = { 'main.py': "644 print('hi')\n", 'run.sh': '755 #!/bin/sh\n', 'vendor/pkg/data.txt': '644 öä\n' };

function sources(root: string): string {
  const folder = join(root, 'bot');
  mkdirSync(join(folder, 'vendor/pkg'), { recursive: true });
  writeFileSync(join(folder, 'main.py'), "print('hi')\n");
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n');
  writeFileSync(join(folder, 'vendor/pkg/data.txt'), 'öä\n');
  for (const [name, mode] of [
    ['main.py', 0o644],
    ['run.sh', 0o755],
    ['vendor/pkg/data.txt', 0o644],
  ] as const) {
    chmodSync(join(folder, name), mode);
  }
  return folder;
}

for (const compression of ['ZIP_STORED', 'ZIP_DEFLATED']) {
  test(`an archive by Python's zipfile (${compression}) is unpacked with its modes`, async (t) => {
    const folder = sources(scratch(t));
    const script = `
import sys, zipfile, os
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.${compression}) as z:
    for name in ['main.py', 'run.sh', 'vendor/pkg/data.txt']:
        z.write(os.path.join(sys.argv[2], name), name)`;
    assert.deepEqual(await extracted(t, (file) => python(script, file, folder)), PACKED);
  });
}

test('a streamed archive by Python, with data descriptors and 64-bit fields, is unpacked', async (t) => {
  const folder = sources(scratch(t));
  const script = `
import sys, zipfile, os, io
class Pipe(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
with open(sys.argv[1], 'wb') as out, zipfile.ZipFile(Pipe(out), 'w', zipfile.ZIP_DEFLATED) as z:
    for name in ['main.py', 'run.sh', 'vendor/pkg/data.txt']:
        info = zipfile.ZipInfo.from_file(os.path.join(sys.argv[2], name), name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with open(os.path.join(sys.argv[2], name), 'rb') as src, z.open(info, 'w', force_zip64=True) as dst:
            dst.write(src.read())`;
  assert.deepEqual(await extracted(t, (file) => python(script, file, folder)), PACKED);
});

const hasInfoZip = spawnSync('zip', ['-v']).status === 0;

test('an archive by Info-ZIP, with entries for folders, is unpacked', { skip: !hasInfoZip }, async (t) => {
  const folder = sources(scratch(t));
  const files = await extracted(t, (file) => execFileSync('zip', ['-qr', file, '.'], { cwd: folder }));
  assert.deepEqual(files, PACKED);
});

test('an archive that Info-ZIP wrote into a pipe is unpacked', { skip: !hasInfoZip }, async (t) => {
  const folder = sources(scratch(t));
  const files = await extracted(t, (file) =>
    writeFileSync(file, execFileSync('zip', ['-qr', '-', '.'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })),
  );
  assert.deepEqual(files, PACKED);
});

test('files larger than one step are unpacked too, compressed and stored', async (t) => {
  const content = Buffer.alloc(3 * 1024 * 1024, 'not only zeros ');
  const root = scratch(t);
  for (const method of [0, 8]) {
    const file = join(root, `${method}.zip`);
    writeFileSync(file, handMade([{ name: 'large.bin', content, method }]));
    await extractCode(file, join(root, `code-${method}`), LIMITS);
    assert.ok(readFileSync(join(root, `code-${method}`, 'large.bin')).equals(content));
  }
});

test('an empty archive is an empty folder', async (t) => {
  assert.deepEqual(await extracted(t, (file) => writeFileSync(file, handMade([]))), {});
});

test('bits beyond permissions are dropped, and the owner can always read', async (t) => {
  const files = await extracted(t, (file) =>
    writeFileSync(
      file,
      handMade([
        { name: 'setuid', mode: 0o104755 },
        { name: 'unreadable', mode: 0o100200 },
        { name: 'unsaid', mode: 0 },
      ]),
    ),
  );
  assert.deepEqual(files, { setuid: '755 ', unreadable: '600 ', unsaid: '644 ' });
});

test('a folder that nobody may enter does not stop what is in it', async (t) => {
  const root = scratch(t);
  const file = join(root, 'a.zip');
  writeFileSync(
    file,
    handMade([
      { name: 'd/', mode: 0o040000 },
      { name: 'd/f', content: 'x' },
    ]),
  );
  await extractCode(file, join(root, 'code'), LIMITS);
  assert.equal(statSync(join(root, 'code/d')).mode & 0o700, 0o700);
});

test('a dot and doubled slashes in names mean nothing', async (t) => {
  const make = (file: string) => writeFileSync(file, handMade([{ name: './a//b', content: 'x' }]));
  assert.deepEqual(await extracted(t, make), { 'a/b': '644 x' });
});

test('a comment may hold what looks like the end', async (t) => {
  const archive = handMade([{ name: 'a', content: 'x' }]);
  const comment = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(30)]);
  archive.writeUInt16LE(comment.length, archive.length - 2);
  assert.deepEqual(await extracted(t, (file) => writeFileSync(file, Buffer.concat([archive, comment]))), {
    a: '644 x',
  });
});

for (const name of ['../escaped', 'a/../../escaped', 'a/..', '..']) {
  test(`the name ${name} leads out of the code and is refused`, (t) =>
    refused(t, [{ name, content: 'x' }], 'unsafe', /leads out of the code/));
}

for (const name of ['/escaped', 'C:/escaped', 'c:escaped']) {
  test(`the name ${name} is absolute and is refused`, (t) => refused(t, [{ name }], 'unsafe', /absolute name/));
}

test('a backslash in a name is refused', (t) => refused(t, [{ name: '..\\escaped' }], 'unsafe', /backslash/));

test('control characters in a name are refused', (t) => refused(t, [{ name: 'a\0b' }], 'unsafe', /control characters/));

test('a name that is not UTF-8 is refused', (t) =>
  refused(t, [{ name: Buffer.from([0x61, 0xff]) }], 'unsafe', /not UTF-8/));

test("the agent's own names are refused", (t) => refused(t, [{ name: '.the0-code' }], 'unsafe', /needs for itself/));

test('an entry without a name is refused', (t) => refused(t, [{ name: './', mode: 0 }], 'unsafe', /without a name/));

for (const [what, mode] of [
  ['a link', 0o120777],
  ['a device', 0o020666],
  ['a device', 0o060666],
  ['a pipe', 0o010644],
  ['a socket', 0o140644],
] as const) {
  test(`${what} (${mode.toString(8)}) is refused`, (t) =>
    refused(t, [{ name: 'x', content: '/etc/passwd', mode }], 'unsafe', new RegExp(`which is ${what}`)));
}

test('a file that says it is a folder, and the other way round, is refused', async (t) => {
  await refused(t, [{ name: 'x', mode: 0o040755 }], 'unsafe', /both that it is a file and a folder/);
  await refused(t, [{ name: 'x/', mode: 0o100644 }], 'unsafe', /both that it is a file and a folder/);
});

test('a name twice is refused', async (t) => {
  await refused(
    t,
    [
      { name: 'a', content: '1' },
      { name: 'a', content: '2' },
    ],
    'unsafe',
    /two entries with the name "a"/,
  );
  await refused(
    t,
    [
      { name: 'a', content: '1' },
      { name: './a', content: '2' },
    ],
    'unsafe',
    /two entries/,
  );
  await refused(
    t,
    [
      { name: 'a/', mode: 0 },
      { name: 'a/', mode: 0 },
    ],
    'unsafe',
    /two entries/,
  );
});

test('a name that is a file and a folder is refused', async (t) => {
  await refused(t, [{ name: 'a' }, { name: 'a/b' }], 'unsafe', /two entries with the name "a"/);
  await refused(t, [{ name: 'a/b' }, { name: 'a' }], 'unsafe', /two entries with the name "a"/);
});

test('a name that differs between header and directory is refused', (t) =>
  refused(t, [{ name: 'a', localName: 'b' }], 'damaged', /contradicts itself/));

test('an encrypted entry is refused', (t) =>
  refused(t, [{ name: 'a', content: 'x', flags: 0x0801 }], 'unsupported', /encrypted/));

test('an unknown compression is refused', (t) =>
  refused(t, [{ name: 'a', content: 'x', method: 12 }], 'unsupported', /method 12/));

test('a wrong checksum is refused', (t) =>
  refused(t, [{ name: 'a', content: 'x', crc: 1 }], 'damaged', /checksum of "a"/));

test('a wrong size is refused', async (t) => {
  await refused(t, [{ name: 'a', content: 'xyz', size: 2 }], 'damaged', /about the size of "a"/);
  await refused(t, [{ name: 'a', content: 'xyz', size: 4 }], 'damaged', /about the size of "a"/);
  await refused(t, [{ name: 'a', content: 'xyz', method: 0, size: 4 }], 'damaged', /about the size of "a"/);
  const large = Buffer.alloc(3 * 1024 * 1024, 'x');
  await refused(t, [{ name: 'a', content: large, size: large.length - 1 }], 'damaged', /about the size of "a"/);
  await refused(t, [{ name: 'a', content: large, size: large.length + 1 }], 'damaged', /about the size of "a"/);
});

test('data that cannot be unpacked are refused', (t) => {
  const archive = handMade([{ name: 'a', content: Buffer.alloc(2000, 'abcdefg') }]);
  archive.fill(0xff, 31, 45);
  return refused(t, archive, 'damaged', /cannot be unpacked/);
});

test('entries that share their data are refused', (t) =>
  refused(
    t,
    [
      { name: 'a', content: 'x' },
      { name: 'b', content: 'x', sameAs: 0 },
    ],
    'damaged',
    /overlap/,
  ));

test('an entry that reaches into the next is refused', (t) => {
  const inner = handMade([{ name: 'b', content: 'x' }]).subarray(0, 34);
  const archive = handMade([
    { name: 'a', content: inner, method: 0 },
    { name: 'b', content: 'x' },
  ]);
  // The second record points into the data of the first entry.
  archive.writeUInt32LE(31, archive.length - 22 - 47 + 42);
  return refused(t, archive, 'damaged', /overlap/);
});

test('an archive that is cut short anywhere is refused', async (t) => {
  const archive = handMade([
    { name: 'a', content: Buffer.alloc(500, 'abc') },
    { name: 'b', content: 'x' },
  ]);
  for (let length = 0; length < archive.length; length += 7) {
    await refused(t, archive.subarray(0, length), 'damaged', /no ZIP, or is cut short/);
  }
});

test('an archive of which the middle is missing is refused', (t) => {
  const archive = handMade([
    { name: 'a', content: Buffer.alloc(500, 'abc') },
    { name: 'b', content: 'x' },
  ]);
  return refused(t, Buffer.concat([archive.subarray(0, 20), archive.subarray(30)]), 'damaged', /wrong place/);
});

test('no single damaged byte is taken for good code', async (t) => {
  const good = handMade([{ name: 'a', content: 'some code', mode: 0o100644 }]);
  const root = scratch(t);
  for (let at = 0; at < good.length; at += 1) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(at) ^ 0x41, at);
    const file = join(root, `${at}.zip`);
    writeFileSync(file, bad);
    try {
      await extractCode(file, join(root, `code-${at}`), LIMITS);
    } catch (error) {
      assert.ok(error instanceof CodeArchiveError, `byte ${at}: ${String(error)}`);
      continue;
    }
    // What was taken has the right content; only names and permissions have no checksum.
    const contents = Object.values(filesIn(join(root, `code-${at}`))).map((file) => file.slice(file.indexOf(' ') + 1));
    assert.deepEqual(contents, ['some code'], `byte ${at}`);
  }
});

test('no ZIP at all is refused', async (t) => {
  await refused(t, Buffer.alloc(0), 'damaged', /no ZIP/);
  await refused(t, Buffer.from('<html>not found</html>'.repeat(10)), 'damaged', /no ZIP/);
});

const zeros = (t: TestContext, megabytes: number) => {
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    with z.open('zeros', 'w') as f:
        for _ in range(int(sys.argv[2])): f.write(bytes(1 << 20))`;
  const file = join(scratch(t), 'zeros.zip');
  python(script, file, String(megabytes));
  return file;
};

/** Made once, since that takes seconds. */
let gigabyte: Buffer | null = null;

/** @returns a copy */
function gigabyteOfZeros(t: TestContext): Buffer {
  gigabyte ??= readFileSync(zeros(t, 1024));
  return Buffer.from(gigabyte);
}

test('a gigabyte of zeros is refused before anything is written', async (t) => {
  const file = join(scratch(t), 'a.zip');
  writeFileSync(file, gigabyteOfZeros(t));
  const into = join(scratch(t), 'code');
  await assert.rejects(extractCode(file, into, LIMITS), { trouble: 'too-large', message: /1073741824 bytes/ });
  assert.equal(existsSync(into), false);
});

test('a gigabyte of zeros that says it is small is refused at the first byte too many', async (t) => {
  const archive = gigabyteOfZeros(t);
  const record = archive.lastIndexOf(Buffer.from('PK\x01\x02'));
  archive.writeUInt32LE(1000, record + 24);
  const root = scratch(t);
  await refused(t, archive, 'damaged', /size of "zeros"/);
  assert.deepEqual(filesIn(root), {});
});

test('files much larger than their archive are refused', async (t) => {
  const archive = readFileSync(zeros(t, 20));
  await refused(t, archive, 'too-large', /200 times its size/);
});

test('a million entries are refused', async (t) => {
  const script = `
import sys, struct
name = b'%07d'
with open(sys.argv[1], 'wb') as f:
    n = 1000000
    for i in range(n): f.write(struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0) + name % i)
    at = f.tell()
    for i in range(n): f.write(struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 788, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, i * 37) + name % i)
    end = f.tell()
    f.write(struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 45, 45, 0, 0, n, n, end - at, at))
    f.write(struct.pack('<IIQI', 0x07064b50, 0, end, 1))
    f.write(struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))`;
  await refused(t, (file) => python(script, file), 'too-large', /1000000 entries/);
});

test('folders count, also those that only names speak of', (t) =>
  refused(t, [{ name: 'a/b/c/d/e/f' }], 'too-large', /more than 5 files and folders/, { codeFiles: 5 }));

test('all files together are limited', (t) =>
  refused(
    t,
    [
      { name: 'a', content: Buffer.alloc(600), method: 0 },
      { name: 'b', content: Buffer.alloc(600), method: 0 },
    ],
    'too-large',
    /more than 1000 bytes/,
    { codeBytes: 1000 },
  ));
