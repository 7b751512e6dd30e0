import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { EventWriter } from '../../../src/desired/mongodb/event-writer.ts';
import { NatsFeed } from '../../../src/desired/nats/nats-feed.ts';
import { needsMongo, startMongo } from '../../services/mongodb.ts';
import { needsNats, startNats } from '../../services/nats.ts';
import { MONGO_LIMITS } from '../mongodb/bot-documents.ts';
import { botEvent, EventPublisher, FEED_OPTIONS } from './events.ts';

const skip = needsMongo().skip || needsNats().skip;

/** NATS with a stream whose files can be saved and put back, and what feeds write into MongoDB. */
async function scene(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'the0-nats-store-'));
  const [store, backup] = [join(root, 'store'), join(root, 'backup')];
  const [mongo, nats] = await Promise.all([startMongo(), startNats('127.0.0.1', ['--store_dir', store])]);
  const client = await connectMongo(mongo.uri, MONGO_LIMITS);
  const api = await EventPublisher.connect(nats.url);
  const feeds: NatsFeed[] = [];
  t.after(async () => {
    for (const feed of feeds) await feed.close();
    await api.close();
    await client.close();
    await Promise.all([mongo.remove(), nats.remove()]);
    rmSync(root, { recursive: true });
  });
  const whileStopped = async (act: () => void) => {
    await nats.stop();
    act();
    await nats.start();
    await reached();
  };
  /** The publisher's connection is back. */
  const reached = async () => {
    for (;;) {
      try {
        return await api.connection.flush();
      } catch {
        await sleep(50);
      }
    }
  };
  const writer = new EventWriter(client, (_schedule, after) => ({ next: after + 60 }));
  return {
    api,
    writer,
    bots: botsOf(client, 'realtime'),
    save: () => whileStopped(() => cpSync(store, backup, { recursive: true })),
    restore: () =>
      whileStopped(() => {
        rmSync(store, { recursive: true });
        cpSync(backup, store, { recursive: true });
      }),
    start: async () => {
      const troubles: string[] = [];
      const feed = new NatsFeed(writer, { ...FEED_OPTIONS, noteMs: 500, servers: nats.url });
      feeds.push(feed);
      await feed.start({ applied: () => {}, trouble: ({ message }) => troubles.push(message) });
      return { feed, troubles };
    },
    noted: async (sequence: number) => {
      while ((await writer.appliedUpTo('realtime'))?.sequence !== sequence) await sleep(20);
    },
    /** The configs by bot, once the one of this bot says so. */
    until: async (botId: string, n: unknown) => {
      for (;;) {
        const found = await botsOf(client, 'realtime').find().toArray();
        const all = Object.fromEntries(found.map(({ id, config }) => [id, config.n]));
        if (all[botId] === n) return all;
        await sleep(20);
      }
    },
  };
}

describe('a stream that is not what it was', { skip, timeout: 120_000 }, () => {
  test('of one that was restored the new events are applied, and those that had been applied before are not', async (t) => {
    const { api, bots, start, save, restore, until, noted } = await scene(t);
    await api.makeStream();
    const first = await start();
    for (const id of ['edited', 'changed', 'gone']) await api.publish('bot.created', botEvent(id, { n: 1 }));
    await until('gone', 1);
    await save();
    await api.publish('bot.deleted', { id: 'gone' });
    await api.publish('bot.updated', botEvent('changed', { n: 2 }));
    await noted(5);
    await first.feed.close();
    await bots.updateOne({ id: 'edited' }, { $set: { 'config.n': 'by hand' } });
    await restore();
    // More than were lost: the numbers alone say nothing any more.
    for (let n = 1; n <= 4; n += 1) await api.publish('bot.updated', botEvent('new', { n }));
    const second = await start();
    const expected = { edited: 'by hand', changed: 2, new: 4 };
    assert.deepEqual(await until('new', 4), expected);
    assert.match(second.troubles.join(), /THE0_EVENTS went back/);
    assert.match(second.feed.told.join(), /went back.*save them once more/);
    assert.deepEqual(second.feed.tally.gaps, { expired: 0, replaced: 1, unheard: 0 });
    await api.publish('bot.updated', botEvent('changed', { n: 3 }));
    assert.deepEqual(await until('changed', 3), { ...expected, changed: 3 });
    await second.feed.close();
    await api.publish('bot.deleted', { id: 'edited' });
    await api.publish('bot.updated', botEvent('changed', { n: 4 }));
    const third = await start();
    assert.deepEqual(await until('changed', 4), { changed: 4, new: 4 });
    assert.deepEqual(third.troubles, []);
  });

  test('one that is restored while it is followed is followed further, with the numbers that it gives again', async (t) => {
    const { api, start, save, restore, until, noted } = await scene(t);
    await api.makeStream();
    const { troubles } = await start();
    await api.publish('bot.created', botEvent('a', { n: 1 }));
    await until('a', 1);
    await save();
    for (let n = 2; n <= 6; n += 1) await api.publish('bot.updated', botEvent('a', { n }));
    await noted(6);
    await restore();
    await api.publish('bot.updated', botEvent('a', { n: 7 }));
    await api.publish('bot.created', botEvent('b', { n: 1 }));
    assert.deepEqual(await until('b', 1), { a: 7, b: 1 });
    assert.match(troubles.join(), /THE0_EVENTS went back/);
  });

  test('one that was made anew is read although it seems older than the one before', async (t) => {
    const { api, writer, start, until } = await scene(t);
    await api.makeStream();
    await api.publish('bot.created', botEvent('a', { n: 1 }));
    // As an older version of this program, and a clock of NATS that was a day ahead, have left it.
    const ahead = { epoch: Date.now() + 86_400_000, sequence: 7 };
    const { config, custom } = botEvent('a', { n: 0 });
    const content = { config, custom: { ...custom, config: { name: 'price-alerts' } } };
    await writer.apply({ change: 'created', kind: 'realtime', botId: 'a', content, place: ahead });
    await writer.saveAppliedUpTo('realtime', { ...ahead, created: ahead.epoch, lastAt: null, oldUntil: null });
    const first = await start();
    await api.publish('bot.updated', botEvent('a', { n: 2 }));
    await until('a', 2);
    assert.match(first.troubles.join(), /was made anew/);
    await first.feed.close();
    await api.publish('bot.deleted', { id: 'a' });
    await api.publish('bot.created', botEvent('b', { n: 3 }));
    const second = await start();
    assert.deepEqual(await until('b', 3), { b: 3 });
    assert.deepEqual(second.troubles, []);
  });
});
