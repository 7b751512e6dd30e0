import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import { LogSync, type LogSyncOptions } from '../../../src/agent/logs/log-sync.ts';
import { StoreError } from '../../../src/storage/object-store.ts';
import { eventually } from '../../admin/admin-fixture.ts';
import { signalsKept } from '../../signals-kept.ts';
import { Random } from '../../simulation/random.ts';
import { MemoryObjectStore } from '../../storage/memory-object-store.ts';

const DAY = new Date('2026-04-01T10:00:00');
const PLACE = { bucket: 'bot-logs', key: 'logs/a/20260401.log' };
const MiB = 1024 * 1024;
const LOST = new StoreError('unreachable', 'the answer was lost');

const limits = {
  ...DEFAULT_AGENT_LIMITS,
  logFlushMs: 1,
  logFailurePauseMs: 1,
  logFailurePauseCapMs: 2,
  storeRetryMs: 1,
  logStoreBytesPerSecond: 0,
};

function stage(t: TestContext) {
  const store = new MemoryObjectStore();
  const directory = () => {
    const made = mkdtempSync(join(tmpdir(), 'the0-log-sync-'));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };
  const path = join(directory(), 'bot.log');
  const troubles: (string | null)[] = [];
  const dropped: number[] = [];
  const agent = (options: Partial<LogSyncOptions> = {}) =>
    new LogSync({
      store,
      bucket: PLACE.bucket,
      botId: 'a',
      path,
      limits,
      clock: { now: () => DAY },
      onTrouble: (message) => troubles.push(message),
      onDropped: (lines) => dropped.push(lines),
      ...options,
    });
  const messages = (key = PLACE.key) =>
    store
      .bytesOf({ bucket: PLACE.bucket, key })
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line).message);
  const hasStored = () => {
    try {
      return messages().length === 1;
    } catch {
      return false; // no object yet
    }
  };
  return { store, path, troubles, dropped, agent, messages, hasStored, directory };
}

test('lines are stored as they come, and the rest when the bot has ended', async (t) => {
  const { path, agent, messages, hasStored } = stage(t);
  const sync = agent();
  sync.start();
  writeFileSync(path, 'one\n');
  await eventually('the first line', hasStored);
  appendFileSync(path, 'two\nno newline');
  assert.equal(await sync.finish(10_000), true);
  assert.deepEqual(messages(), ['one', 'two', 'no newline']);
});

test('the end is tried again while the store asks for that', async (t) => {
  const { store, path, troubles, agent, messages } = stage(t);
  writeFileSync(path, 'one\n');
  store.failNext(3, new StoreError('busy', 'not now'));
  assert.equal(await agent().finish(10_000), true);
  assert.deepEqual([messages(), troubles], [['one'], []]);
});

test('nothing is asked of the store while no line comes', async (t) => {
  const { store, path, agent } = stage(t);
  writeFileSync(path, 'one\n');
  const sync = agent();
  sync.start();
  await eventually('the line', () => store.traffic.bytesUp > 0);
  const { requests } = store.traffic;
  await delay(50);
  assert.equal(store.traffic.requests, requests);
  await sync.finish(10_000);
});

test('a log of 6 MB and one of 60 MB cost the same to append to, a small one is sent again', async (t) => {
  const costs: unknown[] = [];
  for (const size of [6 * MiB, 60 * MiB]) {
    const { store, path, agent } = stage(t);
    await store.createBucket(PLACE.bucket);
    await store.write(
      PLACE,
      { size, read: () => [Buffer.alloc(size, 'x\n')] },
      { condition: null, contentType: 'text/plain' },
    );
    writeFileSync(path, 'one\n');
    const { bytesUp, requests } = { ...store.traffic };
    assert.equal(await agent().finish(10_000), true);
    costs.push([store.traffic.bytesUp - bytesUp, store.traffic.requests - requests]);
    assert.match(store.bytesOf(PLACE).subarray(-100).toString(), /x\nx\n\{"timestamp".*"one"\}\n$/);
  }
  assert.deepEqual(costs[0], costs[1]);

  const { store, path, agent, messages } = stage(t);
  writeFileSync(path, 'one\n');
  await agent().finish(10_000);
  const { length } = store.bytesOf(PLACE);
  appendFileSync(path, 'two\n');
  const before = store.traffic.bytesUp;
  await agent().finish(10_000);
  assert.deepEqual(messages(), ['one', 'two']);
  assert.equal(store.traffic.bytesUp - before, 2 * length);
});

test('the next append waits until the last one is paid for', async (t) => {
  const { store, path, agent } = stage(t);
  writeFileSync(path, `${'x'.repeat(2000)}\n`);
  const sync = agent({ limits: { ...limits, logStoreBytesPerSecond: 1, logFlushCapMs: 3_600_000 } });
  sync.start();
  await eventually('the first append', () => store.traffic.bytesUp > 0);
  const { requests } = store.traffic;
  appendFileSync(path, 'more\n');
  await delay(100);
  assert.equal(store.traffic.requests, requests);
  assert.equal(await sync.finish(10_000), true); // the end does not wait
});

test('what an append has sent is paid for, also when it failed', async (t) => {
  const { store, path, troubles, agent, messages } = stage(t);
  writeFileSync(path, 'one\n');
  store.failNext(1, LOST, { operation: 'write', when: 'after' });
  const sync = agent({ limits: { ...limits, logStoreBytesPerSecond: 1, logFlushCapMs: 3_600_000 } });
  sync.start();
  await eventually('the failure', () => troubles.length === 1);
  const { requests } = store.traffic;
  await delay(100);
  assert.equal(store.traffic.requests, requests);
  assert.equal(await sync.finish(10_000), true);
  assert.deepEqual(messages(), ['one']);
});

