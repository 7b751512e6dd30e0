import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Decimal128, type Document, Int32, Long, type MongoClient } from 'mongodb';
import { EventRefused } from '../../../src/desired/event-store.ts';
import type { BotContent, LifecycleEvent } from '../../../src/desired/lifecycle-event.ts';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { EventWriter } from '../../../src/desired/mongodb/event-writer.ts';
import { NEVER_DUE } from '../../../src/desired/mongodb/next-run.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { botDocument, MONGO_LIMITS } from './bot-documents.ts';

const NOW_SECONDS = 1_773_501_000;

describe('lifecycle events written into documents', needsMongo(), () => {
  let server: MongoServer;
  let client: MongoClient;
  let writer: EventWriter;

  before(async () => {
    server = await startMongo();
    client = await connectMongo(server.uri, MONGO_LIMITS);
    const nextRun = (schedule: string, after: number) => {
      if (schedule === 'bad') return { problem: 'it has no fields' };
      return { next: schedule === 'never' ? null : after + schedule.length };
    };
    writer = new EventWriter(client, nextRun, () => NOW_SECONDS * 1000);
  });
  after(async () => {
    await client?.close();
    await server?.remove();
  });
  beforeEach(async () => {
    await client.db('bot_runner').dropDatabase();
    await client.db('bot_scheduler').dropDatabase();
  });

  const content = (config: BotContent['config']): BotContent => {
    const { version, filePath, createdAt, updatedAt, config: custom } = botDocument('x')['custom'];
    return { config, custom: { version, filePath, createdAt, updatedAt, config: custom } };
  };
  const put = (
    change: 'created' | 'updated',
    botId: string,
    config: BotContent['config'],
    sequence: number | null = null,
    kind: LifecycleEvent['kind'] = 'realtime',
  ) => writer.apply({ change, kind, botId, content: content(config), place: place(sequence) });
  const remove = (botId: string, sequence: number | null = null, epoch = 1) =>
    writer.apply({ change: 'deleted', kind: 'realtime', botId, place: place(sequence, epoch) });
  const place = (sequence: number | null, epoch = 1) => (sequence === null ? null : { epoch, sequence });
  const bot = async (id: string): Promise<Document | null> => await botsOf(client, 'realtime').findOne({ id });
  const partitions = async () => await client.db('bot_runner').collection('partitions').find().toArray();

  test('a creation writes the whole document, and claims a place in a partition', async () => {
    assert.equal(await put('created', 'a', { n: 1 }, 3), 'applied');
    const { _id, the0, ...document } = (await bot('a')) ?? {};
    assert.equal(typeof _id, 'object');
    assert.deepEqual(document, { id: 'a', segment_id: 1, ...content({ n: 1 }) });
    assert.deepEqual(the0, { format: 1, epoch: 1, seq: 3 });
    assert.deepEqual(await partitions(), [{ _id: 1, bot_count: 1 }]);
    await put('created', 'b', {});
    assert.deepEqual(await partitions(), [{ _id: 1, bot_count: 2 }]);
  });

  test('a full partition is followed by the next one', async () => {
    const database = client.db('bot_runner');
    await database.collection('partitions').insertOne({ _id: new Int32(1), bot_count: new Int32(100) } as Document);
    await database.collection<Document>('counters').insertOne({ _id: 'partition_id', seq: new Int32(1) } as Document);
    await put('created', 'a', {});
    assert.equal((await bot('a'))?.['segment_id'], 2);
    assert.deepEqual((await partitions()).at(-1), { _id: 2, bot_count: 1 });
  });

  test('bots that are made at once, when there is nothing yet, all get a place', async () => {
    const ids = Array.from({ length: 20 }, (_, at) => `bot${at}`);
    const outcomes = await Promise.all(ids.map((id, at) => put('created', id, {}, at + 1)));
    assert.deepEqual(new Set(outcomes), new Set(['applied']));
    const places = (await partitions()).reduce((all, partition) => all + Number(partition['bot_count']), 0);
    assert.equal(places, ids.length);
  });

  test('a creation of what is there changes nothing, an update of what is not there creates it', async () => {
    await put('created', 'a', { n: 1 });
    assert.equal(await put('created', 'a', { n: 2 }), 'unchanged');
    assert.deepEqual((await bot('a'))?.['config'], { n: 1 });
    assert.equal(await put('updated', 'b', { n: 3 }), 'applied');
    assert.deepEqual((await bot('b'))?.['config'], { n: 3 });
  });

  test('an update keeps what events know nothing of', async () => {
    await botsOf(client, 'realtime').insertOne(botDocument('a', { n: 1 }, { enabled: false, segment_id: 7 }));
    await put('updated', 'a', { n: 2 }, 9);
    const after = await bot('a');
    assert.deepEqual([after?.['config'], after?.['enabled'], after?.['segment_id']], [{ n: 2 }, false, 7]);
  });

  test('an update that changes nothing is no trouble', async () => {
    await put('updated', 'a', { n: 1 }, 1);
    assert.equal(await put('updated', 'a', { n: 1 }, 2), 'applied');
    assert.equal(await put('updated', 'a', { n: 1 }), 'applied');
  });

  test('only a later event is applied', async () => {
    await put('created', 'a', { n: 1 }, 5);
    assert.equal(await put('updated', 'a', { n: 0 }, 4), 'outdated');
    assert.equal(await put('updated', 'a', { n: 0 }, 5), 'outdated');
    assert.equal(await put('updated', 'a', { n: 2 }, 6), 'applied');
    assert.equal(await remove('a', 2), 'outdated');
    assert.deepEqual((await bot('a'))?.['config'], { n: 2 });
    const later = { change: 'updated', kind: 'realtime', botId: 'a', content: content({ n: 3 }) } as const;
    assert.equal(await writer.apply({ ...later, place: { epoch: 2, sequence: 1 } }), 'applied', 'a stream made anew');
  });

  test('a creation that comes after its deletion does not bring the bot back', async () => {
    await put('created', 'a', {}, 1);
    assert.equal(await remove('a', 3), 'applied');
    assert.equal(await put('created', 'a', {}, 1), 'outdated');
    assert.equal(await put('updated', 'a', {}, 2), 'outdated');
    assert.equal(await bot('a'), null);
    assert.equal(await remove('b', 7), 'unchanged');
    assert.equal(await put('created', 'b', {}, 6), 'outdated');
    assert.equal(await put('created', 'b', {}, 8), 'applied');
    const stone = await client.db('bot_runner').collection('the0_tombstones').findOne({ seq: 3 });
    assert.ok(stone?.['deletedAt'] instanceof Date);
  });

  test('a creation that another runtime writes while this one writes the later deletion does not bring the bot back', async () => {
    for (let n = 0; n < 30; n += 1) await Promise.all([put('created', `bot${n}`, {}, 1), remove(`bot${n}`, 2)]);
    assert.equal(await botsOf(client, 'realtime').countDocuments({}), 0);
    assert.deepEqual(await partitions(), [{ _id: 1, bot_count: 0 }]);
  });

  test('a deletion removes duplicates too and gives their places back', async () => {
    await put('created', 'a', {});
    await botsOf(client, 'realtime').insertOne(botDocument('a'));
    await remove('a');
    assert.equal(await bot('a'), null);
    assert.deepEqual(await partitions(), [{ _id: 1, bot_count: -1 }]);
    assert.equal(await remove('a'), 'unchanged');
  });

  test('a schedule is due next as its cron says, and that is computed anew only when the cron changes', async () => {
    const schedules = botsOf(client, 'scheduled');
    const due = async () =>
      (await schedules.findOne({ id: 's' }, { promoteLongs: false }))?.['next_execution_time'] as unknown;
    await put('created', 's', { schedule: 'abc' }, null, 'scheduled');
    assert.deepEqual(await due(), Long.fromNumber(NOW_SECONDS + 3));
    await schedules.updateOne({ id: 's' }, { $set: { next_execution_time: Long.fromNumber(99) } });
    await put('updated', 's', { schedule: 'abc', n: 1 }, null, 'scheduled');
    assert.deepEqual(await due(), Long.fromNumber(99));
    await put('updated', 's', { schedule: 'abcd' }, null, 'scheduled');
    assert.deepEqual(await due(), Long.fromNumber(NOW_SECONDS + 4));
    await schedules.updateOne({ id: 's' }, { $unset: { next_execution_time: 1 } });
    await put('updated', 's', { schedule: 'abcd' }, null, 'scheduled');
    assert.deepEqual(await due(), Long.fromNumber(NOW_SECONDS + 4));
    await put('updated', 's', { schedule: 'never' }, null, 'scheduled');
    assert.deepEqual(await due(), Long.fromNumber(NEVER_DUE));
  });

  test('a schedule that can never be due is refused, and takes no place in a partition', async () => {
    for (const config of [null, {}, { schedule: '' }, { schedule: 5 }, { schedule: 'bad' }]) {
      await assert.rejects(put('created', 's', config, null, 'scheduled'), EventRefused);
    }
    assert.equal(await botsOf(client, 'scheduled').countDocuments(), 0);
    assert.equal(await client.db('bot_scheduler').collection('partitions').countDocuments(), 0);
  });

  test('content that MongoDB can never take is refused', async () => {
    await assert.rejects(put('created', 'a', { 'a\0b': 1 }), EventRefused);
  });

  test('a place that is none counts as no place, in documents, tombstones and feeds', async () => {
    const odd = [
      { epoch: '1700000000000', seq: '7' },
      { epoch: 1, seq: '7' },
      { epoch: null, seq: 9 },
      'text',
      null,
      [],
    ];
    for (const the0 of odd) {
      await botsOf(client, 'realtime').insertOne(botDocument('odd', {}, { the0 }));
      assert.equal(await put('updated', 'odd', { n: 1 }, 3), 'applied', JSON.stringify(the0));
      assert.deepEqual((await bot('odd'))?.['the0'], { format: 1, epoch: 1, seq: 3 });
      await botsOf(client, 'realtime').updateOne({ id: 'odd' }, { $set: { the0 } });
      assert.equal(await remove('odd', 4), 'applied', JSON.stringify(the0));
      await client.db('bot_runner').dropDatabase();
    }
    for (const name of ['the0_tombstones', 'the0_feeds']) {
      const _id = name === 'the0_feeds' ? 'lifecycle' : 'odd';
      await client
        .db('bot_runner')
        .collection<Document>(name)
        .insertOne({ _id, epoch: '5', seq: '7' } as Document);
    }
    await remove('odd', 4);
    assert.equal(await put('created', 'odd', {}, 4), 'outdated');
    assert.equal(await writer.appliedUpTo('realtime'), null);
    await writer.saveAppliedUpTo('realtime', reached(5, 12));
    assert.equal((await writer.appliedUpTo('realtime'))?.sequence, 12);
  });

  test('an event is refused when its document can never be written, instead of being tried for ever', async () => {
    const the0 = { epoch: Decimal128.fromString('9000'), seq: Decimal128.fromString('9000') };
    await botsOf(client, 'realtime').insertOne(botDocument('odd', {}, { the0 }));
    for (const write of [() => put('updated', 'odd', { n: 1 }, 3), () => remove('odd', 4)]) {
      await assert.rejects(write, (error: Error) => error instanceof EventRefused && /`the0`/.test(error.message));
    }
  });

  const reached = (epoch: number, sequence: number) => ({ epoch, sequence, created: 3, lastAt: 4, oldUntil: null });

  test('remembers up to which place all was applied', async () => {
    const notedAt = NOW_SECONDS * 1000;
    assert.equal(await writer.appliedUpTo('realtime'), null);
    await writer.saveAppliedUpTo('realtime', reached(5, 12));
    assert.deepEqual(await writer.appliedUpTo('realtime'), { ...reached(5, 12), notedAt });
    await writer.saveAppliedUpTo('realtime', reached(5, 11));
    assert.deepEqual(await writer.appliedUpTo('realtime'), { ...reached(5, 12), notedAt });
    await writer.saveAppliedUpTo('realtime', { ...reached(6, 1), oldUntil: 9 });
    assert.deepEqual(await writer.appliedUpTo('realtime'), { ...reached(6, 1), oldUntil: 9, notedAt });
    assert.equal(await writer.appliedUpTo('scheduled'), null);
  });

  test('a place that an older version has noted is one of a stream that was made at its epoch', async () => {
    const feeds = client.db('bot_runner').collection<Document>('the0_feeds');
    const old = { format: new Int32(1), epoch: Long.fromNumber(5), seq: Long.fromNumber(12), at: new Date(77) };
    const expected = { epoch: 5, sequence: 12, created: 5, lastAt: null, oldUntil: null, notedAt: 77 };
    await feeds.insertOne({ _id: 'lifecycle', ...old } as Document);
    assert.deepEqual(await writer.appliedUpTo('realtime'), expected);
    // And when it comes after a newer one, of whose fields it knows nothing.
    await writer.saveAppliedUpTo('realtime', reached(5, 13));
    await feeds.updateOne({}, { $set: { ...old, seq: Long.fromNumber(14) } });
    assert.deepEqual(await writer.appliedUpTo('realtime'), { ...expected, sequence: 14 });
  });
});
