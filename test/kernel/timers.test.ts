import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heap } from '../../src/kernel/heap.ts';
import { type Timer, Timers } from '../../src/kernel/timers.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';

const DAY_MS = 86_400_000;
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class Owner {
  readonly name: string;
  timers: Timer<this, string> | null = null;

  constructor(name: string) {
    this.name = name;
  }
}

function fixture() {
  const clock = createVirtualClock({ startMs: 0 });
  const fired: string[] = [];
  const timers: Timers<Owner, string> = new Timers<Owner, string>(clock, 8, () => {
    for (let timer = timers.due(clock.now()); timer !== undefined; timer = timers.due(clock.now())) {
      fired.push(`${timer.owner.name}:${timer.message}@${clock.now()}`);
      timers.cancel(timer.owner, timer.key);
    }
    timers.arm();
  });
  return { clock, fired, timers };
}

describe('timers', () => {
  it('fire in the order of their times, and at one instant in the order in which they were set', () => {
    const { clock, fired, timers } = fixture();
    const [a, b] = [new Owner('a'), new Owner('b')];
    timers.set(a, 'k1', 30, 'late');
    timers.set(b, 'k1', 10, 'first');
    timers.set(a, 'k2', 10, 'second');
    timers.arm();
    clock.advance(100);
    assert.deepEqual(fired, ['b:first@10', 'a:second@10', 'a:late@30']);
  });

  it('are replaced by a later one of the same actor and key, and only by that', () => {
    const { clock, fired, timers } = fixture();
    const [a, b] = [new Owner('a'), new Owner('b')];
    timers.set(a, 'k', 10, 'old');
    timers.set(b, 'k', 10, 'other actor');
    timers.set(a, 'k', 20, 'new');
    timers.arm();
    assert.equal(timers.size, 2);
    clock.advance(100);
    assert.deepEqual(fired, ['b:other actor@10', 'a:new@20']);
  });

  it('take no room once cancelled or replaced, however often', () => {
    const { timers } = fixture();
    const a = new Owner('a');
    for (let i = 0; i < 10_000; i += 1) timers.set(a, 'k', i, 'x');
    assert.equal(timers.size, 1);
    timers.cancel(a, 'k');
    timers.cancel(a, 'k');
    assert.equal(timers.size, 0);
  });

  it('of a forgotten actor go all at once', () => {
    const { clock, fired, timers } = fixture();
    const [a, b] = [new Owner('a'), new Owner('b')];
    for (const key of ['1', '2', '3']) timers.set(a, key, 5, key);
    timers.set(b, '1', 6, 'stays');
    timers.cancelAll(a);
    timers.arm();
    clock.advance(10);
    assert.deepEqual(fired, ['b:stays@6']);
  });

  it('hold one alarm of the clock, and none when there is nothing to wait for', () => {
    const { clock, timers } = fixture();
    const owners = Array.from({ length: 50 }, (_, i) => new Owner(`${i}`));
    owners.forEach((owner, i) => {
      timers.set(owner, 'k', 100 - i, 'x');
      timers.arm();
    });
    assert.equal(clock.pending(), 1);
    for (const owner of owners) timers.cancelAll(owner);
    timers.arm();
    assert.equal(clock.pending(), 0);
  });

  it('ring after the wait they were set for, though the clock is set back, and keep their distance and order', () => {
    const { clock, fired, timers } = fixture();
    const [a, b] = [new Owner('a'), new Owner('b')];
    timers.set(a, 'k', 1_000, 'first');
    timers.set(b, 'k', 3_000, 'second');
    timers.set(b, 'far', LONGEST_DELAY_MS + 5_000, 'beyond what one alarm can wait for');
    timers.arm();
    clock.advance(500);
    clock.jump(-DAY_MS);
    clock.advance(499);
    assert.deepEqual(fired, []);
    clock.advance(1);
    assert.deepEqual(fired, [`a:first@${1_000 - DAY_MS}`]);
    clock.advance(2_000);
    assert.deepEqual(fired.slice(1), [`b:second@${3_000 - DAY_MS}`]);
    clock.jump(-DAY_MS);
    clock.advance(LONGEST_DELAY_MS + 1_999);
    assert.equal(fired.length, 2);
    clock.advance(1);
    assert.equal(fired.length, 3);
  });

  it('ring soon when the clock is set back between two changes of theirs', () => {
    const { clock, fired, timers } = fixture();
    const [a, b] = [new Owner('a'), new Owner('b')];
    timers.set(a, 'k', 1_000, 'before');
    timers.arm();
    clock.advance(100);
    clock.jump(-DAY_MS);
    assert.equal(timers.due(clock.now()), undefined);
    timers.set(b, 'k', clock.now() + 10, 'after');
    timers.arm();
    clock.advance(2_000);
    assert.deepEqual(
      fired.map((text) => text.split('@')[0]),
      ['b:after', 'a:before'],
    );
  });

  it('wait on, when the alarm rings a moment early', () => {
    const { clock, fired, timers } = fixture();
    const a = new Owner('a');
    timers.set(a, 'k', 1_000, 'x');
    timers.arm();
    clock.jump(-2);
    clock.advance(1_001);
    assert.deepEqual(fired, []);
    clock.advance(1);
    assert.deepEqual(fired, ['a:x@1000']);
  });

  it('refuse a time that is no number, and more than their bound per actor', () => {
    const { timers } = fixture();
    const a = new Owner('a');
    assert.throws(() => timers.set(a, 'k', Number.NaN, 'x'), RangeError);
    for (let i = 0; i < 8; i += 1) timers.set(a, `${i}`, 1, 'x');
    assert.throws(() => timers.set(a, 'one more', 1, 'x'), RangeError);
    timers.set(a, '3', 2, 'replacing is allowed');
    assert.equal(timers.size, 8);
  });
});

it('a heap gives its items in order, whatever is taken out of its middle', () => {
  const heap = new Heap<{ value: number; place: number }>((a, b) => a.value < b.value);
  let seed = 42;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed;
  };
  const items = Array.from({ length: 2_000 }, () => ({ value: random() % 500, place: -1 }));
  for (const item of items) heap.push(item);
  const removed = new Set(items.filter(() => random() % 3 === 0));
  for (const item of removed) assert.equal(heap.remove(item), true);
  for (const item of removed) assert.equal(heap.remove(item), false);
  const popped: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) popped.push(item.value);
  const expected = items.filter((item) => !removed.has(item)).map((item) => item.value);
  assert.deepEqual(
    popped,
    expected.sort((a, b) => a - b),
  );
});
