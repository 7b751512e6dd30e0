import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { UnusedCredentials } from '../../src/gc/unused-credentials.ts';
import { type ObjectStore, StoreError } from '../../src/storage/object-store.ts';
import { type MinioServer, needsMinio, startMinio } from '../services/minio.ts';
import { DAY, HOUR, LIMITS, StoreFixture } from './store-fixture.ts';

describe('a sweep of the object store', needsMinio(), () => {
  let minio: MinioServer;
  before(async () => {
    minio = await startMinio();
  });
  after(() => minio.stop());

  const fixture = async (t: TestContext): Promise<StoreFixture> => {
    const made = await StoreFixture.make(minio);
    t.after(() => made.close());
    return made;
  };

  test('removes logs and state of a bot nobody knows, once its grace is over', async (t) => {
    const store = await fixture(t);
    await store.bot('gone');
    await store.bot('lives');
    const first = await store.sweep(['lives'], 2 * DAY);
    assert.equal(first.problem, null);
    assert.deepEqual([first.knownBots, first.storedBots, first.removedBots], [1, 2, 0]);
    assert.deepEqual(
      first.waiting.map(({ botId, objects, bytes }) => ({ botId, objects, bytes })),
      [{ botId: 'gone', objects: 3, bytes: 16 }],
    );
    const early = await store.sweep(['lives'], 2 * DAY + 23 * HOUR);
    assert.equal(early.removedBots, 0);
    const second = await store.sweep(['lives'], 3 * DAY + HOUR);
    assert.deepEqual([second.removedBots, second.removedObjects], [1, { count: 3, bytes: 16 }]);
    assert.deepEqual(await store.keys('logs'), ['logs/lives/20260101.log', 'logs/lives/20260102.log']);
    assert.deepEqual(await store.keys('state'), ['lives/state.tar.gz']);
    assert.deepEqual((await store.sweep(['lives'], 9 * DAY)).removedBots, 0);
    assert.deepEqual(store.failures, []);
  });

  test('keeps an orphan to which something was written lately, also when that happens in the middle', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('writes');
    await store.sweep(['lives'], 0);
    const young = await store.sweep(['lives'], DAY - HOUR);
    assert.deepEqual([young.due.length, young.waiting.length], [0, 1]);
    // Due by what was listed; then the bot writes again.
    const limits = { ...LIMITS, graceMs: 2_000 };
    await delay(2_500);
    let asked = 0;
    const ids = async () => {
      asked += 1;
      if (asked === 2) await store.put('logs', 'logs/writes/20260103.log');
      return new Set(['lives']);
    };
    const report = await store.sweep({ ids }, 0, { limits });
    assert.deepEqual([report.due.length, report.removedBots, report.removedObjects.count], [1, 0, 0]);
    assert.equal((await store.keys('logs')).length, 5);
  });

  test('a bot that comes back is no orphan, and its grace begins anew when it goes again', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('back');
    await store.sweep(['lives'], 2 * DAY);
    await store.sweep(['lives', 'back'], 3 * DAY);
    const report = await store.sweep(['lives'], 4 * DAY);
    assert.deepEqual([report.removedBots, report.waiting.length], [0, 1]);
  });

  test('a bot that is created while the sweep lists is none', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('new');
    await store.sweep(['lives'], 2 * DAY);
    let asked = 0;
    const knownBots = { ids: async () => new Set(++asked === 1 ? ['lives'] : ['lives', 'new']) };
    const report = await store.sweep(knownBots, 4 * DAY);
    assert.deepEqual([asked, report.due.length, report.removedBots], [2, 0, 0]);
  });

  test('a MongoDB that is empty, away or of somebody else keeps everything, and starts no grace', async (t) => {
    const store = await fixture(t);
    await store.bot('a');
    await store.bot('b');
    const empty = await store.sweep([], 2 * DAY);
    assert.deepEqual([empty.problem?.code, empty.problem?.isRefusal], ['no-known-bots', true]);
    const other = await store.sweep(['x', 'y', 'z'], 3 * DAY);
    assert.equal(other.problem?.code, 'no-stored-bot-known');
    const away = await store.sweep({ ids: () => Promise.reject(new Error('nobody answers')) }, 4 * DAY);
    assert.deepEqual([away.problem?.code, away.problem?.isRefusal], ['known-bots-unreadable', false]);
    assert.match(away.problem?.sentence ?? '', /nobody answers/);
    // What the wrong database said must not count.
    const right = await store.sweep(['a'], 5 * DAY);
    assert.deepEqual([right.removedBots, right.waiting.length, right.problem], [0, 1, null]);
    assert.equal((await store.keys('state')).length, 2);
  });

  test('too many orphans at once are kept until a person says so', async (t) => {
    const store = await fixture(t);
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const botId of all) await store.put('state', `${botId}/state.tar.gz`);
    const known = ['a', 'b', 'c'];
    await store.sweep(known, 2 * DAY);
    const refused = await store.sweep(known, 4 * DAY);
    assert.deepEqual([refused.problem?.code, refused.due.length], ['too-many-orphans', 5]);
    assert.equal((await store.keys('state')).length, 8);
    // 4 of 8 is half.
    const half = await store.sweep([...known, 'd'], 4 * DAY, { dryRun: true });
    assert.deepEqual([half.problem, half.due.length], [null, 4]);
    const told = await store.sweep(known, 4 * DAY, { limits: { ...LIMITS, share: 1 } });
    assert.deepEqual([told.problem, told.removedBots], [null, 5]);
    assert.deepEqual(await store.keys('state'), ['a/state.tar.gz', 'b/state.tar.gz', 'c/state.tar.gz']);
  });

  test('removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones', async (t) => {
    const store = await fixture(t);
    await store.bot('a');
    await store.put('logs', 'logs/a/.tmp-1767225600000000000', '123');
    await store.put('logs', 'logs/a/not.tmp-17', '123');
    await store.put('queryResults', 'a/1767225600000000000-0123456789abcdef/result.json', '1234');
    await store.put('queryResults', 'a/1767225600000000000/result.json', '12345');
    await store.put('queryResults', 'a/notes.txt');
    await store.beginUpload('state', 'a/state.tar.gz');
    await store.beginUpload('logs', 'logs/a/20260101.log');
    const young = await store.sweep([], HOUR - 60_000);
    assert.deepEqual([young.chunks.count, young.uploads.count, young.queryResults.count], [0, 0, 0]);
    const report = await store.sweep([], HOUR + 60_000);
    assert.deepEqual(report.chunks, { count: 1, bytes: 3 });
    assert.equal(report.uploads.count, 2);
    assert.deepEqual(report.queryResults, { count: 2, bytes: 9 });
    assert.deepEqual(await store.uploadsLeft(), []);
    assert.deepEqual(await store.keys('queryResults'), ['a/notes.txt']);
    assert.equal((await store.keys('logs')).length, 3);
    assert.deepEqual(store.failures, []);
  });

  test('a dry run says what it would remove and changes nothing, not even what sweeps remember', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('gone');
    await store.put('logs', 'logs/lives/.tmp-1');
    await store.beginUpload('logs', 'logs/lives/1.log');
    await store.sweep(['lives'], 2 * DAY, { dryRun: true });
    const fresh = await store.sweep(['lives'], 4 * DAY, { dryRun: true });
    assert.deepEqual([fresh.due.length, fresh.waiting.length], [0, 1]);
    await store.put('logs', 'logs/lives/.tmp-1');
    await store.sweep(['lives'], 30 * 60_000);
    const report = await store.sweep(['lives'], 4 * DAY, { dryRun: true });
    assert.deepEqual(
      report.due.map(({ botId }) => botId),
      ['gone'],
    );
    assert.deepEqual([report.chunks.count, report.uploads.count, report.removedBots], [1, 1, 0]);
    assert.equal((await store.keys('logs')).length, 5);
    assert.equal((await store.uploadsLeft()).length, 1);
  });

  test('an object that cannot be removed is counted and told, the others are removed, and the state stays to be found', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('gone');
    await store.put('logs', 'logs/lives/.tmp-1');
    await store.sweep(['lives'], 30 * 60_000);
    const stubborn: ObjectStore = new Proxy(store.store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (place: unknown, ...rest: unknown[]): unknown => {
          if (name === 'remove' && /20260101|tmp/.test(JSON.stringify(place))) {
            return Promise.reject(new StoreError('denied', 'delete: 403'));
          }
          return Reflect.apply(value, target, [place, ...rest]);
        };
      },
    });
    const report = await store.sweep(['lives'], 3 * DAY, { store: stubborn });
    assert.equal(report.failures.count, 2);
    assert.deepEqual(store.failures, report.failures.first);
    assert.deepEqual([report.removedBots, report.removedObjects.count, report.chunks.count], [0, 1, 0]);
    assert.deepEqual(await store.keys('state'), ['gone/state.tar.gz', 'lives/state.tar.gz']);
    const next = await store.sweep(['lives'], 3 * DAY);
    assert.deepEqual([next.removedBots, next.removedObjects.count, next.chunks.count], [1, 2, 1]);
  });

  /** Keys of bots that are called `of-<bot>`. */
  const keysOf = (...botIds: string[]) => {
    const held = new Set(botIds.map((botId) => `of-${botId}`));
    const credentials: UnusedCredentials = {
      list: async (known) => ({ all: held.size, unused: [...held].filter((name) => !known.has(name.slice(3))) }),
      remove: async (name) => {
        if (name === 'of-stuck') throw new StoreError('denied', 'it stays');
        held.delete(name);
      },
    };
    return { held, credentials };
  };

  test('unused credentials are removed after the same grace, and none by a MongoDB that is not believed', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    const { held, credentials } = keysOf('lives', 'gone', 'stuck');
    const first = await store.sweep(['lives'], 0, { credentials });
    assert.deepEqual(first.credentials, { all: 3, removed: 0, due: 0, waiting: 2 });
    await store.sweep([], 2 * DAY, { credentials });
    assert.equal(held.size, 3);
    const report = await store.sweep(['lives'], 2 * DAY, { credentials });
    assert.deepEqual(report.credentials, { all: 3, removed: 1, due: 2, waiting: 0 });
    assert.deepEqual([...held], ['of-lives', 'of-stuck']);
    assert.deepEqual(store.failures, ['it stays']);
  });

  test('keys alone show that there are bots: a MongoDB that knows none of them is not believed', async (t) => {
    const store = await fixture(t);
    const { held, credentials } = keysOf('a', 'b');
    const empty = await store.sweep([], 0, { credentials });
    assert.deepEqual([empty.problem?.code, empty.problem?.isRefusal, empty.storedBots], ['no-known-bots', true, 0]);
    const other = await store.sweep(['x'], 2 * DAY, { credentials });
    assert.deepEqual([other.problem?.code, other.credentials.waiting], ['no-stored-bot-known', 2]);
    // Nothing of this has begun a grace.
    const right = await store.sweep(['a'], 4 * DAY, { credentials });
    assert.deepEqual([right.problem, right.credentials], [null, { all: 2, removed: 0, due: 0, waiting: 1 }]);
    assert.equal(held.size, 2);
  });

  test('too many keys at once are kept until a person says so, and so are bots meanwhile', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('gone');
    const { held, credentials } = keysOf('lives', 'gone', 'a', 'b', 'c', 'd');
    await store.sweep(['lives'], 0, { credentials });
    const refused = await store.sweep(['lives'], 2 * DAY, { credentials });
    assert.equal(refused.problem?.code, 'too-many-orphans');
    assert.match(refused.problem?.sentence ?? '', /^5 of 6 keys of bots .* more than 3/);
    assert.deepEqual([held.size, refused.removedBots, refused.due.length], [6, 0, 1]);
    const told = await store.sweep(['lives'], 2 * DAY, { credentials, limits: { ...LIMITS, share: 1 } });
    assert.deepEqual([told.problem, told.credentials.removed, told.removedBots], [null, 5, 1]);
    assert.deepEqual([...held], ['of-lives']);
  });

  test('a store without buckets is swept in peace, and one that does not answer is a problem', async (t) => {
    const bare = new StoreFixture(minio.access);
    t.after(() => bare.close());
    const report = await bare.sweep([], 0);
    assert.deepEqual([report.problem, report.storedBots, report.failures.count], [null, 0, 0]);
    const away = new StoreFixture({ ...minio.access, endpoint: '127.0.0.1:1' });
    t.after(() => away.close());
    const nothing = await away.sweep(['a'], 0);
    assert.equal(nothing.problem?.code, 'store-unreadable');
    assert.ok(nothing.failures.count > 0);
  });

  test('takes notice of so many orphans at most, and of the others later', async (t) => {
    const store = await fixture(t);
    await store.put('state', 'lives/state.tar.gz');
    for (const botId of ['a', 'b', 'c']) await store.put('state', `${botId}/state.tar.gz`);
    const limits = { ...LIMITS, orphans: 2, graceMs: 0 };
    const first = await store.sweep(['lives'], HOUR, { limits });
    assert.deepEqual([first.removedBots, first.isPartial], [2, true]);
    const second = await store.sweep(['lives'], HOUR, { limits });
    assert.deepEqual([second.removedBots, second.isPartial], [1, false]);
  });

  test('what another version remembers keeps every orphan', async (t) => {
    const store = await fixture(t);
    await store.bot('lives');
    await store.bot('gone');
    await store.put('state', '.the0-gc/orphans.json', '{"format":2,"bots":{},"credentials":{}}');
    const report = await store.sweep(['lives'], 9 * DAY);
    assert.equal(report.problem?.code, 'ledger-unusable');
    assert.match(report.problem?.hint ?? '', /grace/);
  });

  test('ends when it is told to, also while MongoDB does not answer', async (t) => {
    const store = await fixture(t);
    await store.bot('a');
    await assert.rejects(store.sweep(['a'], 0, { signal: AbortSignal.abort(new Error('told to end')) }), /told to end/);
    const ending = new AbortController();
    const sweeping = store.sweep({ ids: () => new Promise(() => {}) }, 0, { signal: ending.signal });
    ending.abort(new Error('told now'));
    await assert.rejects(sweeping, /told now/);
  });
});
