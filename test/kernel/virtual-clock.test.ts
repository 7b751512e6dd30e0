import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

it('a virtual clock runs what is due, each at its own instant, in order', () => {
  const clock = createVirtualClock({ startMs: 1_000 });
  const ran: string[] = [];
  const note = (name: string) => () => ran.push(`${name}@${clock.now()}`);
  clock.schedule(20, note('b'));
  clock.schedule(10, note('a'));
  clock.schedule(20, note('c'));
  clock.schedule(21, note('not yet'));
  assert.equal(clock.advance(20), 3);
  assert.deepEqual(ran, ['a@1010', 'b@1020', 'c@1020']);
  assert.equal(clock.now(), 1_020);
  assert.equal(clock.pending(), 1);
});

it('a virtual clock does not move by itself, nor by running what is due', () => {
  const clock = createVirtualClock({ startMs: 5 });
  let ran = 0;
  clock.defer(() => {
    ran += 1;
    clock.defer(() => {
      ran += 1;
    });
  });
  assert.equal(ran, 0);
  assert.equal(clock.runDue(), 2);
  assert.equal(ran, 2);
  assert.equal(clock.now(), 5);
});

it('a virtual clock runs within one advance what is scheduled on the way', () => {
  const clock = createVirtualClock({ startMs: 0 });
  const at: number[] = [];
  const again = () => {
    at.push(clock.now());
    if (at.length < 4) clock.schedule(10, again);
  };
  clock.schedule(10, again);
  clock.advance(35);
  assert.deepEqual(at, [10, 20, 30]);
});

it('a virtual clock forgets what is cancelled, also when it is due already', () => {
  const clock = createVirtualClock({ startMs: 0 });
  const ran: string[] = [];
  const cancel = clock.schedule(0, () => ran.push('cancelled'));
  clock.defer(() => ran.push('kept'));
  cancel();
  cancel();
  clock.runDue();
  assert.deepEqual(ran, ['kept']);
});

it('a virtual clock with a seed gives an order that depends on the seed and on nothing else', () => {
  const order = (seed: number) => {
    const clock = createVirtualClock({ startMs: 0, random: seeded(seed) });
    const ran: number[] = [];
    for (let i = 0; i < 20; i += 1) clock.schedule(5, () => ran.push(i));
    clock.schedule(4, () => ran.push(-1));
    clock.advance(5);
    return ran;
  };
  assert.deepEqual(order(1), order(1));
  assert.notDeepEqual(order(1), order(2));
  assert.equal(order(3)[0], -1);
});

it('a virtual clock jumps from instant to instant until nothing is pending', () => {
  const clock = createVirtualClock({ startMs: 0 });
  const at: number[] = [];
  for (const ms of [100_000, 5, 300]) clock.schedule(ms, () => at.push(clock.now()));
  assert.equal(clock.runUntilIdle(1_000), false);
  assert.deepEqual(at, [5, 300]);
  assert.equal(clock.runUntilIdle(1_000_000), true);
  assert.equal(clock.now(), 100_000);
});

it('a virtual clock says so when callbacks keep each other going for ever', () => {
  const clock = createVirtualClock({ startMs: 0, callbacksPerInstant: 100 });
  const again = () => clock.defer(again);
  clock.defer(again);
  assert.throws(() => clock.runDue(), /still more/);
});
