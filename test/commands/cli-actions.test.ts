import assert from 'node:assert/strict';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, startAdmin } from '../admin/admin-fixture.ts';
import { FakeReadSide, reason, status, T0 } from '../admin/fake-read-side.ts';
import { runCli, startCli } from './run-cli.ts';

async function withRuntime(t: TestContext, readSide: FakeReadSide) {
  const admin = await startAdmin(t, readSide);
  const env = { THE0_ADMIN: admin.socketPath };
  return { ...admin, env, cli: (...words: string[]) => runCli(words, { env }) };
}

test('restart waits until the bot runs again and says so', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  const { env } = await withRuntime(t, readSide);
  const cli = startCli(['restart', 'a'], { env });
  t.after(() => cli.child.kill('SIGKILL'));
  await eventually('the command', () => readSide.calls.includes('restart a'));
  readSide.bots.set('a', status('a', { state: 'stopping', since: T0 + 1 }));
  await eventually('the note', () => /restart of a requested, waiting/.test(cli.stderr()));
  assert.equal(cli.stdout(), '');
  readSide.bots.set('a', status('a', { since: T0 + 2, reason: reason({ incarnation: 2, at: T0 + 2 }) }));
  const { code, stdout } = await cli.result;
  assert.equal(code, 0);
  assert.match(stdout, /^a is running: \S/);
});

test('restart of a bot that then crashes is exit code 1 with reason and advice', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.onRestart = () => {
    const crashed = reason({ code: 'bot-crashed', facts: { exitCode: 3 }, at: T0 + 9 });
    readSide.bots.set('a', status('a', { state: 'backing-off', since: T0 + 9, reason: crashed }));
  };
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('restart', 'a');
  assert.equal(code, 1);
  assert.match(stdout, /^a is backing-off: The bot exited with code 3.*\nFix the bot/);
});

test('restart of a bot that ends soon after is exit code 1, also when it runs again by then', async (t) => {
  const readSide = new FakeReadSide(status('a', { restarts: 2 }));
  const ended = reason({ code: 'bot-crashed', facts: { exitCode: 3 }, at: T0 + 9 });
  readSide.onRestart = () => {
    readSide.bots.set('a', status('a', { restarts: 3, since: T0 + 20, reason: reason({ at: T0 + 20 }) }));
    readSide.timelines.set('a', [
      { from: 'starting', to: 'running', reason: reason({ at: T0 + 5 }) },
      { from: 'running', to: 'backing-off', reason: ended },
    ]);
  };
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('restart', 'a');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^a was started and ended again: The bot exited with code 3.*\nFix the bot.*\n.*why a tells what becomes of it/,
  );
});

test('restart gives up waiting after --wait, and says what it saw', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.onRestart = () => readSide.bots.set('a', status('a', { state: 'stopping', since: T0 + 1 }));
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('restart', 'a', '--wait', '100ms');
  assert.equal(code, 1);
  assert.match(stdout, /^a is stopping still, after /);
});

test('restart --no-wait only asks', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('restart', 'a', '--no-wait');
  assert.deepEqual([code, stdout, readSide.calls], [0, 'restart of a requested\n', ['restart a']]);
});

test('Ctrl-C while waiting says that the restart goes on', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.onRestart = () => readSide.bots.set('a', status('a', { state: 'stopping', since: T0 + 1 }));
  const { env } = await withRuntime(t, readSide);
  const cli = startCli(['restart', 'a'], { env });
  await eventually('the note', () => /waiting/.test(cli.stderr()));
  await eventually('the command', () => readSide.calls.includes('restart a'));
  cli.child.kill('SIGINT');
  const { code, stderr } = await cli.result;
  assert.equal(code, 130);
  assert.match(stderr, /the restart goes on/);
});

test('reset asks for a reset and shows the bot as it then is', async (t) => {
  const readSide = new FakeReadSide(status('a', { state: 'blocked', endpoint: null }));
  readSide.onRestart = () => readSide.bots.set('a', status('a', { since: T0 + 5 }));
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('reset', 'a', '--json');
  assert.deepEqual(readSide.calls, ['reset a']);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).state, 'running');
});

test('down stops everything, waits for the runtime to end and counts', async (t) => {
  const readSide = new FakeReadSide(status('a'), status('b'));
  const admin = await withRuntime(t, readSide);
  readSide.onDown = async () => void admin.close();
  const { code, stdout, stderr } = await admin.cli('down');
  assert.equal(stderr, 'stopping 2 bots …\n');
  assert.equal(stdout, '2 bots stopped; the runtime has ended\n');
  assert.equal(code, 0);
});

test('down names the bots that would not stop and is exit code 1', async (t) => {
  const readSide = new FakeReadSide(status('a'), status('b'));
  readSide.failed = ['b'];
  const admin = await withRuntime(t, readSide);
  readSide.onDown = async () => void admin.close();
  const { code, stdout, stderr } = await admin.cli('down', '--json');
  assert.deepEqual(JSON.parse(stdout), { stopped: 1, failed: ['b'] });
  assert.match(stderr, /not stopped: b/);
  assert.equal(code, 1);
});

async function withLog(t: TestContext, text: string) {
  const readSide = new FakeReadSide(status('a'));
  const runtime = await withRuntime(t, readSide);
  const folder = join(runtime.directory, 'logs');
  await mkdir(folder);
  readSide.logDirectories.set('a', folder);
  const file = join(folder, 'bot.log');
  await writeFile(file, text);
  return { ...runtime, file };
}

test('logs in a pipe come byte for byte', async (t) => {
  const { cli } = await withLog(t, 'one\n\u001b[31mtwo\u001b[0m\nthree\n');
  const { code, stdout } = await cli('logs', 'a', '-n', '2');
  assert.deepEqual([code, stdout], [0, '\u001b[31mtwo\u001b[0m\nthree\n']);
});

test('logs --follow goes on until Ctrl-C, which is no failure', async (t) => {
  const { env, file } = await withLog(t, 'one\n');
  const cli = startCli(['logs', 'a', '-f', '-n', '1'], { env });
  await eventually('the last line', () => cli.stdout() === 'one\n');
  await appendFile(file, 'two\n');
  await eventually('the new line', () => cli.stdout() === 'one\ntwo\n');
  cli.child.kill('SIGINT');
  const { code, stderr } = await cli.result;
  assert.deepEqual([code, stderr], [0, '']);
});

test('logs --follow ends when the runtime does', async (t) => {
  const { env, close } = await withLog(t, 'one\n');
  const cli = startCli(['logs', 'a', '-f'], { env });
  await eventually('the line', () => cli.stdout() === 'one\n');
  await close();
  assert.equal((await cli.result).code, 0);
});

test('logs into a reader that leaves early is no failure', async (t) => {
  const { env } = await withLog(t, `${'x'.repeat(99)}\n`.repeat(20_000));
  const cli = startCli(['logs', 'a', '-n', 'all'], { env });
  await eventually('some of it', () => cli.stdout() !== '');
  cli.child.stdout.destroy();
  const { code, stderr } = await cli.result;
  assert.deepEqual([code, stderr], [0, '']);
});

test('logs refuses a number of lines that is none', async () => {
  const { code, stderr } = await runCli(['logs', 'a', '-n', 'few']);
  assert.equal(code, 1);
  assert.match(stderr, /--lines: "few" is not a number of lines/);
});
