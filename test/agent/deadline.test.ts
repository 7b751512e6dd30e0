import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost } from '../../src/agent/deadline.ts';
import { heldUp } from './held-up.ts';

test('what has arrived when the time is over counts, also for a process that was held up itself', async () => {
  let isRead = false;
  await heldUp(100, (arrived) =>
    atMost(
      20,
      arrived.then(() => {
        isRead = true;
      }),
    ),
  );
  assert.equal(isRead, true);
});

test('what never comes is not waited for', async () => {
  await atMost(5, new Promise(() => {}));
});

test('what fails meanwhile is thrown', async () => {
  await assert.rejects(atMost(60_000, Promise.reject(new Error('no'))), /no/);
});
