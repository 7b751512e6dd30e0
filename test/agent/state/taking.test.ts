import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs, {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { type Body, bodyOf, type ObjectPlace, StoreError } from '../../../src/storage/object-store.ts';
import { extractWithTar, listTree } from '../../storage/archive/other-readers.ts';
import { MemoryObjectStore } from '../../storage/memory-object-store.ts';
import { content, PLACE, SMALL_PIECES, type StateFixture, stateFixture } from './state-fixture.ts';

/** A file system in memory, as /state is in a container, where there is one. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

async function restoredText(fixture: StateFixture, name: string): Promise<string> {
  const directory = fixture.directory();
  await fixture.sync(directory, { epoch: 9_000 }).restore();
  return readFileSync(join(directory, name), 'utf8');
}

function codes(fixture: StateFixture): string[] {
  return fixture.notices.map(({ code, name }) => `${code} ${name}`);
}

test('a touched file is not uploaded; one with another mode is', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  const file = join(directory, 'a');
  writeFileSync(file, 'x');
  await sync.sync(null);
  utimesSync(file, 1, 1);
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  chmodSync(file, 0o600);
  assert.equal((await sync.sync(null)).kind, 'uploaded');
});

test('a change that moves neither size nor mtime is seen', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  const file = join(directory, 'a');
  writeFileSync(file, 'first');
  await sync.sync(null);
  const { atime, mtime } = statSync(file);
  writeFileSync(file, 'other');
  utimesSync(file, atime, mtime);
  await sync.sync(null);
  assert.equal(await restoredText(fixture, 'a'), 'other');
});

test('a change right after a sync is seen, however coarse the clock of the files is', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory, { limits: { ...DEFAULT_STATE_LIMITS, patienceMs: 0 } });
  const file = join(directory, 'a');
  for (let turn = 0; turn < 50; turn++) {
    writeFileSync(file, `turn ${turn % 10}`);
    await sync.sync(null);
    assert.equal(await restoredText(fixture, 'a'), `turn ${turn % 10}`);
  }
});

test('only the directories that are named are looked at, and what was not settled', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  for (const name of ['a', 'b']) mkdirSync(join(directory, name));
  const sync = fixture.sync(directory);
  writeFileSync(join(directory, 'a/1'), '1');
  await sync.sync(null);
  await sleep(60);
  await sync.sync(null);
  mkdirSync(join(directory, 'a/deep/er'), { recursive: true });
  writeFileSync(join(directory, 'a/deep/er/2'), '2');
  writeFileSync(join(directory, 'b/3'), '3');
  assert.deepEqual(await sync.sync(new Set(['c', 'c/not-there'])), { kind: 'unchanged' });
  await sync.sync(new Set(['a']));
  const names = (await fixture.restored()).map(({ name }) => name);
  assert.deepEqual(names, ['a', 'a/1', 'a/deep', 'a/deep/er', 'a/deep/er/2', 'b']);
  rmSync(join(directory, 'a/deep'), { recursive: true });
  await sync.sync(new Set(['a/deep/er', 'b']));
  assert.deepEqual(
    (await fixture.restored()).map(({ name }) => name),
    ['a', 'a/1', 'b', 'b/3'],
  );
});

test('JSON that does not parse is not taken: the last good version stays, and a notice says so once', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  mkdirSync(join(directory, '.the0-state'));
  const sync = fixture.sync(directory);
  const file = join(directory, '.the0-state/p.json');
  writeFileSync(file, '{"good":1}');
  await sync.sync(null);
  writeFileSync(file, '{"good":');
  writeFileSync(join(directory, '.the0-state/never-good.json'), '');
  await sync.sync(null);
  await sync.sync(null);
  assert.equal(await restoredText(fixture, '.the0-state/p.json'), '{"good":1}');
  assert.deepEqual(codes(fixture), ['not-json .the0-state/never-good.json', 'not-json .the0-state/p.json']);
  writeFileSync(file, '{"good":2}');
  await sync.sync(null);
  assert.equal(await restoredText(fixture, '.the0-state/p.json'), '{"good":2}');
});

test('its last good version is kept even from an archive that has to be written anew', async (t) => {
  const fixture = stateFixture(t);
  const source = fixture.directory();
  mkdirSync(join(source, '.the0-state'));
  writeFileSync(join(source, '.the0-state/p.json'), '{"good":1}');
  await fixture.sync(source).sync(null);
  // The same content, but in one piece.
  const plain = gzipSync(gunzipSync(fixture.store.bytesOf(PLACE)));
  await fixture.store.write(PLACE, bodyOf(plain), { condition: null, contentType: 'application/gzip' });

  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  await sync.restore();
  writeFileSync(join(directory, '.the0-state/p.json'), '{"half":');
  writeFileSync(join(directory, 'other'), 'x');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.equal(await restoredText(fixture, '.the0-state/p.json'), '{"good":1}');
});

test('a file above the limit is left out, with its size and the setting; the others are stored', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory, { limits: { ...DEFAULT_STATE_LIMITS, fileBytes: 10 } });
  writeFileSync(join(directory, 'large'), 'x'.repeat(11));
  writeFileSync(join(directory, 'small'), 'x'.repeat(10));
  await sync.sync(null);
  assert.deepEqual(
    (await fixture.restored()).map(({ name }) => name),
    ['small'],
  );
  assert.match(fixture.notices[0]?.message ?? '', /large is not stored: it has 11 bytes, and MAX_STATE_FILE_SIZE_MB/);
});

test('a state above its limits is not stored, and says which', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  writeFileSync(join(directory, 'a'), 'x'.repeat(60));
  writeFileSync(join(directory, 'b'), 'x'.repeat(60));
  const small = fixture.sync(directory, { limits: { ...DEFAULT_STATE_LIMITS, totalBytes: 100 } });
  assert.deepEqual(await small.sync(null), { kind: 'over-limit' });
  const few = fixture.sync(directory, { limits: { ...DEFAULT_STATE_LIMITS, entries: 1 } });
  assert.deepEqual(await few.sync(null), { kind: 'over-limit' });
  assert.deepEqual(codes(fixture), ['state-too-large null', 'too-many-entries null']);
  rmSync(join(directory, 'a'));
  assert.equal((await small.sync(null)).kind, 'uploaded');
});

test('sockets, pipes and links that lead out are passed over, each with one notice', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const server = createServer().listen(join(directory, 'socket'));
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  spawnSync('mkfifo', [join(directory, 'pipe')]);
  symlinkSync('/etc/passwd', join(directory, 'out'));
  symlinkSync('file', join(directory, 'in'));
  writeFileSync(join(directory, 'file'), 'x');
  const sync = fixture.sync(directory);
  await sync.sync(null);
  await sync.sync(null);
  assert.deepEqual(
    (await fixture.restored()).map(({ name }) => name),
    ['file', 'in'],
  );
  assert.deepEqual(codes(fixture).sort(), ['link-leads-out out', 'unsupported-type pipe', 'unsupported-type socket']);
});

test('that something is passed over is over when it is gone, or is a file', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  mkdirSync(join(directory, 'd'));
  for (const name of ['stays', 'goes', 'd/turns']) spawnSync('mkfifo', [join(directory, name)]);
  const over: string[] = [];
  const sync = fixture.sync(directory, { onNoticeOver: (code, name) => over.push(`${code} ${name}`) });
  await sync.sync(null);
  assert.deepEqual(over, []);
  rmSync(join(directory, 'goes'));
  rmSync(join(directory, 'd', 'turns'));
  writeFileSync(join(directory, 'd', 'turns'), 'x');
  await sync.sync(new Set(['d']));
  assert.deepEqual(over, ['unsupported-type d/turns']);
  await sync.sync(null);
  assert.deepEqual(over, ['unsupported-type d/turns', 'unsupported-type goes']);
});

test('a state directory that is not there does not empty the stored state', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  writeFileSync(join(directory, 'a'), 'x');
  await sync.sync(null);
  renameSync(directory, `${directory}-moved`);
  assert.deepEqual(await sync.sync(null), { kind: 'no-directory' });
  renameSync(`${directory}-moved`, directory);
  assert.equal(await restoredText(fixture, 'a'), 'x');
});

const REWRITES = `
  const { writeFileSync } = require('node:fs');
  let turn = 0;
  const timer = setInterval(() => {
    writeFileSync(process.argv[1], (turn % 2 ? 'a' : 'b').repeat(700_000));
    if (++turn === 50) clearInterval(timer);
  }, 40);
`;

for (const [where, parent] of [
  ['in memory', MEMORY],
  ['on disk', tmpdir()],
] as const) {
  test(`a file that is cut off and written again while it is read is never stored in halves (${where})`, async (t) => {
    const fixture = stateFixture(t, SMALL_PIECES, parent);
    const directory = fixture.directory();
    const file = join(directory, 'a');
    const versions = ['b', 'a'].map((letter) => letter.repeat(700_000));
    // A writer that was held up between cutting it off and writing it, for longer than that is waited for (see the next test).
    const heldUp = '';
    const child = spawn(process.execPath, ['-e', REWRITES, file], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const sync = fixture.sync(directory);
    for (let running = true; running; await sleep(20)) {
      running = child.exitCode === null;
      if ((await sync.sync(null)).kind !== 'uploaded') continue;
      const text = await restoredText(fixture, 'a');
      assert.ok([...versions, heldUp].includes(text), `${text.length} bytes that begin with ${text.slice(0, 1)}`);
    }
    await sync.sync(null);
    assert.equal(await restoredText(fixture, 'a'), versions[1]);
  });
}

test('a file that is seen empty between being cut off and written is not stored so; one that stays empty is', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const [file, other] = [join(directory, 'a'), join(directory, 'b')];
  for (const path of [file, other]) writeFileSync(path, 'first');
  const sync = fixture.sync(directory);
  await sync.sync(null);
  for (const path of [file, other]) truncateSync(path);
  const written = sleep(150).then(() => writeFileSync(file, 'second'));
  await sync.sync(null);
  assert.equal(await restoredText(fixture, 'a'), 'second');
  assert.equal(await restoredText(fixture, 'b'), '');
  await written;
});

test('a file that grows all the time is stored as a beginning of itself', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const file = join(directory, 'log');
  writeFileSync(file, '');
  const sync = fixture.sync(directory);
  for (let turn = 0; turn < 20; turn++) {
    appendFileSync(file, `line ${turn}\n`);
    await sync.sync(null);
  }
  assert.equal(await restoredText(fixture, 'log'), readFileSync(file, 'utf8'));
  truncateSync(file, 7);
  await sync.sync(null);
  assert.equal(await restoredText(fixture, 'log'), 'line 0\n');
});

test('large and many files go by way of the disk, in several uploads', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const limits = { ...DEFAULT_STATE_LIMITS, spoolMemoryBytes: 10_000, spoolBytes: 50_000 };
  for (let index = 0; index < 20; index++) {
    writeFileSync(join(directory, `f${index}`), Buffer.from(Array.from({ length: 9_000 }, () => Math.random() * 256)));
  }
  await fixture.sync(directory, { limits }).sync(null);
  assert.equal((await fixture.restored()).length, 20);
  assert.ok(fixture.store.traffic.requests > 4);
});

test('a key of a state that is cut off is not taken either when it is too large to be parsed', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  mkdirSync(join(directory, '.the0-state'));
  const file = join(directory, '.the0-state', 'large.json');
  const whole = JSON.stringify(Array.from({ length: 100 }, (_, index) => ({ [`key ${index}`]: '[{' })));
  const sync = fixture.sync(directory, { limits: { ...DEFAULT_STATE_LIMITS, jsonBytes: 100, patienceMs: 50 } });
  writeFileSync(file, whole);
  await sync.sync(null);
  writeFileSync(file, whole.slice(0, -10));
  await sync.sync(null);
  assert.equal(await restoredText(fixture, '.the0-state/large.json'), whole);
  assert.deepEqual(codes(fixture), ['not-json .the0-state/large.json']);
});

test('a file that is too large for the spool never lies in it, and is stored all the same', async (t) => {
  const fixture = stateFixture(t, { ...SMALL_PIECES, maxPieceBytes: 10_000_000 });
  const directory = fixture.directory();
  const limits = { ...DEFAULT_STATE_LIMITS, spoolMemoryBytes: 1_000, spoolBytes: 100_000 };
  const contents = new Map([
    ['a-small', Buffer.from('small')],
    ['b-hard', randomBytes(1_700_000)],
    ['c-small', randomBytes(5_000)],
    ['d-soft', Buffer.alloc(1_300_001, 'soft ')],
    ['e-small', Buffer.from('also small')],
  ]);
  for (const [name, bytes] of contents) writeFileSync(join(directory, name), bytes);
  const sync = fixture.sync(directory, { limits });
  const most = largestSpool(t);
  await sync.sync(null);
  appendFileSync(join(directory, 'b-hard'), 'x');
  await sync.sync(null);
  assert.ok(most() < 100_000, `${most()} bytes`);
  const restored = await fixture.restored();
  const expected = listTree(directory);
  assert.deepEqual(content(restored), content(expected));
  const withTar = extractWithTar(fixture.store.bytesOf(PLACE));
  if (withTar !== null) assert.deepEqual(content(withTar), content(expected));
});

test('such a file that changes before it is uploaded is copied first', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const file = join(directory, 'a');
  writeFileSync(file, Buffer.alloc(1_000_000, 'a'));
  const limits = { ...DEFAULT_STATE_LIMITS, spoolBytes: 100_000 };
  let changes = 0;
  fixture.store.before = (operation) => {
    if (operation !== 'write' || changes > 0) return;
    changes += 1;
    writeFileSync(file, Buffer.alloc(1_000_000, 'b'));
  };
  assert.equal((await fixture.sync(directory, { limits }).sync(null)).kind, 'uploaded');
  assert.equal(changes, 1);
  assert.equal(await restoredText(fixture, 'a'), 'b'.repeat(1_000_000));
});

test('nothing stays open of such a file when its upload fails half way', async (t) => {
  if (!existsSync('/proc/self/fd')) return t.skip('needs /proc');
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  writeFileSync(join(directory, 'a'), randomBytes(1_000_000));
  const limits = { ...DEFAULT_STATE_LIMITS, spoolBytes: 100_000 };
  class BreakingStore extends MemoryObjectStore {
    override async write(_place: ObjectPlace, body: Body): Promise<string> {
      for await (const chunk of body.read()) if (chunk.length > 5_000) break;
      throw new StoreError('unreachable', 'the connection broke');
    }
  }
  const sync = fixture.sync(directory, { limits, store: new BreakingStore(SMALL_PIECES) });
  const before = readdirSync('/proc/self/fd').length;
  for (let turn = 0; turn < 5; turn++) await assert.rejects(sync.sync(null), { trouble: 'unreachable' });
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

/** How far anybody has written into a spool's file from now on. */
function largestSpool(t: TestContext): () => number {
  const spools = new Set<number>();
  let written = 0;
  const { openSync, writeSync } = fs;
  fs.openSync = (path, ...rest) => {
    const descriptor = openSync(path, ...rest);
    if (String(path).includes('.the0-spool-')) spools.add(descriptor);
    else spools.delete(descriptor);
    return descriptor;
  };
  Object.assign(fs, {
    writeSync: (descriptor: number, bytes: Buffer, offset: number, length: number, position: number) => {
      const done = writeSync(descriptor, bytes, offset, length, position);
      if (spools.has(descriptor)) written += done;
      return done;
    },
  });
  syncBuiltinESMExports();
  t.after(() => {
    Object.assign(fs, { openSync, writeSync });
    syncBuiltinESMExports();
  });
  return () => written;
}

const MMAP = `
import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
m = mmap.mmap(fd, 4096)
print("mapped", flush=True)
sys.stdin.readline()
m[0:5] = b"later"
print("written", flush=True)
sys.stdin.readline()
`;

test('what a process writes through a shared mapping is seen, though no time stamp moves', async (t) => {
  // Most other file systems move the times at the first store, at least.
  const fixture = stateFixture(t, SMALL_PIECES, MEMORY);
  const directory = fixture.directory();
  const file = join(directory, 'm');
  writeFileSync(file, Buffer.alloc(4096, 'x'));
  const child = spawn('python3', ['-c', MMAP, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  if (!started) return t.skip('needs python3');
  const sync = fixture.sync(directory, { pids: () => [child.pid ?? 0] });
  await sync.sync(null);
  await sleep(60);
  await sync.sync(null);
  const written = new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdin.write('\n');
  await written;
  await sync.sync(new Set());
  assert.equal((await restoredText(fixture, 'm')).slice(0, 6), 'laterx');
});
