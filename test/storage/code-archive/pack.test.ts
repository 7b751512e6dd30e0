import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { extractCode } from '../../../src/storage/code-archive/extract.ts';
import { type PackedFile, packCode } from '../../../src/storage/code-archive/pack.ts';
import { filesIn, LIMITS, scratch } from './archives.ts';

const CONTENT: Readonly<Record<string, string>> = {
  'main.py': 'print(1)\n',
  'vendor/é/a.py': '',
  'tool.sh': '#!/bin/sh\n',
};

function bot(root: string): { folder: string; files: PackedFile[] } {
  const folder = join(root, 'bot');
  mkdirSync(join(folder, 'vendor/é'), { recursive: true });
  const files = Object.entries(CONTENT).map(([path, content]) => {
    writeFileSync(join(folder, path), content);
    return { path, sizeBytes: Buffer.byteLength(content), executable: path.endsWith('.sh') };
  });
  return { folder, files };
}

test('what is packed is what is unpacked, here and by Python', async (t) => {
  const root = scratch(t);
  const { folder, files } = bot(root);
  const archive = join(root, 'a.zip');
  const { sizeBytes, sha256 } = await packCode(folder, files, archive);
  const bytes = readFileSync(archive);
  assert.equal(sizeBytes, bytes.length);
  assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'));
  await extractCode(archive, join(root, 'code'), LIMITS);
  const unpacked = { 'main.py': '644 print(1)\n', 'tool.sh': '755 #!/bin/sh\n', 'vendor/é/a.py': '644 ' };
  assert.deepEqual(filesIn(join(root, 'code')), unpacked);
  const listing = execFileSync('python3', [
    '-c',
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.testzip(); print([(i.filename, oct(i.external_attr >> 16), i.compress_type) for i in z.infolist()])',
    archive,
  ]).toString();
  assert.equal(
    listing.trim(),
    "[('main.py', '0o100644', 8), ('tool.sh', '0o100755', 8), ('vendor/é/a.py', '0o100644', 8)]",
  );
});

test('the same files are the same archive, whatever their times, their order and the time zone', async (t) => {
  const root = scratch(t);
  const { folder, files } = bot(root);
  const first = await packCode(folder, files, join(root, 'a.zip'));
  utimesSync(join(folder, 'main.py'), 1, 1);
  chmodSync(join(folder, 'main.py'), 0o600);
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Tokyo';
  t.after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  assert.deepEqual(await packCode(folder, files.toReversed(), join(root, 'b.zip')), first);
});

test('a link is packed as the file it leads to', async (t) => {
  const root = scratch(t);
  const { folder } = bot(root);
  symlinkSync('main.py', join(folder, 'link.py'));
  const archive = join(root, 'a.zip');
  await packCode(folder, [{ path: 'link.py', sizeBytes: 9, executable: false }], archive);
  await extractCode(archive, join(root, 'code'), LIMITS);
  assert.deepEqual(filesIn(join(root, 'code')), { 'link.py': '644 print(1)\n' });
});

test('a file that grew or shrank, or is gone, stops the packing', async (t) => {
  const root = scratch(t);
  const { folder, files } = bot(root);
  const [first] = files;
  assert.ok(first !== undefined);
  for (const [index, sizeBytes] of [first.sizeBytes - 1, first.sizeBytes + 1].entries()) {
    await assert.rejects(packCode(folder, [{ ...first, sizeBytes }], join(root, `${index}.zip`)), {
      code: 'code-changed',
      message: 'main.py changed while it was packed',
    });
  }
  await assert.rejects(packCode(folder, [{ ...first, path: 'gone.py' }], join(root, 'c.zip')), { code: 'ENOENT' });
});

test('progress reaches the size of all files', async (t) => {
  const root = scratch(t);
  const { folder, files } = bot(root);
  const told: number[] = [];
  await packCode(folder, files, join(root, 'a.zip'), (bytes) => told.push(bytes));
  assert.equal(
    told.at(-1),
    files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
});
