import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type AgentLimits, DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { StateSyncOptions } from '../../../src/agent/state/state-sync.ts';
import { StateLoop } from '../../../src/agent/sync/state-loop.ts';
import { type Body, type ObjectPlace, StoreError, type WriteOptions } from '../../../src/storage/object-store.ts';
import { signalsKept } from '../../signals-kept.ts';
import { MemoryObjectStore } from '../../storage/memory-object-store.ts';
import { until } from '../agent-process.ts';
import { SMALL_PIECES, stateFixture } from '../state/state-fixture.ts';

const QUICK = {
  stateSettleMs: 10,
  stateSettleCapMs: 50,
  stateBytesPerSecond: 0,
  stateFailurePauseMs: 20,
  storeRetryMs: 1,
};

const BUSY = new StoreError('busy', 'not now');
const AWAY = new StoreError('unreachable', 'nobody there');

async function scene(t: TestContext, limits: Partial<AgentLimits> = {}, options: Partial<StateSyncOptions> = {}) {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory, options);
  await sync.begin({ kind: 'first-run' });
  const troubles: (string | null)[] = [];
  let superseded = 0;
  const loop = new StateLoop({
    sync,
    directory,
    limits: { ...DEFAULT_AGENT_LIMITS, ...QUICK, ...limits },
    onTrouble: (message) => troubles.push(message),
    onSuperseded: () => {
      superseded += 1;
    },
  });
  let over = false;
  const finish = async (deadlineMs = 10_000) => {
    over = true;
    return loop.finish(deadlineMs);
  };
  t.after(async () => {
    if (!over) await finish();
  });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const stored = async () => (await fixture.restored()).map(({ name }) => name).sort();
  const storedNames = async (...names: string[]) => {
    for (let waits = 0; ; waits += 1) {
      const found = await stored();
      if (names.every((name) => found.includes(name))) return;
      if (waits > 3_000) assert.fail(`stored are ${found}`);
      await delay(10);
    }
  };
  return { fixture, directory, loop, troubles, write, stored, storedNames, finish, superseded: () => superseded };
}

test('what is there at the start is stored, then every change', async (t) => {
  const { loop, write, storedNames } = await scene(t);
  write('a', '1');
  loop.start();
  await storedNames('a');
  write('b', '2');
  await storedNames('a', 'b');
});

test('changes that never pause are stored all the same', async (t) => {
  const { loop, write, storedNames } = await scene(t, { stateSettleMs: 60_000, stateSettleCapMs: 100 });
  loop.start();
  const timer = setInterval(() => write('a', String(Math.random())), 5);
  try {
    write('b', '1');
    await storedNames('b');
  } finally {
    // Before the fixture takes the directory away.
    clearInterval(timer);
  }
});

test('a burst of changes is stored at once, not one by one', async (t) => {
  const { fixture, loop, write, storedNames } = await scene(t, { stateSettleMs: 300, stateSettleCapMs: 30_000 });
  let uploads = 0;
  fixture.store.after = (operation) => {
    if (operation === 'write' || operation === 'rewrite') uploads += 1;
  };
  loop.start();
  for (let n = 0; n < 20; n += 1) {
    write(`f${n}`, 'x');
    await delay(5);
  }
  await storedNames('f0', 'f19');
  assert.ok(uploads <= 2, `${uploads} uploads`);
});

test('what a failed attempt did not store is stored by a later one, and both is told once', async (t) => {
  const { fixture, loop, write, troubles, storedNames } = await scene(t);
  fixture.store.failNext(3, BUSY);
  write('a', '1');
  loop.start();
  await until('the trouble to be over', () => troubles.length === 2);
  assert.match(troubles[0] ?? '', /^the state cannot be stored: not now; trying again$/);
  assert.equal(troubles[1], null);
  await storedNames('a');
});

test('what an upload has sent counts for the budget, also when it failed', async (t) => {
  class BreakingStore extends MemoryObjectStore {
    attempts = 0;
    override async write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
      this.attempts += 1;
      if (this.attempts > 1) return await super.write(place, body, options);
      for await (const _chunk of body.read());
      throw new StoreError('busy', 'not after all');
    }
  }
  const store = new BreakingStore(SMALL_PIECES);
  const limits = { stateBytesPerSecond: 1, stateCreditMs: 0, stateFailurePauseMs: 1 };
  const { loop, write, troubles, finish } = await scene(t, limits, { store });
  write('a', '1');
  loop.start();
  await until('the failure', () => troubles.length === 1);
  await delay(300);
  assert.equal(store.attempts, 1);
  assert.equal(await finish(), true);
});

