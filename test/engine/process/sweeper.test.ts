import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf } from '../../../src/agent/process-identity.ts';
import { Sweeper } from '../../../src/engine/process/sweeper.ts';
import { runs } from './harness.ts';

const linux = { skip: process.platform === 'linux' ? false : 'the environment of processes is only known on Linux' };

async function idle(t: TestContext, marks: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
    env: marks,
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  // The kernel shows the environment a moment after the program was taken.
  while (Object.keys(marks).length > 0 && readFileSync(`/proc/${pid}/environ`, 'utf8') === '') await sleep(1);
  return pid;
}

test('processes with all marks of a bot are ended, others are left alone', linux, async (t) => {
  const mine = await idle(t, { BOT_ID: 'sweeper-a', STATE_DIR: '/x/a' });
  const otherDirectory = await idle(t, { BOT_ID: 'sweeper-a', STATE_DIR: '/y/a' });
  const otherBot = await idle(t, { BOT_ID: 'sweeper-ab', STATE_DIR: '/x/a' });
  const sweeper = new Sweeper({ graceMs: 0, killMs: 30_000 });
  const left = await sweeper.sweep({ groups: [], environment: ['BOT_ID=sweeper-a', 'STATE_DIR=/x/a'] });
  assert.deepEqual(left, []);
  assert.equal(await runs(mine), false);
  assert.equal(await runs(otherDirectory), true);
  assert.equal(await runs(otherBot), true);
});

test('sweeps asked for at the same time are all answered', linux, async (t) => {
  const pids = await Promise.all([1, 2, 3].map((n) => idle(t, { BOT_ID: `sweeper-${n}`, STATE_DIR: '/x' })));
  const sweeper = new Sweeper({ graceMs: 0, killMs: 30_000 });
  await Promise.all([1, 2, 3].map((n) => sweeper.sweep({ groups: [], environment: [`BOT_ID=sweeper-${n}`] })));
  for (const pid of pids) assert.equal(await runs(pid), false);
});

test('a group is ended by its leader’s pid and start time, and left alone when the time is another', async (t) => {
  const pid = await idle(t, {});
  const identity = identityOf(pid);
  assert.ok(identity !== null);
  const sweeper = new Sweeper({ graceMs: 0, killMs: 30_000 });
  await sweeper.sweep({ groups: [{ ...identity, startTime: 'earlier' }], environment: [] });
  assert.equal(await runs(pid), true);
  await sweeper.sweep({ groups: [identity], environment: [] });
  assert.equal(await runs(pid), false);
});