test('each day has its own object, and the day after knows where the day before ended', async (t) => {
  const { path, agent, messages, hasStored } = stage(t);
  writeFileSync(path, 'one\n');
  let now = DAY;
  const sync = agent({ clock: { now: () => now } });
  sync.start();
  await eventually('the first line', hasStored);
  now = new Date('2026-04-02T00:00:01');
  appendFileSync(path, 'two\n');
  assert.equal(await sync.finish(10_000), true);
  assert.deepEqual(messages(), ['one']);
  assert.deepEqual(messages('logs/a/20260402.log'), ['two']);
});

test('an agent that died before it noted an acknowledgement repeats nothing', async (t) => {
  const { store, path, agent, messages } = stage(t);
  writeFileSync(path, 'one\n');
  // The append happens, its answer is lost, and so is the agent.
  store.failNext(1, LOST, { operation: 'write', when: 'after' });
  assert.equal(await agent({ limits: { ...limits, storeAttempts: 1 } }).finish(10_000), false);
  appendFileSync(path, 'two\n');
  assert.equal(await agent().finish(10_000), true);
  assert.deepEqual(messages(), ['one', 'two']);
});

test('the same the day after', async (t) => {
  const { store, path, agent, messages } = stage(t);
  writeFileSync(path, 'one\n');
  store.failNext(1, LOST, { operation: 'write', when: 'after' });
  assert.equal(await agent({ limits: { ...limits, storeAttempts: 1 } }).finish(10_000), false);
  appendFileSync(path, 'two\n');
  assert.equal(await agent({ clock: { now: () => new Date('2026-04-02T09:00:00') } }).finish(10_000), true);
  assert.deepEqual([messages(), messages('logs/a/20260402.log')], [['one'], ['two']]);
});

test('trouble is told once, and its end', async (t) => {
  const { store, path, troubles, agent, messages } = stage(t);
  let isDown = true;
  store.before = () => {
    if (isDown) throw new StoreError('unreachable', 'connection refused');
  };
  writeFileSync(path, 'one\n');
  const sync = agent();
  sync.start();
  await eventually('the trouble', () => troubles.length > 0);
  await delay(50);
  assert.equal(troubles.length, 1);
  assert.match(troubles[0] ?? '', /connection refused/);
  isDown = false;
  await eventually('the end of the trouble', () => troubles.length === 2);
  assert.equal(troubles[1], null);
  await sync.finish(10_000);
  assert.deepEqual(messages(), ['one']);
});

test('lines of an old and a new container do not displace each other', async (t) => {
  const { agent, messages, directory, path } = stage(t);
  const otherPath = join(directory(), 'bot.log');
  const agents = [agent(), agent({ path: otherPath })];
  for (const sync of agents) sync.start();
  for (let line = 0; line < 40; line++) {
    appendFileSync(line % 2 === 0 ? path : otherPath, `${line}\n`);
    await delay(1);
  }
  // One after the other has the last word: each must find the other's.
  for (const sync of agents) assert.equal(await sync.finish(10_000), true);
  const stored = messages().map(Number);
  for (const parity of [0, 1]) {
    const own = stored.filter((line) => line % 2 === parity);
    assert.deepEqual(
      own,
      Array.from({ length: 20 }, (_, index) => 2 * index + parity),
    );
  }
});

test('whatever fails and whenever the agent dies, every line is stored once and in order', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const { store, path, agent, messages } = stage(t);
    const random = new Random(seed).next;
    let isDead = false;
    const misfortune = () => {
      if (isDead) throw new StoreError('unreachable', 'dead');
      if (random() < 0.3) throw new StoreError(random() < 0.5 ? 'unreachable' : 'busy', 'chance');
    };
    store.before = misfortune;
    store.after = misfortune;
    writeFileSync(path, '');
    let written = 0;
    for (let life = 0; life < 8; life++) {
      isDead = false;
      const sync = agent();
      sync.start();
      for (let step = 0; step < 15; step++) {
        for (let line = Math.floor(random() * 4); line > 0; line--) appendFileSync(path, `${written++}\n`);
        await delay(random() * 3);
      }
      // At most one rotation a life: an unsent line is never rotated away twice.
      if (life % 4 === 3) {
        renameSync(path, `${path}.1`);
        writeFileSync(path, '');
      }
      isDead = true;
      await sync.finish(0);
    }
    store.before = () => {};
    store.after = () => {};
    assert.equal(await agent().finish(10_000), true);
    assert.deepEqual(
      messages().map(Number),
      Array.from({ length: written }, (_, index) => index),
      `seed ${seed}`,
    );
  }
});

test('an append leaves no signal behind, whether it is stored or not', async (t) => {
  const { store, path, agent } = stage(t);
  let appends = 0;
  store.before = (operation) => {
    if (operation !== 'write') return;
    appends += 1;
    if (appends % 3 === 0) throw LOST;
  };
  writeFileSync(path, '');
  const sync = agent({ limits: { ...limits, logRequestMs: 50 } });
  sync.start();
  const timer = setInterval(() => appendFileSync(path, 'a line\n'), 1);
  t.after(() => clearInterval(timer));
  await eventually('the first appends', () => appends > 10);
  const before = await signalsKept();
  const then = appends;
  await eventually('many more', () => appends > then + 200);
  const more = (await signalsKept()) - before;
  clearInterval(timer);
  assert.ok(more < 10, `${more} signals are kept after ${appends - then} appends`);
  await sync.finish(10_000);
});
