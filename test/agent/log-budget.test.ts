import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBudget } from '../../src/agent/log-budget.ts';

test('a burst of a few seconds is kept', () => {
  const budget = new LogBudget(1000, 0);
  assert.equal(budget.admit(4000, 0), true);
});

test('what is kept of a flood is the budget, in unbroken stretches', () => {
  const budget = new LogBudget(1000, 0);
  let kept = 0;
  let changes = 0;
  let last = true;
  for (let now = 0; now < 60_000; now += 10) {
    const admitted = budget.admit(100, now);
    if (admitted) kept += 100;
    if (admitted !== last) changes += 1;
    last = admitted;
  }
  assert.ok(kept >= 60_000 && kept <= 65_000, `${kept} bytes of 60 s`);
  assert.ok(changes <= 120, `${changes} changes`);
});

test('after a drop it says when it opens again, and does so then', () => {
  const budget = new LogBudget(1000, 0);
  budget.admit(4500, 0);
  assert.equal(budget.admit(1, 0), false);
  assert.equal(budget.reopensAt, 1500);
  assert.equal(budget.admit(1, 1499), false);
  assert.equal(budget.admit(1, 1500), true);
});

test('no limit keeps everything', () => {
  const budget = new LogBudget(0, 0);
  assert.equal(budget.admit(1e12, 0), true);
  assert.equal(budget.admit(1e12, 0), true);
});
