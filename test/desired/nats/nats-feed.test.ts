import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { EventWriter } from '../../../src/desired/mongodb/event-writer.ts';
import { MongoSource } from '../../../src/desired/mongodb/mongo-source.ts';
import { NatsFeed, type NatsFeedOptions } from '../../../src/desired/nats/nats-feed.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { type NatsServer, needsNats, startNats } from '../../services/nats.ts';
import { botDocument, MONGO_LIMITS, SOURCE_OPTIONS } from '../mongodb/bot-documents.ts';
import { RecordingListener } from '../recording-listener.ts';
import { botEvent, EventPublisher, FEED_OPTIONS } from './events.ts';

const skip = needsMongo().skip || needsNats().skip;

describe('lifecycle events from NATS through MongoDB to definitions', { skip, timeout: 300_000 }, () => {
  let mongo: MongoServer;
  let nats: NatsServer;
  let client: MongoClient;
  let api: EventPublisher;
  const open: (() => Promise<void>)[] = [];

  before(async () => {
    mongo = await startMongo({ keep: true });
  });
  after(async () => {
    await mongo?.remove();
  });
  beforeEach(async () => {
    nats = await startNats();
    client = await connectMongo(mongo.uri, MONGO_LIMITS);
    await client.db('bot_runner').dropDatabase();
    await client.db('bot_scheduler').dropDatabase();
    api = await EventPublisher.connect(nats.url);
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
    await api.close();
    await client.close();
    await nats.remove();
  });

  async function start(options: Partial<NatsFeedOptions> = {}) {
    const listener = new RecordingListener();
    const nextRun = (_schedule: string, after: number) => ({ next: after + 60 });
    const feed = new NatsFeed(new EventWriter(client, nextRun), { ...FEED_OPTIONS, servers: nats.url, ...options });
    const { kinds = FEED_OPTIONS.kinds } = options;
    const source = new MongoSource(client, feed, { ...SOURCE_OPTIONS, kinds });
    let closed = false;
    const close = async () => {
      if (!closed) await source.close();
      closed = true;
    };
    open.push(close);
    await source.start(listener);
    return { listener, feed, source, close };
  }

  const messages = (listener: RecordingListener) => listener.troubles.map(({ message }) => message).join('\n');

  test('what the API publishes becomes a definition, changes and goes', async () => {
    await api.makeStream();
    const { listener, feed } = await start();
    await api.publish('bot.created', botEvent('a', { n: 1 }));
    await listener.until('the new bot', () => listener.bots.has('a'));
    await api.publish('bot.updated', botEvent('a', { n: 2 }));
    await listener.until('the new config', () => listener.bot('a').config['n'] === 2);
    assert.equal(listener.bot('a').filePath, 'user/price-alerts/1.1.2');
    await api.publish('bot.deleted', { id: 'a', config: {} });
    await listener.until('the removal', () => !listener.bots.has('a'));
    assert.deepEqual(listener.troubles, []);
    assert.deepEqual(feed.state(), { usable: true });
  });

  test('of a backlog only the last event of each bot is applied, before anything is delivered', async () => {
    await api.makeStream();
    await botsOf(client, 'realtime').insertMany([
      botDocument('bot0', { n: 'old' }),
      botDocument('gone'),
      botDocument('untouched'),
    ]);
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        api.publish('bot.updated', botEvent(`bot${n % 10}`, { n: Math.floor(n / 10) })),
      ),
    );
    await api.publish('bot.deleted', { id: 'gone' });
    await api.publish('bot.created', botEvent('untouched', { n: 'not this' }));
    const { listener } = await start();
    const told = listener.told.slice(0, listener.told.indexOf('synced'));
    assert.equal(told.length, 11, 'each bot once, in its last form');
    for (let bot = 0; bot < 10; bot += 1) assert.equal(listener.bot(`bot${bot}`).config['n'], 99);
    assert.ok(!listener.bots.has('gone'));
    assert.deepEqual(listener.bot('untouched').config, { symbol: 'BTC/USD' });
    const consumer = await api.consumer('the0-bot-runner');
    assert.equal(consumer.num_pending, 0);
    await api.publish('bot.updated', botEvent('bot0', { n: 'live' }));
    await listener.until('the live one', () => listener.bot('bot0').config['n'] === 'live');
  });

  test('a bot that was deleted and made anew meanwhile has what it was made with, not what it had before', async () => {
    await api.makeStream();
    const first = await start();
    for (const id of ['a', 'b', 'c']) await api.publish('bot.created', botEvent(id, { n: 1 }));
    await first.listener.until('the bots', () => first.listener.bots.size === 3);
    await first.close();
    for (const id of ['a', 'b', 'c']) await api.publish('bot.deleted', { id });
    for (const id of ['a', 'b']) await api.publish('bot.created', botEvent(id, { n: 2 }));
    await api.publish('bot.updated', botEvent('b', { n: 3 }));
    const { listener } = await start();
    assert.equal(listener.bot('a').config['n'], 2);
    assert.equal(listener.bot('b').config['n'], 3);
    assert.ok(!listener.bots.has('c'));
    assert.deepEqual(listener.troubles, []);
  });

  test('of a backlog the last event that MongoDB takes is applied, and a creation does not undo an update', async () => {
    await api.makeStream();
    await botsOf(client, 'realtime').insertMany([botDocument('a', { n: 1 }), botDocument('b', { n: 1 })]);
    await api.publish('bot.updated', botEvent('a', { n: 2 }));
    await api.publish('bot.updated', botEvent('a', { n: 3, 'a\0b': 'no key of BSON' }));
    await api.publish('bot.updated', botEvent('b', { n: 2 }));
    await api.publish('bot.created', botEvent('b', { n: 3 }));
    const { listener } = await start();
    assert.equal(listener.bot('a').config['n'], 2);
    assert.equal(listener.bot('b').config['n'], 2);
    assert.match(messages(listener), /number 2 of the stream\) was not applied/);
  });

  test('a backlog of which a server that stands still has sent only a part is read again, and not taken for the whole', async () => {
    await api.makeStream();
    await Promise.all(Array.from({ length: 1_500 }, (_, n) => api.publish('bot.updated', botEvent('a', { n }))));
    const started = start({ batch: 1, batchMs: 1_000 });
    const manager = await api.connection.jetstreamManager();
    const ended = Promise.resolve(started).then(() => true);
    const names = async () => (await manager.consumers.list('THE0_EVENTS').next()).map(({ name }) => name);
    let [reading] = await names();
    while (reading === undefined) {
      assert.equal(await Promise.race([ended, sleep(1, false)]), false, 'it was read before it could be broken off');
      [reading] = await names();
    }
    assert.notEqual(reading, 'the0-bot-runner');
    process.kill(nats.pid, 'SIGSTOP');
    // Longer than a batch is waited for.
    await sleep(3_000);
    process.kill(nats.pid, 'SIGCONT');
    const { listener } = await started;
    assert.equal(listener.bot('a').config['n'], 1_499);
  });

  test('events that were published while the runtime was down are applied at its return', async () => {
    await api.makeStream();
    const first = await start();
    await api.publish('bot.created', botEvent('a', { n: 1 }));
    await api.publish('bot.created', botEvent('b', { n: 1 }));
    await first.listener.until('both', () => first.listener.bots.size === 2);
    await first.close();
    await api.publish('bot.updated', botEvent('a', { n: 2 }));
    await api.publish('bot.deleted', { id: 'b' });
    const second = await start();
    assert.deepEqual([...second.listener.bots.keys()], ['a']);
    assert.equal(second.listener.bot('a').config['n'], 2);
    assert.deepEqual(second.listener.troubles, []);
  });

  test('poison is ended with a reason that holds nothing of it, and the others go on', async () => {
    await api.makeStream();
    const { listener, feed } = await start();
    const secret = 'sk-secret';
    await api.publish('bot.created', {});
    await api.publish('bot.created', { id: 'x', config: secret });
    await api.publish('bot.updated', { id: `no/${secret}` });
    await api.publish('bot.created', botEvent('zero', { [`${secret}\0`]: 1 }));
    await api.publish('bot.created', botEvent('good'));
    await listener.until('the good one', () => listener.bots.has('good'));
    assert.deepEqual([...listener.bots.keys()], ['good']);
    assert.equal(listener.troubles.length, 4);
    assert.doesNotMatch(messages(listener), /secret/);
    const { num_ack_pending, num_redelivered } = await api.consumer('the0-bot-runner');
    assert.deepEqual([num_ack_pending, num_redelivered], [0, 0]);
    assert.deepEqual(feed.tally.events, { applied: 1, stale: 0, refused: 4, missed: 0 });
    const told = feed.told.join('\n');
    assert.match(told, /message on the0\.bot\.updated \(number 3 of the stream\) was not applied/);
    assert.match(told, /last change of x, zero was refused; `why`/);
    assert.doesNotMatch(`${told} ${feed.refusalOf('x')?.reason} ${feed.refusalOf('zero')?.reason}`, /secret/);
    assert.deepEqual(feed.state(), { usable: true, remark: feed.told.join(' ') });
    // A change that is taken makes up for it; one that was before it did not.
    await api.publish('bot.updated', botEvent('x', { n: 1 }));
    await api.publish('bot.updated', { id: 'good', config: secret });
    await listener.until(
      'the next one',
      () => listener.bots.get('x')?.config['n'] === 1 && feed.refusalOf('good') !== null,
    );
    assert.deepEqual([feed.refusalOf('x'), listener.bot('good').config], [null, botEvent('good').config]);
  });

  test('in a backlog a refused change is remembered although one before it is applied after it', async () => {
    await api.makeStream();
    await api.publish('bot.updated', botEvent('a', { n: 1 }));
    await api.publish('bot.updated', { id: 'a', config: 'none' });
    await api.publish('bot.updated', { id: 'b', config: 'none' });
    await api.publish('bot.updated', botEvent('b', { n: 1 }));
    const { listener, feed } = await start();
    assert.deepEqual([listener.bot('a').config['n'], listener.bot('b').config['n']], [1, 1]);
    assert.match(feed.refusalOf('a')?.reason ?? '', /config/);
    assert.equal(feed.refusalOf('b'), null);
  });

  test('without a stream the subjects themselves are followed, and the stream as soon as there is one', async () => {
    const { listener } = await start();
    await api.publishCore('bot.created', botEvent('a', { n: 1 }));
    await listener.until('the bot', () => listener.bots.has('a'));
    await api.makeStream();
    let n = 1;
    // Until the stream is followed both ways bring it; never is it brought twice in another order.
    while (!(await hasConsumer())) {
      n += 1;
      await api.publish('bot.updated', botEvent('a', { n }));
    }
    await api.publish('bot.updated', botEvent('a', { n: n + 1 }));
    await listener.until('the last one', () => listener.bot('a').config['n'] === n + 1);
    const document = await botsOf(client, 'realtime').findOne({ id: 'a' });
    assert.ok(document?.['the0']?.seq > 0);
    await api.removeStream();
    // What is published before the subjects are followed again is lost, as there is no stream: the API saves once more.
    while (listener.bot('a').config['n'] !== 'core') {
      await api.publishCore('bot.updated', botEvent('a', { n: 'core' }));
      await sleep(50);
    }
  });

  async function hasConsumer(): Promise<boolean> {
    try {
      await api.consumer('the0-bot-runner');
      return true;
    } catch {
      return false; // Not yet.
    }
  }

  test('without a stream only so many events wait for MongoDB, and dropping more is told', async () => {
    const { listener, feed } = await start({ mostWaiting: 3, streamLookMs: 60_000 });
    await api.publishCore('bot.created', botEvent('a', { n: 0 }));
    await listener.until('the bot', () => listener.bots.has('a'));
    await mongo.stop();
    for (let n = 1; n <= 20; n += 1) await api.publishCore('bot.updated', botEvent('a', { n }));
    await listener.until('the trouble', () => messages(listener).includes('lifecycle events were dropped'));
    await mongo.start();
    // One was on its way, three waited.
    await listener.until('what was kept', () => listener.bot('a').config['n'] === 4);
    await api.publishCore('bot.updated', botEvent('a', { n: 21 }));
    await listener.until('the next one', () => listener.bot('a').config['n'] === 21);
    // The document may be seen before it is counted.
    while (feed.tally.events.applied < 6) await sleep(20);
    assert.deepEqual(feed.tally.events, { applied: 6, stale: 0, refused: 0, missed: 16 });
    assert.match(feed.told.join(), /^[-\d]+T[\d:]+Z: lifecycle events were dropped.* Save the bots that were changed/);
  });

  test('how many events wait is asked of the server, and those that came again are counted', async () => {
    await api.makeStream();
    const { listener, feed } = await start({ ackWaitMs: 300 });
    await api.publish('bot.created', botEvent('a', { n: 0 }));
    await listener.until('the bot', () => listener.bots.has('a'));
    const waiting = async (count: number) => {
      for (;;) {
        const [realtime] = await feed.pending();
        if (realtime?.kind === 'realtime' && realtime.count === count) return;
        await sleep(50);
      }
    };
    await waiting(0);
    await mongo.stop();
    for (let n = 1; n <= 3; n += 1) await api.publish('bot.updated', botEvent('a', { n }));
    await waiting(3);
    assert.equal(feed.redelivered, 0);
    // So long that the server takes the one that is held for lost.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    await mongo.start();
    await listener.until('the last event', () => listener.bot('a').config['n'] === 3);
    await waiting(0);
    while (feed.redelivered === 0) await sleep(20);
    await nats.stop();
    while (feed.state().usable) await sleep(20);
    assert.deepEqual(await feed.pending(), []);
    await nats.start();
  });

  test('schedules come on their own subjects, with the time of their next run', async () => {
    await api.makeStream();
    const { listener } = await start({ kinds: ['realtime', 'scheduled'] });
    await api.publish('bot-schedule.created', botEvent('s', { schedule: '*/5 * * * *' }));
    await api.publish('bot.created', botEvent('r'));
    await listener.until('both', () => listener.bots.size === 2);
    assert.deepEqual([listener.bot('s').kind, listener.bot('r').kind], ['scheduled', 'realtime']);
    const document = await botsOf(client, 'scheduled').findOne({ id: 's' });
    assert.ok(document?.['next_execution_time'] > Date.now() / 1000);
    await api.publish('bot-schedule.deleted', { id: 's' });
    await listener.until('the removal', () => !listener.bots.has('s'));
  });

  test('nothing is lost and the order is kept while NATS and MongoDB are restarted with events flowing', async () => {
    await api.makeStream();
    const { listener } = await start();
    const bots = 5;
    const rounds = 60;
    // Of each bot what its config said, in order.
    const seen = new Map<string, number[]>();
    const changed = listener.changed.bind(listener);
    listener.changed = (definition) => {
      const n = Number(definition.config['n']);
      seen.set(definition.id, [...(seen.get(definition.id) ?? []), n]);
      changed(definition);
    };
    const publishing = (async () => {
      for (let n = 1; n <= rounds; n += 1) {
        for (let bot = 0; bot < bots; bot += 1) await publishForSure('bot.updated', botEvent(`bot${bot}`, { n }));
        await sleep(40);
      }
    })();
    await listener.until('the first ones', () => listener.bots.size === bots);
    await mongo.stop();
    await sleep(300);
    await mongo.start();
    await nats.stop();
    await nats.start();
    await publishing;
    await publishForSure('bot.deleted', { id: 'bot0' });
    await listener.until('the last of each', () => {
      const last = [...listener.bots.values()].map(({ config }) => config['n']);
      return last.length === bots - 1 && last.every((n) => n === rounds);
    });
    for (const [bot, values] of seen) {
      assert.deepEqual(
        values,
        values.toSorted((a, b) => a - b),
        `${bot} went back`,
      );
    }
  });

  async function publishForSure(subject: string, payload: unknown): Promise<void> {
    for (;;) {
      try {
        await api.publish(subject, payload);
        return;
      } catch {
        // The server is away; the API would tell its user, who saves again.
        await sleep(50);
      }
    }
  }

  test('events that expired before they were read are told', async () => {
    await api.makeStream({ max_msgs: 5 });
    // Both kinds find the same, which is told once.
    const kinds = ['realtime', 'scheduled'] as const;
    const first = await start({ kinds });
    await api.publish('bot.created', botEvent('a'));
    await first.listener.until('the bot', () => first.listener.bots.has('a'));
    await first.close();
    for (let n = 0; n < 20; n += 1) await api.publish('bot.updated', botEvent('a', { n }));
    const second = await start({ kinds });
    assert.match(messages(second.listener), /up to 1[56] lifecycle events expired/);
    assert.match(second.feed.told.join(), /^[^,]*up to 1[56] lifecycle events expired .* save them once more[^,]*$/);
    assert.deepEqual(second.feed.tally.gaps, { expired: 1, replaced: 0, unheard: 0 });
    // The other kind had been noted one event earlier, or not.
    assert.match(String(second.feed.tally.events.missed), /^1[56]$/);
    assert.equal(second.listener.bot('a').config['n'], 19);
    await second.close();
    await api.removeStream();
    await api.makeStream();
    await api.publish('bot.updated', botEvent('a', { n: 'anew' }));
    const third = await start({ kinds });
    assert.deepEqual([third.feed.told.length, third.feed.tally.gaps], [1, { expired: 0, replaced: 1, unheard: 0 }]);
    assert.match(messages(third.listener), /was made anew/);
    assert.equal(third.listener.bot('a').config['n'], 'anew');
  });

  test('a stream that keeps events for longer than deletions are remembered is told', async () => {
    const days = 24 * 3_600;
    for (const [maxAgeSeconds, kept] of [
      [30 * days, 'for 720 h'],
      [0, 'for ever'],
    ] as const) {
      await api.makeStream({ max_age: maxAgeSeconds * 1e9 });
      const { listener, close } = await start();
      assert.match(messages(listener), new RegExp(`keeps events ${kept}, .* remembered for 192 h only`));
      await close();
      await api.removeStream();
    }
  });

  test('a NATS that is not there holds up the start only so long, is told, and is used when it comes', async () => {
    await api.makeStream();
    await api.publish('bot.created', botEvent('late'));
    await botsOf(client, 'realtime').insertOne(botDocument('a'));
    await nats.stop();
    const { listener, feed } = await start({ connectWaitMs: 200 });
    assert.deepEqual(listener.told, ['changed a', 'synced']);
    assert.match(messages(listener), /NATS cannot be reached/);
    assert.equal(feed.state().usable, false);
    await nats.start();
    await listener.until('the late one', () => listener.bots.has('late'));
    while (!feed.state().usable) await sleep(20);
  });
});
