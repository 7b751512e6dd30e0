import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GuardedRunLedger } from '../../src/desired/guarded-run-ledger.ts';
import { LocalRunLedger } from '../../src/desired/local/local-run-ledger.ts';

test('a runtime that stands by reads the record of runs, writes nothing of it and says why, until it may', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'the0-ledger-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const ledger = new LocalRunLedger({ directory, owner: 'one' });
  const guard = { shutBecause: 'host-b keeps these bots.' as string | null, onlyEnds: false };
  const guarded = new GuardedRunLedger(ledger, guard);
  const plan = { botId: 'a', schedule: '@hourly', expected: null, next: 100 };
  const run = { botId: 'a', occurrence: 100, at: 5 };
  const claim = { ...run, expected: 100, next: 200, incarnation: 1 };
  await ledger.plan(plan);
  const before = await ledger.read('a');
  assert.deepEqual(await guarded.read('a'), before);
  for (const write of [
    guarded.plan({ ...plan, expected: 100, next: 300 }),
    guarded.claim(claim),
    guarded.started(run),
    guarded.finished({ ...run, exitCode: 0 }),
    guarded.missed(run),
  ]) {
    await assert.rejects(write, { message: 'host-b keeps these bots.' });
  }
  await guarded.forget('a');
  assert.deepEqual(await ledger.read('a'), before);
  guard.shutBecause = null;
  assert.equal((await guarded.claim(claim))?.run?.state, 'claimed');
  assert.equal((await guarded.started(run))?.run?.state, 'started');
  // A run that went on here is ended because another engine has its bot: how it ended must not stay open.
  Object.assign(guard, { shutBecause: 'host-b keeps these bots.', onlyEnds: true });
  await assert.rejects(guarded.claim({ ...claim, occurrence: 200, expected: 200, next: 300 }));
  assert.equal((await guarded.finished({ ...run, exitCode: 143 }))?.run?.state, 'finished');
  guard.shutBecause = null;
  await guarded.forget('a');
  assert.equal(await ledger.read('a'), null);
});
