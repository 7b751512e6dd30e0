import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { createAdminClient } from '../../src/admin/admin-client.ts';
import { IDLE_NODE, writeBot } from './bot-folders.ts';
import { makeFolders, poll, removeFolders, startRuntime } from './runtime-under-test.ts';

const MAIN = resolve(import.meta.dirname, '../../src/commands/main.ts');
/** A file on a disk without room. */
const FULL = '/dev/full';
/** Each is a line of several hundred bytes: together more than a pipe takes, with the buffers at both of its ends. */
const BLOCKED_BOTS = 1_000;

test('the runtime goes on when nobody reads any more what it prints', async () => {
  const folders = await makeFolders();
  await writeBot(folders.botsDir, { id: 'first', files: IDLE_NODE });
  const runtime = await startRuntime({ engine: 'process', folders });
  try {
    runtime.process.stdout?.destroy();
    runtime.process.stderr?.destroy();
    // Each transition is a line that meets the broken pipe.
    await writeBot(folders.botsDir, { id: 'second', files: IDLE_NODE });
    await runtime.until('second', 'runs', ({ state }) => state === 'running');
    assert.equal((await runtime.ask('second', '/pid')).body.status, 'ok');
    assert.equal(await runtime.end('SIGINT'), 0);
  } finally {
    await runtime.end('SIGKILL');
    await removeFolders(folders);
  }
});

test('the runtime goes on when there is no room for what it prints', { skip: !existsSync(FULL) }, async () => {
  const folders = await makeFolders();
  await writeBot(folders.botsDir, { id: 'first', files: IDLE_NODE });
  const full = openSync(FULL, 'w');
  const words = ['up', '--data-dir', folders.dataDir, '--bots', folders.botsDir, '--query-port', '0'];
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', full, full] });
  closeSync(full);
  try {
    const admin = createAdminClient(join(folders.dataDir, 'admin.sock'), { answerMs: 10_000, queryMarginMs: 60_000 });
    await poll(
      'the bot to run',
      async () => {
        assert.equal(child.exitCode ?? child.signalCode, null, 'the runtime ended');
        return (await admin.bots().catch(() => [])).some(({ state }) => state === 'running') || undefined;
      },
      30_000,
    );
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
    assert.equal(child.exitCode, 0);
  } finally {
    child.kill('SIGKILL');
    await removeFolders(folders);
  }
});

test('the runtime ends when it is told to, though nobody reads what it prints', async () => {
  const folders = await makeFolders();
  await writeBot(folders.botsDir, { id: 'first', files: IDLE_NODE });
  const runtime = await startRuntime({ engine: 'process', folders, flags: ['--log-waiting', '4KiB'] });
  try {
    runtime.process.stdout?.pause();
    for (let bot = 0; bot < BLOCKED_BOTS; bot += 1) {
      const folder = join(folders.botsDir, `${bot}`.padEnd(200, '-'));
      await mkdir(folder);
      await writeFile(join(folder, 'bot.json'), '{}');
    }
    await poll(
      'all bots to be known',
      async () => (await runtime.admin.bots()).length === BLOCKED_BOTS + 1 || undefined,
      60_000,
    );
    assert.equal(await runtime.end('SIGTERM'), 0);
  } finally {
    await runtime.end('SIGKILL');
    await removeFolders(folders);
  }
});
