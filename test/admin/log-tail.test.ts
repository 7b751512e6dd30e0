import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AdminRefusal } from '../../src/admin/admin-errors.ts';
import { openLogTail } from '../../src/admin/log-tail.ts';
import { ADMIN_LIMITS, eventually, startAdmin, temporaryDirectory } from './admin-fixture.ts';
import { FakeReadSide, status } from './fake-read-side.ts';

const unsafe = (error: unknown) => error instanceof AdminRefusal && error.code === 'log-unsafe';

async function logOf(t: TestContext) {
  const readSide = new FakeReadSide(status('a'));
  const admin = await startAdmin(t, readSide);
  const folder = join(admin.directory, 'logs');
  await mkdir(folder);
  readSide.logDirectories.set('a', folder);
  const read = async (lines: number): Promise<string> => {
    const { signal } = new AbortController();
    let text = '';
    for await (const chunk of await admin.client.logs('a', { lines, follow: false, signal })) text += chunk.toString();
    return text;
  };
  /** Follows in the background; `seen()` is what has come so far. */
  const follow = async (lines: number) => {
    const stop = new AbortController();
    t.after(() => stop.abort());
    const chunks = await admin.client.logs('a', { lines, follow: true, signal: stop.signal });
    let text = '';
    const ended = (async () => {
      for await (const chunk of chunks) text += chunk.toString();
    })();
    ended.catch(() => undefined);
    return { seen: () => text, stop: () => stop.abort(), ended };
  };
  return { ...admin, folder, file: join(folder, 'bot.log'), older: join(folder, 'bot.log.1'), read, follow };
}

test('the last lines are the last lines', async (t) => {
  const { file, read } = await logOf(t);
  await writeFile(file, 'one\ntwo\nthree\n');
  assert.equal(await read(2), 'two\nthree\n');
  assert.equal(await read(0), '');
  assert.equal(await read(3), 'one\ntwo\nthree\n');
  assert.equal(await read(1000), 'one\ntwo\nthree\n');
  assert.equal(await read(Number.POSITIVE_INFINITY), 'one\ntwo\nthree\n');
});

test('a last line without its newline counts as a line', async (t) => {
  const { file, read } = await logOf(t);
  await writeFile(file, 'one\ntwo\nthr');
  assert.equal(await read(2), 'two\nthr');
});

test('lines are found across the chunks of a long file', async (t) => {
  const { file, read } = await logOf(t);
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${'x'.repeat(index % 50)}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  assert.equal(await read(7000), `${lines.slice(-7000).join('\n')}\n`);
});

test('what the log of now does not have comes from the one before', async (t) => {
  const { file, older, read } = await logOf(t);
  await writeFile(older, 'one\ntwo\n');
  await writeFile(file, 'three\nfour\n');
  assert.equal(await read(3), 'two\nthree\nfour\n');
  assert.equal(await read(2), 'three\nfour\n');
  await rm(file);
  assert.equal(await read(1), 'two\n');
});

test('a bot that has written nothing has an empty log', async (t) => {
  const { read } = await logOf(t);
  assert.equal(await read(10), '');
});

test('following goes on from the last lines', async (t) => {
  const { file, follow } = await logOf(t);
  await writeFile(file, 'one\ntwo\n');
  const log = await follow(1);
  await eventually('the last line', () => log.seen() === 'two\n');
  await appendFile(file, 'three\n');
  await eventually('the new line', () => log.seen() === 'two\nthree\n');
});

test('following begins before the bot has written anything', async (t) => {
  const { file, follow } = await logOf(t);
  const log = await follow(10);
  await writeFile(file, 'first words\n');
  await eventually('the first line', () => log.seen() === 'first words\n');
});