test('an upload that was refused before anything was sent costs nothing', async (t) => {
  const limits = { stateBytesPerSecond: 1, stateCreditMs: 0, stateFailurePauseMs: 1 };
  const { fixture, loop, write, troubles, storedNames } = await scene(t, limits);
  fixture.store.failNext(2, AWAY, { operation: 'write' });
  write('a', '1');
  loop.start();
  await until('it to work again', () => troubles.length === 2);
  await storedNames('a');
});

test('the budget puts the next upload off, and the end does not wait for it', async (t) => {
  const { loop, write, stored, storedNames, finish } = await scene(t, { stateBytesPerSecond: 1, stateCreditMs: 0 });
  write('a', '1');
  loop.start();
  await storedNames('a');
  write('b', '2');
  await delay(300);
  assert.equal((await stored()).includes('b'), false);
  assert.equal(await finish(), true);
  assert.equal((await stored()).includes('b'), true);
});

test('without a single watch, changes are found by the sweep', async (t) => {
  const { directory, loop, storedNames } = await scene(t, { stateWatches: 0, stateSweepMs: 30 });
  loop.start();
  mkdirSync(join(directory, 'deep'));
  writeFileSync(join(directory, 'deep', 'a'), '1');
  await storedNames('deep/a');
});

test('a later start ends it for good', async (t) => {
  const { fixture, loop, write, finish, superseded, storedNames } = await scene(t);
  write('a', '1');
  loop.start();
  await storedNames('a');
  const other = fixture.directory();
  const later = fixture.sync(other, { epoch: 5_000 });
  await later.restore();
  writeFileSync(join(other, 'later'), 'x');
  await later.sync(null);
  write('b', '2');
  await until('the end', () => superseded() === 1);
  assert.equal(await finish(), false);
  assert.equal(superseded(), 1, 'and says so once');
});

test('the end is tried again while the store asks for that', async (t) => {
  const { fixture, write, stored, troubles, finish } = await scene(t);
  fixture.store.failNext(3, BUSY);
  write('a', '1');
  assert.equal(await finish(), true);
  assert.deepEqual([await stored(), troubles], [['a'], []]);
});

test('the end waits for a store that is away for a while', async (t) => {
  const { fixture, loop, write, stored, finish } = await scene(t, { storeAttempts: 1, storeRetryMs: 1 });
  loop.start();
  fixture.store.failNext(6, AWAY);
  write('a', '1');
  assert.equal(await finish(60_000), true);
  assert.ok((await stored()).includes('a'));
});

test('after a quiet time one upload is free of the budget, and those after it are not', async (t) => {
  const { loop, write, stored, storedNames } = await scene(t, { stateBytesPerSecond: 1, stateCreditMs: 1_000 });
  write('a', '1');
  loop.start();
  await storedNames('a');
  write('b', '2');
  await delay(300);
  assert.equal((await stored()).includes('b'), false);
});

test('an end that cannot be stored is told', async (t) => {
  const { fixture, loop, write, troubles, finish } = await scene(t);
  loop.start();
  fixture.store.failNext(Number.POSITIVE_INFINITY, AWAY);
  write('a', '1');
  assert.equal(await finish(200), false);
  assert.match(troubles.at(-1) ?? '', /^the end of the state could not be stored: nobody there/);
});

test('a look that finds nothing leaves no signal behind', async (t) => {
  let looks = 0;
  const pids = () => {
    looks += 1;
    return [];
  };
  const limits = { stateWatches: 0, stateSweepMs: 1, stateSettleMs: 0, stateRequestMs: 50 };
  const { loop } = await scene(t, limits, { pids });
  loop.start();
  await until('the first looks', () => looks > 10);
  const before = await signalsKept();
  const then = looks;
  await until('many more', () => looks > then + 200);
  const more = (await signalsKept()) - before;
  assert.ok(more < 10, `${more} signals are kept after ${looks - then} looks`);
});
