import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { identityOf, isAlive } from '../../src/agent/process-identity.ts';

test('a running process is recognised by its pid and start time', () => {
  const identity = identityOf(process.pid);
  assert.ok(identity !== null);
  assert.deepEqual(identity, identityOf(process.pid));
  assert.equal(isAlive(identity), true);
});

test('a pid that was used again by another process is not taken for the old one', () => {
  assert.equal(isAlive({ pid: process.pid, startTime: 'another start' }), false);
});

test('an ended process is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  assert.ok(child.pid !== undefined);
  const identity = identityOf(child.pid);
  assert.ok(identity !== null);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isAlive(identity), false);
  assert.equal(identityOf(identity.pid), null);
});
