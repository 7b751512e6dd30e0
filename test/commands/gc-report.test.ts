import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweepText } from '../../src/commands/gc/report-text.ts';
import type { Orphan, SweepReport } from '../../src/gc/sweep-report.ts';

const NOW = Date.UTC(2026, 0, 10);
const DAY = 24 * 3_600_000;

function orphan(botId: string, dueAt: number): Orphan {
  return { botId, objects: 2, bytes: 3 * 1024 ** 2, writtenAt: NOW - 9 * DAY, seenAt: NOW - DAY, dueAt };
}

function report(more: Partial<SweepReport>): SweepReport {
  const tally = { count: 1, bytes: 512 };
  return {
    dryRun: false,
    startedAt: NOW,
    tookMs: 5,
    knownBots: 7,
    storedBots: 9,
    chunks: tally,
    uploads: { count: 2, bytes: 0 },
    queryResults: tally,
    removedBots: 0,
    removedObjects: { count: 0, bytes: 0 },
    credentials: { all: 8, removed: 0, due: 1, waiting: 0 },
    due: [],
    waiting: [],
    isPartial: false,
    failures: { count: 0, first: [] },
    problem: null,
    ...more,
  };
}

test('a dry run says what would go and when the others are due', () => {
  const due = [orphan('gone\u001b[2J', NOW)];
  assert.equal(
    sweepText(report({ dryRun: true, due, waiting: [orphan('later', NOW + 3 * 3_600_000)] }), NOW),
    `9 bots have something in the store, MongoDB knows 7
would remove 1 bot that nobody knows any more (2 objects, 3MiB)
  gone: 2 objects, 3MiB, written 9d ago, found gone 1d ago
1 bot not known any more, and not yet to be removed
  later: in 3h
would remove 1 key of bots that nobody knows any more
would remove 2 unfinished uploads, 1 piece of logs and 1 result of queries (1KiB)
`,
  );
});

test('of very many bots only the first are shown, and that there are more is said', () => {
  const due = Array.from({ length: 60 }, (_, index) => orphan(`b${index}`, NOW));
  const text = sweepText(report({ due, removedBots: 60, isPartial: true }), NOW);
  assert.match(text, /removed 60 bots/);
  assert.match(text, / {2}b49: .*\n {2}and 10 more\n/);
  assert.match(text, /they wait for a later sweep/);
});
