import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronNextRun } from '../../../src/desired/mongodb/next-run.ts';

/** 2026-03-14T15:09:26Z, of contract, appendix C. */
const BASE = Date.UTC(2026, 2, 14, 15, 9, 26) / 1000;

test('what a schedule says of its next run, or that it says nothing', () => {
  const next = cronNextRun('UTC');
  assert.deepEqual(next('*/15 * * * *', BASE), { next: Date.UTC(2026, 2, 14, 15, 15) / 1000 });
  assert.deepEqual(next('0 0 30 2 *', BASE), { next: null });
  // The Go runtime ends at the first one.
  for (const bad of ['TZ=UTC', 'CRON_TZ=', '', '* * * *', '@reboot', 'x'.repeat(10_000)]) {
    assert.ok('problem' in next(bad, BASE), bad.slice(0, 20));
  }
});
