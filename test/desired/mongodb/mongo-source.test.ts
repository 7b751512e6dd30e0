import assert from 'node:assert/strict';
import process from 'node:process';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, type Document, Long, MongoClient } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { MongoSource, type MongoSourceOptions } from '../../../src/desired/mongodb/mongo-source.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { RecordingListener } from '../recording-listener.ts';
import { botDocument, MONGO_LIMITS, SOURCE_OPTIONS } from './bot-documents.ts';

describe('desired state in a real server of the MongoDB protocol', needsMongo(), () => {
  let server: MongoServer;
  let client: MongoClient;
  let bots: Collection<Document>;
  let schedules: Collection<Document>;
  const open: (() => Promise<void>)[] = [];

  before(async () => {
    server = await startMongo();
    client = await connectMongo(server.uri, MONGO_LIMITS);
  });
  after(async () => {
    await client?.close();
    await server?.remove();
  });
  beforeEach(async () => {
    await client.db('bot_runner').dropDatabase();
    await client.db('bot_scheduler').dropDatabase();
    bots = botsOf(client, 'realtime');
    schedules = botsOf(client, 'scheduled');
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function start(options: Partial<MongoSourceOptions> = {}, using = client) {
    const listener = new RecordingListener();
    const source = new MongoSource(using, null, { ...SOURCE_OPTIONS, ...options });
    open.push(() => source.close());
    await source.start(listener);
    return { source, listener };
  }

  test('one bad document never stops the rest, and each is shown', async () => {
    const many = Array.from({ length: 250 }, (_, index) => botDocument(`bot${index}`));
    await bots.insertMany([
      botDocument('bad-enabled', {}, { enabled: 'yes' }),
      ...many,
      { id: 'bad-custom', custom: 5 },
      { id: '', config: {} },
      { id: 7, config: {} },
    ]);
    const { listener, source } = await start();
    assert.equal(listener.bots.size, 252);
    assert.equal([...listener.bots.values()].filter(({ problem }) => problem !== null).length, 2);
    assert.equal(listener.troubles.length, 2);
    for (const { message } of listener.troubles) assert.match(message, /no id that can be used/);
    assert.deepEqual(source.state(), { usable: true });
    await bots.deleteMany({ id: { $in: ['', 7] } });
    await bots.insertOne(botDocument('good'));
    await listener.until('the end of the troubles', () => listener.troubles.length === 0);
  });

  test('a document written directly is seen through the change stream', async () => {
    const { listener } = await start();
    await bots.insertOne(botDocument('a', { n: 1 }));
    await listener.until('the insert', () => listener.bots.has('a'));
    await bots.updateOne({ id: 'a' }, { $set: { 'config.n': Long.fromNumber(2) } });
    await listener.until('the update', () => listener.bot('a').config['n'] === 2);
    await bots.updateOne({ id: 'a' }, { $set: { enabled: false } });
    await listener.until('the switch', () => !listener.bot('a').enabled);
    await bots.updateOne({ id: 'a' }, { $set: { id: 'b' } });
    await listener.until('the new name', () => listener.bots.has('b') && !listener.bots.has('a'));
    await bots.deleteOne({ id: 'b' });
    await listener.until('the end', () => listener.bots.size === 0);
  });

  test('a server that says at once that nothing has changed is asked less and less often, until something changes', async () => {
    const watched = new MongoClient(server.uri, { monitorCommands: true });
    open.push(() => watched.close());
    let reads = 0;
    watched.on('commandStarted', ({ commandName }) => {
      if (commandName === 'getMore') reads += 1;
    });
    const { listener } = await start({ emptyPauseMs: 10, longestEmptyPauseMs: 60_000 }, watched);
    await sleep(500);
    assert.ok(reads <= 8, `${reads} reads of a stream without a change`);
    await bots.insertOne(botDocument('a'));
    await listener.until('the insert', () => listener.bots.has('a'));
    // If the pauses went on doubling, so many reads would take more than ten seconds.
    const before = reads;
    for (const end = Date.now() + 8_000; reads < before + 5 && Date.now() < end; ) await sleep(20);
    assert.ok(reads >= before + 5, `${reads - before} reads after a change`);
  });

  test('a change of what no bot runs on is not told', async () => {
    await bots.insertOne(botDocument('a'));
    const { listener } = await start();
    await bots.updateOne({ id: 'a' }, { $set: { 'custom.config.readme': 'new', 'custom.updatedAt': 'now' } });
    await bots.insertOne(botDocument('z'));
    await listener.until('the other bot', () => listener.bots.has('z'));
    assert.deepEqual(listener.told, ['changed a', 'synced', 'changed z']);
  });

  test('a write that sends no event is seen by a hint, and without one by reading again', async () => {
    await bots.insertMany([botDocument('a'), botDocument('b')]);
    const hinted = await start();
    await bots.findOneAndUpdate({ id: 'a' }, { $set: { 'config.n': 1 } });
    hinted.source.hint('a');
    await hinted.listener.until('the hinted change', () => hinted.listener.bot('a').config['n'] === 1);
    const slow = await start({ watchedRereadMs: 50 });
    await bots.findOneAndUpdate({ id: 'b' }, { $set: { 'config.n': 2 } });
    await bots.findOneAndDelete({ id: 'a' });
    await slow.listener.until('the change', () => slow.listener.bot('b').config['n'] === 2);
    await slow.listener.until('the removal', () => !slow.listener.bots.has('a'));
  });

  test('hints that do not end do not keep everything from being read again', async () => {
    await bots.insertMany([botDocument('a'), botDocument('b')]);
    const { source, listener } = await start({ watchedRereadMs: 50 });
    // There is always one more to read.
    const stop = new AbortController();
    open.push(async () => stop.abort());
    void (async () => {
      while (!stop.signal.aborted) {
        for (let n = 0; n < 300; n += 1) source.hint(`x${n}`);
        await sleep(1);
      }
    })();
    await bots.findOneAndDelete({ id: 'a' });
    await listener.until('the removal', () => !listener.bots.has('a'));
  });

  test('more hints than are kept lead to a look at everything', async () => {
    const { source, listener } = await start({ mostHints: 2 });
    await bots.findOneAndUpdate({ id: 'a' }, { $set: botDocument('a') }, { upsert: true });
    for (const id of ['x', 'y', 'z', 'w']) source.hint(id);
    await listener.until('the bot nobody hinted at', () => listener.bots.has('a'));
  });

  test('an id in _id is one, and of duplicates the first counts and is shown', async () => {
    await bots.insertOne({ ...botDocument('x'), _id: 'by-key', id: undefined } as Document);
    await bots.insertOne(botDocument('twice', { n: 1 }));
    await bots.insertOne(botDocument('twice', { n: 2 }));
    const { listener } = await start();
    assert.ok(listener.bots.has('by-key'));
    assert.deepEqual(listener.bot('twice').config, { n: 1 });
    const told = listener.troubles.map(({ message }) => message).join('\n');
    assert.match(told, /bots holds several documents with the id twice/);
    assert.match(told, /ids are not kept unique/);
    assert.ok((await bots.indexes()).some(({ key }) => 'id' in key));
    await bots.deleteOne({ id: 'twice', 'config.n': 1 });
    await listener.until('the second one', () => listener.bot('twice').config['n'] === 2);
    await listener.until(
      'the end of the trouble',
      () => !listener.troubles.some(({ message }) => /twice/.test(message)),
    );
  });

  test('makes the indexes that each event needs', async () => {
    await start({ kinds: ['realtime', 'scheduled'] });
    const unique = (await bots.indexes()).find(({ key }) => 'id' in key);
    assert.equal(unique?.['unique'], true);
    const keys = (await schedules.indexes()).flatMap(({ key }) => Object.keys(key));
    assert.ok(keys.includes('id') && keys.includes('next_execution_time'));
    const stones = await client.db('bot_runner').collection('the0_tombstones').indexes();
    assert.ok(stones.some(({ expireAfterSeconds }) => expireAfterSeconds === 8 * 24 * 3_600));
    await assert.rejects(bots.insertMany([{ id: 'a' }, { id: 'a' }]), /E11000/);
  });

  test('how long deletions are remembered follows the setting, also when there is an index already', async () => {
    const ages = async () =>
      (await client.db('bot_runner').collection('the0_tombstones').indexes()).flatMap(
        ({ expireAfterSeconds }) => expireAfterSeconds ?? [],
      );
    for (const hours of [9, 30, 30]) {
      const { source, listener } = await start({ tombstoneMs: hours * 3_600_000 });
      await source.close();
      assert.deepEqual([await ages(), listener.troubles], [[hours * 3_600], []]);
    }
  });

  test('both kinds at once: each from its collection, and an id in both is the realtime bot', async () => {
    await schedules.insertMany([
      botDocument('s', { schedule: '*/5 * * * *' }),
      botDocument('both', { schedule: '@daily' }),
    ]);
    await bots.insertMany([botDocument('r'), botDocument('both')]);
    const { listener } = await start({ kinds: ['realtime', 'scheduled'] });
    assert.deepEqual([listener.bot('s').kind, listener.bot('s').schedule], ['scheduled', '*/5 * * * *']);
    assert.equal(listener.bot('r').kind, 'realtime');
    assert.equal(listener.bot('both').kind, 'realtime');
    assert.match(listener.troubles.map(({ message }) => message).join(), /the id both/);
    await bots.deleteOne({ id: 'both' });
    await listener.until('the scheduled one', () => listener.bots.get('both')?.kind === 'scheduled');
  });

  test('without an address or a server the start says so, and never tells the password', async () => {
    await assert.rejects(connectMongo('nonsense://user:hunter2@host', MONGO_LIMITS), (error) => {
      assert.ok(error instanceof Error && !String(error.message).includes('hunter2'));
      return true;
    });
    const nobody = connectMongo('mongodb://user:hunter2@127.0.0.1:9', { ...MONGO_LIMITS, waitMs: 300 });
    await assert.rejects(nobody, /MongoDB cannot be reached/);
  });

  test('on a server without change streams a change is seen when everything is read again, or by a hint', async () => {
    const own = await startMongo({ changeStreams: false });
    open.push(() => own.remove());
    const using = await connectMongo(own.uri, MONGO_LIMITS);
    open.push(() => using.close());
    const documents = botsOf(using, 'realtime');
    await documents.insertOne(botDocument('a'));
    const { listener } = await start({ rereadMs: 100 }, using);
    await documents.updateOne({ id: 'a' }, { $set: { 'config.n': 1 } });
    await listener.until('the change', () => listener.bot('a').config['n'] === 1);
    const hinted = await start({}, using);
    await documents.updateOne({ id: 'a' }, { $set: { 'config.n': 2 } });
    hinted.source.hint('a');
    await hinted.listener.until('the hinted change', () => hinted.listener.bot('a').config['n'] === 2);
    await documents.deleteOne({ id: 'a' });
    await listener.until('the removal', () => !listener.bots.has('a'));
  });

  test('whoever must know of one bot now reads it, of either kind, and all who ask at the same time share few reads', async () => {
    const watched = new MongoClient(server.uri, { monitorCommands: true });
    open.push(() => watched.close());
    const { source, listener } = await start({ kinds: ['realtime', 'scheduled'] }, watched);
    // Writes of this sort send no event.
    await bots.findOneAndUpdate({ id: 'r' }, { $set: botDocument('r') }, { upsert: true });
    await schedules.findOneAndUpdate({ id: 's' }, { $set: botDocument('s', { schedule: '@daily' }) }, { upsert: true });
    await Promise.all([source.look('r'), source.look('s'), source.look('nobody')]);
    assert.deepEqual(
      [listener.bot('r').kind, listener.bot('s').kind, listener.bots.size],
      ['realtime', 'scheduled', 2],
    );
    await bots.findOneAndUpdate({ id: 'r' }, { $set: { 'config.n': 1 } });
    await schedules.findOneAndDelete({ id: 's' });
    await Promise.all([source.look('r'), source.look('s')]);
    assert.deepEqual([listener.bot('r').config['n'], listener.bots.has('s')], [1, false]);

    let reads = 0;
    watched.on('commandStarted', ({ commandName }) => {
      if (commandName === 'find') reads += 1;
    });
    await Promise.all(Array.from({ length: 500 }, (_, index) => source.look(`x${index % 250}`)));
    // Two of each collection: the one that was begun at once, and the one that gathered all others.
    assert.equal(reads, 4);
  });

  test('while MongoDB does not answer, whoever looks goes on with what is known, and looks again when it does', async () => {
    const own = await startMongo({ keep: true });
    open.push(() => own.remove());
    const using = await connectMongo(own.uri, { ...MONGO_LIMITS, waitMs: 60_000 });
    open.push(() => using.close());
    const documents = botsOf(using, 'realtime');
    await documents.insertOne(botDocument('a', { n: 1 }));
    const { source, listener } = await start({ lookMs: 50 }, using);
    await own.stop();
    for (const id of ['a', 'a', 'nobody']) await source.look(id);
    assert.equal(listener.bot('a').config['n'], 1);
    await own.start();
    await documents.findOneAndUpdate({ id: 'a' }, { $set: { 'config.n': 2 } });
    const end = performance.now() + 60_000;
    while (listener.bot('a').config['n'] !== 2 && performance.now() < end) {
      await sleep(20);
      await source.look('a');
    }
    assert.equal(listener.bot('a').config['n'], 2);
  });

  test('a server that is silent for a while keeps single bots from being read for no longer than that', async () => {
    const own = await startMongo();
    open.push(() => own.remove());
    const using = await connectMongo(own.uri, { ...MONGO_LIMITS, silenceMs: 600_000 });
    open.push(() => using.close());
    const documents = botsOf(using, 'realtime');
    await documents.insertOne(botDocument('a', { n: 1 }));
    const { source, listener } = await start({ lookMs: 20, readMs: 200 }, using);
    process.kill(own.pid, 'SIGSTOP');
    try {
      await source.look('a');
      await listener.until('the trouble', () =>
        listener.troubles.some(({ message }) => message.includes('cannot be read')),
      );
    } finally {
      process.kill(own.pid, 'SIGCONT');
    }
    await documents.findOneAndUpdate({ id: 'a' }, { $set: { 'config.n': 2 } });
    // Not by the change stream: that of this server misses a change now and then.
    const isOver = AbortSignal.timeout(60_000);
    while (listener.bot('a').config['n'] !== 2 && !isOver.aborted) {
      await source.look('a');
      await sleep(20);
    }
    assert.equal(listener.bot('a').config['n'], 2);
    assert.deepEqual(source.state(), { usable: true });
  });

  test('while MongoDB is away nothing is removed, it is told once, and then all is caught up', async () => {
    const own = await startMongo({ keep: true });
    open.push(() => own.remove());
    const using = await connectMongo(own.uri, { ...MONGO_LIMITS, waitMs: 3_000 });
    open.push(() => using.close());
    const writer = await connectMongo(own.uri, { ...MONGO_LIMITS, waitMs: 30_000 });
    open.push(() => writer.close());
    const documents = botsOf(writer, 'realtime');
    await documents.insertMany([botDocument('a'), botDocument('b')]);
    const { source, listener } = await start({ watchedRereadMs: 100, rereadMs: 100 }, using);
    await own.stop();
    await listener.until('the trouble', () =>
      listener.troubles.some(({ message }) => message.includes('cannot be read')),
    );
    await sleep(1_000);
    assert.equal(source.state().usable, false);
    assert.deepEqual(listener.told, ['changed a', 'changed b', 'synced']);
    assert.equal(listener.troubles.filter(({ message }) => message.startsWith('MongoDB cannot be read')).length, 1);
    await own.start();
    await documents.deleteOne({ id: 'a' });
    await listener.until('the removal', () => !listener.bots.has('a'));
    await documents.updateOne({ id: 'b' }, { $set: { 'config.n': 3 } });
    await listener.until('the change', () => listener.bot('b').config['n'] === 3);
    assert.deepEqual(source.state(), { usable: true });
  });
});
