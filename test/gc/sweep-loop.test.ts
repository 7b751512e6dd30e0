import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepLoop } from '../../src/gc/sweep-loop.ts';
import type { SweepProblem, SweepReport } from '../../src/gc/sweep-report.ts';

const TALLY = { count: 0, bytes: 0 };

function report(problem: SweepProblem | null): SweepReport {
  return {
    dryRun: false,
    startedAt: 0,
    tookMs: 0,
    knownBots: 0,
    storedBots: 0,
    chunks: TALLY,
    uploads: TALLY,
    queryResults: TALLY,
    removedBots: 0,
    removedObjects: TALLY,
    credentials: { all: 0, removed: 0, due: 0, waiting: 0 },
    due: [],
    waiting: [],
    isPartial: false,
    failures: { count: 0, first: [] },
    problem,
  };
}

const AWAY: SweepProblem = { code: 'known-bots-unreadable', sentence: 'It is away', hint: '', isRefusal: false };
const EMPTY: SweepProblem = { code: 'no-known-bots', sentence: 'It is empty', hint: '', isRefusal: true };

/** Runs the loop on these outcomes, and tells it to end when they are used up. */
async function loop(outcomes: readonly (SweepProblem | null)[]) {
  const ending = new AbortController();
  const swept: (SweepProblem | null)[] = [];
  const isTold = await sweepLoop({
    intervalMs: 1,
    sweep: async () => report(outcomes[swept.length] ?? null),
    swept: ({ problem }) => {
      swept.push(problem);
      if (swept.length === outcomes.length) ending.abort();
    },
    signal: ending.signal,
  });
  return { isTold, swept };
}

test('sweeps again and again, whatever comes of a later one, until it is told to end', async () => {
  const { isTold, swept } = await loop([null, AWAY, EMPTY, null]);
  assert.deepEqual([isTold, swept.length], [true, 4]);
});

test('a first sweep that fails ends it; one that refused does not', async () => {
  assert.deepEqual(await loop([AWAY, null]), { isTold: false, swept: [AWAY] });
  assert.equal((await loop([EMPTY, null])).isTold, true);
});

test('ends in the middle of a sweep', async () => {
  const ending = new AbortController();
  const isTold = await sweepLoop({
    intervalMs: 1,
    sweep: async (signal) => {
      ending.abort(new Error('told to end'));
      signal.throwIfAborted();
      return report(null);
    },
    swept: () => assert.fail('it was not swept'),
    signal: ending.signal,
  });
  assert.equal(isTold, true);
});

test('pauses also when the interval is longer than a timer can wait', async () => {
  const ending = new AbortController();
  let sweeps = 0;
  const ended = sweepLoop({
    intervalMs: 30 * 86_400_000,
    sweep: async () => report(null),
    swept: () => {
      sweeps += 1;
    },
    signal: ending.signal,
  });
  // A timer that is set for too long rings after a millisecond.
  await sleep(50);
  ending.abort();
  assert.equal(await ended, true);
  assert.equal(sweeps, 1);
});
