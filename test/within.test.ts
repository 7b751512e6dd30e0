import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../src/within.ts';
import { heldUp } from './agent/held-up.ts';

test('what has arrived when the time is over came in time, also for a process that was held up itself', async () => {
  assert.equal(await heldUp(100, (arrived) => within(arrived, 20)), true);
});

test('what does not come in time is not waited for', async () => {
  assert.equal(await within(new Promise(() => {}), 5), false);
});

test('what fails meanwhile is thrown', async () => {
  await assert.rejects(within(Promise.reject(new Error('no')), 60_000), /no/);
});
