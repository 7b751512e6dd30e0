import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/kernel/clock.ts';
import { type Timer, Timers } from '../../src/kernel/timers.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';

test('a timer of next year, as of a yearly schedule, asks no clock to wait longer than a timer of Node can', () => {
  const virtual = createVirtualClock({ startMs: 0, random: () => 0.5 });
  const delays: number[] = [];
  const clock: Clock = {
    now: virtual.now,
    defer: virtual.defer,
    schedule: (delayMs, callback) => {
      delays.push(delayMs);
      return virtual.schedule(delayMs, callback);
    },
  };
  const owner: { timers: Timer<typeof owner, string> | null } = { timers: null };
  const rang: number[] = [];
  const timers = new Timers<typeof owner, string>(clock, 1, () => {
    const due = timers.due(clock.now());
    if (due !== undefined) {
      rang.push(clock.now());
      timers.cancel(owner, due.key);
    }
    timers.arm();
  });
  const at = 366 * 86_400_000;
  timers.set(owner, 'next', at, 'due');
  timers.arm();
  virtual.advance(at + 1_000);
  assert.deepEqual(rang, [at]);
  assert.ok(delays.length > 1 && Math.max(...delays) < 2 ** 31, delays.join());
});
