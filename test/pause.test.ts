import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Pauses, pause } from '../src/pause.ts';

const AN_HOUR_MS = 3_600_000;

test('a pause ends with its signal, and leaves nothing on it', async (t) => {
  const alive = setInterval(() => {}, AN_HOUR_MS);
  t.after(() => clearInterval(alive));
  const ending = new AbortController();
  const paused = Promise.all([
    pause(AN_HOUR_MS, ending.signal),
    new Pauses(AN_HOUR_MS, AN_HOUR_MS).wait(ending.signal),
  ]);
  await pause(1, ending.signal);
  assert.equal(getEventListeners(ending.signal, 'abort').length, 2, 'the one that is over has left');
  ending.abort(new Error('not wanted any more'));
  await paused;
  await pause(AN_HOUR_MS, ending.signal);
  assert.deepEqual(getEventListeners(ending.signal, 'abort'), []);
});