test('following loses nothing when the log is rotated', async (t) => {
  const { file, older, follow } = await logOf(t);
  await writeFile(file, 'one\n');
  const log = await follow(10);
  await eventually('the first line', () => log.seen() === 'one\n');
  await appendFile(file, 'two\n');
  await rename(file, older);
  await appendFile(older, 'written by one who still had it open\n');
  await writeFile(file, 'three\n');
  await eventually('all', () => log.seen() === 'one\ntwo\nwritten by one who still had it open\nthree\n');
  await rename(file, older);
  await writeFile(file, 'four\n');
  await eventually('the second rotation', () => log.seen().endsWith('three\nfour\n'));
});

test('following starts again from the top of a log that was emptied', async (t) => {
  const { file, follow } = await logOf(t);
  await writeFile(file, 'a long line that was there before\n');
  const log = await follow(0);
  await truncate(file, 0);
  await appendFile(file, 'new\n');
  await eventually('the new line', () => log.seen() === 'new\n');
});

test('a link in the place of the log is not followed', async (t) => {
  const { file, folder, read } = await logOf(t);
  await writeFile(join(folder, 'secret'), 'password\n');
  await symlink(join(folder, 'secret'), file);
  await assert.rejects(read(10), unsafe);
});

test('a pipe in the place of the log is refused at once', async (t) => {
  const { file, read } = await logOf(t);
  execFileSync('mkfifo', [file]);
  await assert.rejects(read(10), unsafe);
});

test('a socket, a folder and a link to a device in the place of the log are refused', async (t) => {
  const { file, read } = await logOf(t);
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(file, resolve));
  await assert.rejects(read(10), unsafe);
  await new Promise((resolve) => socket.close(resolve));
  await mkdir(file);
  await assert.rejects(read(10), unsafe);
  await rm(file, { recursive: true });
  await symlink('/dev/zero', file);
  await assert.rejects(read(10), unsafe);
});

test('a link put in place of the log while it is followed ends the following with that reason', async (t) => {
  const { file, follow } = await logOf(t);
  await writeFile(file, 'one\n');
  const log = await follow(1);
  await eventually('the line', () => log.seen() === 'one\n');
  await rm(file);
  await symlink('/etc/hostname', file);
  await assert.rejects(log.ended, unsafe);
  assert.equal(log.seen(), 'one\n');
});

test('a pipe in the place of the older log is refused when it would be needed', async (t) => {
  const { file, older, read } = await logOf(t);
  await writeFile(file, 'one\n');
  execFileSync('mkfifo', [older]);
  assert.equal(await read(1), 'one\n');
  await assert.rejects(read(2), unsafe);
});

test('there is a limit on followed logs, and one that ends makes room', async (t) => {
  const { file, follow } = await logOf(t);
  await writeFile(file, 'one\n');
  const logs = await Promise.all([follow(1), follow(1), follow(1), follow(1)]);
  await assert.rejects(
    follow(1),
    (error: unknown) => error instanceof AdminRefusal && error.code === 'too-many-followers',
  );
  logs[0]?.stop();
  await eventually('room', () =>
    follow(1).then(
      () => true,
      () => false,
    ),
  );
});

test('closing the server ends followed logs as if they were over', async (t) => {
  const { file, follow, close } = await logOf(t);
  await writeFile(file, 'one\n');
  const log = await follow(1);
  await eventually('the line', () => log.seen() === 'one\n');
  await close();
  await log.ended;
});

test('a reader that goes away in the middle leaves no file open', { skip: !existsSync('/proc/self/fd') }, async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'bot.log.1'), 'older\n'.repeat(50_000));
  await writeFile(join(directory, 'bot.log'), 'newer\n');
  for (const lines of [Number.POSITIVE_INFINITY, 40_000]) {
    const { logPollMs: pollMs, logSearchBytes: searchBytes } = ADMIN_LIMITS;
    const { signal } = new AbortController();
    const tail = await openLogTail({ directory, lines, follow: false, pollMs, searchBytes, signal });
    for await (const chunk of tail.chunks()) {
      assert.match(chunk.toString(), /older/);
      break;
    }
    const open = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(directory));
    assert.deepEqual(open.map(linkOf), []);
  }
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // The descriptor with which the folder was listed.
  }
}
