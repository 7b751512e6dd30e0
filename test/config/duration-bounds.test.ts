import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf } from '../../src/commands/verb.ts';
import { age, duration } from '../../src/config/setting-kinds.ts';
import { LONGEST_TIMER_MS } from '../../src/duration.ts';
import { Patience } from '../../src/storage/s3/patience.ts';

test('no setting that something waits for may be longer than a timer waits; an age may', () => {
  assert.throws(() => duration('0', '720h'), RangeError);
  assert.equal(duration('0', '596h').parse('597h'), undefined);
  assert.equal(age('0', '720h').parse('720h'), 720 * 3_600_000);
});

test('an option that takes a duration says how long it may be', () => {
  assert.equal(durationOf('--wait', '596h'), 596 * 3_600_000);
  assert.throws(() => durationOf('--wait', '720h'), {
    name: 'UsageError',
    message: '--wait: "720h" is longer than 596h31m23s647ms, the longest there is',
  });
});

test('a transfer that may take months waits for a store as long as a timer can', () => {
  const patience = new Patience(1_000, 1_000);
  patience.extend(LONGEST_TIMER_MS * 3);
  assert.equal(patience.waitMs, 1_000);
  assert.equal(new Patience(LONGEST_TIMER_MS * 2, LONGEST_TIMER_MS * 3).waitMs, LONGEST_TIMER_MS);
});
