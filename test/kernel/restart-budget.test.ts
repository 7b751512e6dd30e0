import assert from 'node:assert/strict';
import { it } from 'node:test';
import { spendRestart } from '../../src/kernel/restart-budget.ts';

const budget = { count: 3, withinMs: 1_000 };

function spend(times: readonly number[], of = budget) {
  const failures: number[] = [];
  const exhausted = times.map((at) => spendRestart(failures, at, of));
  return { exhausted, failures };
}

it('a budget allows its count of failures within its window and is exhausted by the next', () => {
  assert.deepEqual(spend([0, 10, 20, 30, 40]).exhausted, [false, false, false, true, true]);
});

it('a budget is not exhausted by failures that are farther apart', () => {
  assert.deepEqual(spend([0, 500, 1_000, 1_501, 2_002]).exhausted, [false, false, false, false, false]);
});

it('a budget recovers once its window has passed', () => {
  assert.deepEqual(spend([0, 1, 2, 3, 5_000]).exhausted, [false, false, false, true, false]);
});

it('a budget is not exhausted by failures of a time to come, as they are when the clock was set back, but by new ones', () => {
  assert.deepEqual(spend([9_000, 9_001, 9_002, 10, 20, 30, 40]).exhausted, [
    false,
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
});

it('a budget of zero is always exhausted', () => {
  assert.deepEqual(spend([0, 10_000], { count: 0, withinMs: 1 }).exhausted, [true, true]);
});

it('a budget remembers no more failures than it needs', () => {
  const times = Array.from({ length: 100 }, (_, i) => i);
  assert.equal(spend(times).failures.length, 3);
});
