import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { LinkedAbort, withDeadline } from '../src/linked-abort.ts';
import { signalsKept } from './signals-kept.ts';

const LONG_MS = 600_000;

test('a signal is aborted with the first of its sources, for the same reason, and does not hear of the other', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const link = new LinkedAbort([one.signal, other.signal], LONG_MS);
  assert.equal(link.signal.aborted, false);
  const reason = new Error('enough');
  other.abort(reason);
  one.abort(new Error('too late'));
  assert.equal(link.signal.reason, reason);
});

test('of sources that are aborted already it is aborted from the beginning', () => {
  const reason = new Error('enough');
  const { signal } = new LinkedAbort([new AbortController().signal, AbortSignal.abort(reason)], LONG_MS);
  assert.equal(signal.reason, reason);
});

test('a signal is aborted when its time is over, and its sources are not', async () => {
  const source = new AbortController();
  const { signal } = new LinkedAbort([source.signal], 5);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  assert.match(String(signal.reason), /no answer within 5 ms/);
  assert.equal(source.signal.aborted, false);
});

test('what was released is aborted by nobody but its owner', async () => {
  const source = new AbortController();
  const link = new LinkedAbort([source.signal], 5);
  link.release();
  await new Promise((resolve) => setTimeout(resolve, 20));
  source.abort();
  assert.equal(link.signal.aborted, false);
  link.abort('mine');
  assert.equal(link.signal.reason, 'mine');
});

test('nothing stays with a source of work that is over, however it ended', async () => {
  const source = new AbortController();
  const doAll = async (timeoutMs: number, work: (signal: AbortSignal) => Promise<void>) => {
    await Promise.allSettled(Array.from({ length: 50 }, () => withDeadline(source.signal, timeoutMs, work)));
  };
  const before = await signalsKept();
  await doAll(LONG_MS, async () => {});
  await doAll(LONG_MS, async (signal) => {
    signal.addEventListener('abort', () => {});
    throw new Error('no');
  });
  await doAll(1, (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())));
  for (let i = 0; i < 50; i += 1) new LinkedAbort([source.signal], LONG_MS).abort();
  assert.equal(getEventListeners(source.signal, 'abort').length, 0);
  const more = (await signalsKept()) - before;
  // The last one may still be on the stack.
  assert.ok(more <= 1, `${more} signals are kept`);
  assert.equal(source.signal.aborted, false);
});
