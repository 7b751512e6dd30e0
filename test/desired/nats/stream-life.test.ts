import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resume } from '../../../src/desired/nats/stream-life.ts';

const NOTED = { epoch: 1_000, sequence: 10, created: 1_000, lastAt: 5_000, oldUntil: null, notedAt: 5_100 };
const SIGHT = { created: 1_000, first: 3, last: 20, placeAt: 5_000, now: 9_000 };

test('a stream is read on from where it was left', () => {
  const same = { epoch: 1_000, after: 10, oldUntil: null, life: 'same' };
  assert.deepEqual(resume(NOTED, SIGHT), same);
  assert.deepEqual(resume(NOTED, { ...SIGHT, last: 10, placeAt: 5_001 }), same, 'rounded otherwise');
  assert.deepEqual(resume(NOTED, { ...SIGHT, first: 15, placeAt: null }), same, 'the event has expired');
  assert.deepEqual(resume({ ...NOTED, lastAt: null }, SIGHT), same, 'an older version has noted it');
  assert.deepEqual(resume(null, SIGHT), { epoch: 1_000, after: 0, oldUntil: null, life: 'first' });
});

test('a stream that was made anew is a later one, whatever its clock said', () => {
  const anew = { after: 2, oldUntil: null, life: 'anew' };
  assert.deepEqual(resume(NOTED, { ...SIGHT, created: 2_000 }), { ...anew, epoch: 2_000 });
  assert.deepEqual(resume(NOTED, { ...SIGHT, created: 500 }), { ...anew, epoch: 1_001 });
  assert.deepEqual(resume({ ...NOTED, epoch: 3_000 }, { ...SIGHT, created: 2_000 }), { ...anew, epoch: 3_001 });
});

test('a stream that went back is read from its start, without what had been applied', () => {
  const back = { epoch: 1_001, after: 2, oldUntil: 5_000, life: 'back' };
  assert.deepEqual(resume(NOTED, { ...SIGHT, last: 9, placeAt: null }), back);
  assert.deepEqual(resume(NOTED, { ...SIGHT, placeAt: 7_000 }), back, 'it gave the number once more');
  assert.deepEqual(
    resume(NOTED, { ...SIGHT, first: 0, last: 0, placeAt: null }),
    { ...back, after: 0 },
    'nothing is left',
  );
  const old = { ...NOTED, lastAt: null };
  assert.equal(resume(old, { ...SIGHT, last: 9, placeAt: null }).oldUntil, 5_100, 'when an older version noted it');
  assert.equal(resume(NOTED, { ...SIGHT, last: 9, now: 4_000 }).oldUntil, 5_100, 'a clock that was ahead until now');
});

test('reading what a stream has after it went back is taken up again as it was begun', () => {
  const begun = { ...NOTED, epoch: 1_001, sequence: 2, lastAt: null, oldUntil: 5_000, notedAt: 8_000 };
  const on = { epoch: 1_001, after: 2, oldUntil: 5_000 };
  assert.deepEqual(resume(begun, { ...SIGHT, last: 9, placeAt: null }), { ...on, life: 'same' });
  const again = { ...on, epoch: 1_002, after: 0, life: 'back' };
  assert.deepEqual(resume(begun, { ...SIGHT, first: 1, last: 1, placeAt: null }), again);
});
