import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LocalRunLedger, RunLedgerError } from '../../../src/desired/local/local-run-ledger.ts';
import type { RunLedger } from '../../../src/desired/run-ledger.ts';
import { ledgerConformance } from '../../conformance/desired/run-ledger.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'the0-ledger-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

ledgerConformance('files', async (t) => {
  const path = directory(t);
  // Only one runtime uses a data directory; what two would do to each other is told apart by the owner in the file.
  const one = new LocalRunLedger({ directory: path, owner: 'one' });
  const other = new SameFiles(one, new LocalRunLedger({ directory: path, owner: 'other' }));
  return {
    one: other.first,
    other,
    reopenOne: async () => new LocalRunLedger({ directory: path, owner: 'one' }),
    add: async () => {},
    remove: (botId) => one.forget(botId),
  };
});

/** Two ledgers over the same files, one call after the other: the lock on the directory allows no two at a time. */
class SameFiles implements RunLedger {
  readonly first: RunLedger;
  #last: Promise<unknown> = Promise.resolve();
  readonly #second: RunLedger;

  constructor(first: RunLedger, second: RunLedger) {
    this.#second = second;
    this.first = this.#turns(first);
  }

  #turns(ledger: RunLedger): RunLedger {
    const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const result = this.#last.then(work, work);
      this.#last = result;
      return result;
    };
    return {
      read: (botId) => inTurn(() => ledger.read(botId)),
      plan: (plan) => inTurn(() => ledger.plan(plan)),
      claim: (claim) => inTurn(() => ledger.claim(claim)),
      started: (run) => inTurn(() => ledger.started(run)),
      finished: (run) => inTurn(() => ledger.finished(run)),
      missed: (run) => inTurn(() => ledger.missed(run)),
      forget: (botId) => inTurn(() => ledger.forget(botId)),
      close: () => inTurn(() => ledger.close()),
    };
  }

  read: RunLedger['read'] = (botId) => this.#turns(this.#second).read(botId);
  plan: RunLedger['plan'] = (plan) => this.#turns(this.#second).plan(plan);
  claim: RunLedger['claim'] = (claim) => this.#turns(this.#second).claim(claim);
  started: RunLedger['started'] = (run) => this.#turns(this.#second).started(run);
  finished: RunLedger['finished'] = (run) => this.#turns(this.#second).finished(run);
  missed: RunLedger['missed'] = (run) => this.#turns(this.#second).missed(run);
  forget: RunLedger['forget'] = (botId) => this.#turns(this.#second).forget(botId);
  close: RunLedger['close'] = () => this.#turns(this.#second).close();
}

test('calls for one bot follow each other, however fast they come', async (t) => {
  const ledger = new LocalRunLedger({ directory: directory(t), owner: 'one' });
  await ledger.plan({ botId: 'a', schedule: '* * * * *', expected: null, next: 60 });
  const claims = Array.from({ length: 20 }, (_, incarnation) =>
    ledger.claim({ botId: 'a', occurrence: 60, expected: 60, next: 120, incarnation, at: 1 }),
  );
  const runs = await Promise.all(claims);
  assert.deepEqual([...new Set(runs.map((record) => record?.run?.incarnation))], [0]);
});

test('a file of a newer format, or a damaged one, is refused and left as it is; other bots go on', async (t) => {
  const path = directory(t);
  const ledger = new LocalRunLedger({ directory: path, owner: 'one' });
  await ledger.plan({ botId: 'a', schedule: '* * * * *', expected: null, next: 60 });
  const file = join(path, readdirSync(path)[0] ?? '');
  for (const damage of [readFileSync(file, 'utf8').replace('"the0":1', '"the0":2'), '{"the0":1,"bot']) {
    writeFileSync(file, damage);
    await assert.rejects(ledger.read('a'), RunLedgerError);
    await assert.rejects(
      ledger.claim({ botId: 'a', occurrence: 60, expected: 60, next: 120, incarnation: 1, at: 1 }),
      RunLedgerError,
    );
    assert.equal(readFileSync(file, 'utf8'), damage);
  }
  assert.equal((await ledger.plan({ botId: 'b', schedule: '* * * * *', expected: null, next: 60 }))?.next, 60);
});

test('nothing is left behind of a write that failed, and it is told', async (t) => {
  const path = directory(t);
  writeFileSync(join(path, 'in-the-way'), '');
  const ledger = new LocalRunLedger({ directory: join(path, 'in-the-way'), owner: 'one' });
  await assert.rejects(
    ledger.plan({ botId: 'a', schedule: '* * * * *', expected: null, next: 60 }),
    (error) => error instanceof RunLedgerError && error.message.includes('in-the-way'),
  );
});
