import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RunLedger } from '../../../src/desired/run-ledger.ts';

/** Two runtimes on one ledger, and the first of them after a restart. To be closed by whoever opened them. */
export interface LedgerScene {
  readonly one: RunLedger;
  readonly other: RunLedger;
  reopenOne(): Promise<RunLedger>;
  /** The bot is there, where the ledger is a part of what is desired. */
  add(botId: string): Promise<void>;
  /** It is gone, and the ledger was told. */
  remove(botId: string): Promise<void>;
}

const AT = 1_773_501_000_000;
const PLAN = { botId: 'a', schedule: '*/5 * * * *', expected: null, next: 100 } as const;
const CLAIM = { botId: 'a', occurrence: 100, expected: 100, next: 400, incarnation: 7, at: AT } as const;
const RUN = { botId: 'a', occurrence: 100, at: AT } as const;

/** What every adapter of the port must do. @param open makes an empty ledger, which the test `t` cleans up */
export function ledgerConformance(
  name: string,
  open: (t: TestContext) => Promise<LedgerScene>,
  options: { readonly skip?: string | false } = {},
): void {
  const withBot = async (t: TestContext): Promise<LedgerScene> => {
    const scene = await open(t);
    await scene.add('a');
    return scene;
  };

  test(`${name}: of a bot that was never planned nothing is known, and nothing can be claimed`, options, async (t) => {
    const { one, add } = await open(t);
    assert.equal(await one.read('a'), null);
    await add('a');
    assert.equal(await one.read('a'), null);
    assert.equal((await one.claim(CLAIM))?.run ?? null, null);
  });

  test(`${name}: a run goes from claimed to started to finished, and not back`, options, async (t) => {
    const { one } = await withBot(t);
    assert.deepEqual(await one.plan(PLAN), { schedule: '*/5 * * * *', next: 100, run: null });
    const run = { occurrence: 100, incarnation: 7, claimedAt: AT, mine: true, exitCode: null };
    assert.deepEqual(await one.claim(CLAIM), { schedule: '*/5 * * * *', next: 400, run: { ...run, state: 'claimed' } });
    assert.equal((await one.started(RUN))?.run?.state, 'started');
    assert.equal((await one.missed(RUN))?.run?.state, 'started');
    const finished = { ...run, state: 'finished', exitCode: 3 };
    assert.deepEqual((await one.finished({ ...RUN, exitCode: 3 }))?.run, finished);
    assert.deepEqual((await one.started(RUN))?.run, finished);
    assert.deepEqual((await one.finished({ ...RUN, exitCode: 0 }))?.run, finished);
    assert.deepEqual((await one.read('a'))?.run, finished);
  });

  test(`${name}: of many who claim at the same time one gets it`, options, async (t) => {
    const { one, other } = await withBot(t);
    await one.plan(PLAN);
    const claims = Array.from({ length: 10 }, (_, index) =>
      (index % 2 === 0 ? one : other).claim({ ...CLAIM, incarnation: index }),
    );
    const runs = (await Promise.all(claims)).map((record) => record?.run ?? null);
    const winners = new Set(runs.map((run) => run?.incarnation));
    assert.equal(winners.size, 1);
    const [one_, other_] = await Promise.all([one.read('a'), other.read('a')]);
    assert.notEqual(one_?.run?.mine, other_?.run?.mine);
    assert.equal(one_?.next, 400);
  });

  test(`${name}: as long as a run is open, nothing else is claimed`, options, async (t) => {
    const { one, other } = await withBot(t);
    await one.plan(PLAN);
    await one.claim(CLAIM);
    const next = { ...CLAIM, occurrence: 400, expected: 400, next: 700, incarnation: 8 };
    assert.equal((await other.claim(next))?.run?.occurrence, 100);
    await one.started(RUN);
    assert.equal((await one.claim(next))?.run?.occurrence, 100);
    await one.finished({ ...RUN, exitCode: null });
    assert.equal((await other.claim(next))?.run?.occurrence, 400);
  });

  test(`${name}: an occurrence that has passed cannot be claimed`, options, async (t) => {
    const { one } = await withBot(t);
    await one.plan(PLAN);
    await one.claim(CLAIM);
    await one.missed(RUN);
    const again = await one.claim({ ...CLAIM, incarnation: 8 });
    assert.deepEqual([again?.run?.state, again?.run?.incarnation, again?.next], ['missed', 7, 400]);
    // Such as one asked for besides the schedule, which leaves the next time as it is.
    const besides = await one.claim({ ...CLAIM, expected: 400, next: 400, incarnation: 9 });
    assert.deepEqual([besides?.run?.state, besides?.run?.incarnation], ['missed', 7]);
  });

  test(
    `${name}: only who claimed a run may say that it was started; anybody may say how it ended`,
    options,
    async (t) => {
      const { one, other } = await withBot(t);
      await one.plan(PLAN);
      await one.claim(CLAIM);
      const seen = await other.started(RUN);
      assert.deepEqual([seen?.run?.state, seen?.run?.mine], ['claimed', false]);
      assert.equal((await other.missed(RUN))?.run?.state, 'missed');
      assert.equal((await one.started(RUN))?.run?.state, 'missed');
    },
  );

  test(`${name}: a plan is made only from what is known; it leaves the run alone`, options, async (t) => {
    const { one } = await withBot(t);
    await one.plan(PLAN);
    assert.equal((await one.plan({ ...PLAN, expected: null, next: 5 }))?.next, 100);
    await one.claim(CLAIM);
    const planned = await one.plan({ ...PLAN, schedule: '@hourly', expected: 400, next: 3_600 });
    assert.deepEqual([planned?.schedule, planned?.next, planned?.run?.state], ['@hourly', 3_600, 'claimed']);
    assert.equal((await one.plan({ ...PLAN, expected: 3_600, next: null }))?.next, null);
  });

  test(`${name}: after a restart what was claimed is still one's own`, options, async (t) => {
    const { one, reopenOne } = await withBot(t);
    await one.plan(PLAN);
    await one.claim(CLAIM);
    const again = await reopenOne();
    assert.deepEqual((await again.read('a'))?.run?.mine, true);
    assert.equal((await again.started(RUN))?.run?.state, 'started');
  });

  test(
    `${name}: bots do not get into each other's way, whatever their ids; one that is gone is forgotten`,
    options,
    async (t) => {
      const { one, add, remove } = await open(t);
      const botIds = ['a/../b', 'a-b', 'A-b', 'ä', 'x'.repeat(300)];
      for (const botId of botIds) await add(botId);
      for (const [index, botId] of botIds.entries()) await one.plan({ ...PLAN, botId, next: index + 1 });
      for (const [index, botId] of botIds.entries()) assert.equal((await one.read(botId))?.next, index + 1);
      await remove('a-b');
      assert.equal(await one.read('a-b'), null);
      assert.equal((await one.read('A-b'))?.next, 3);
    },
  );
}
