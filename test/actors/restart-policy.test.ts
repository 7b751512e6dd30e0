import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../actors/restart-policy.ts';

const POLICY = { firstRetryMs: 20, baseMs: 1_000, factor: 2, capMs: 300_000, healthyMs: 60_000 };

test('the first retry has a wait of its own', () => {
  assert.equal(backoffMs(POLICY, 'a', 0, 1), 20);
});

test('each further retry waits at most base × factorⁿ, never more than the cap', () => {
  for (let attempt = 1; attempt < 2_000; attempt += 1) {
    const wait = backoffMs(POLICY, 'a', attempt, attempt);
    assert.ok(wait >= 0 && wait <= Math.min(300_000, 1_000 * 2 ** (attempt - 1)), `attempt ${attempt}: ${wait}`);
  }
});

test('the jitter is full: waits of many bots fill the whole range evenly', () => {
  const waits = Array.from({ length: 10_000 }, (_, bot) => backoffMs(POLICY, `bot-${bot}`, 1, 1_700_000_000_000));
  const deciles = Array.from({ length: 10 }, (_, n) => waits.filter((ms) => Math.floor(ms / 100.1) === n).length);
  for (const count of deciles) assert.ok(count > 850 && count < 1_150, deciles.join(' '));
});

test('the next incarnation of one bot gets another jitter', () => {
  const waits = new Set(Array.from({ length: 100 }, (_, n) => backoffMs(POLICY, 'a', 5, 1_700_000_000_000 + n)));
  assert.ok(waits.size > 90);
});

test('the same failure gets the same wait: actors are pure', () => {
  assert.equal(backoffMs(POLICY, 'a', 3, 42), backoffMs(POLICY, 'a', 3, 42));
});
