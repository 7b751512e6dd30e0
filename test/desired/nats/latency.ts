/**
 * Measures how long it takes until a change reaches the listener of the desired state: an event published on NATS, and a
 * document changed directly. Real servers; run it alone: `node test/desired/nats/latency.ts [bots]`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { EventWriter } from '../../../src/desired/mongodb/event-writer.ts';
import { MongoSource } from '../../../src/desired/mongodb/mongo-source.ts';
import { cronNextRun } from '../../../src/desired/mongodb/next-run.ts';
import { NatsFeed } from '../../../src/desired/nats/nats-feed.ts';
import { startMongo } from '../../services/mongodb.ts';
import { startNats } from '../../services/nats.ts';
import { botDocument, MONGO_LIMITS, SOURCE_OPTIONS } from '../mongodb/bot-documents.ts';
import { RecordingListener } from '../recording-listener.ts';
import { botEvent, EventPublisher, FEED_OPTIONS } from './events.ts';

const BOTS = Number(process.argv[2] ?? 1_000);
const ROUNDS = 200;

const mongo = await startMongo();
const nats = await startNats();
const client = await connectMongo(mongo.uri, MONGO_LIMITS);
const api = await EventPublisher.connect(nats.url);
await api.makeStream();
const bots = botsOf(client, 'realtime');
await bots.insertMany(Array.from({ length: BOTS }, (_, n) => botDocument(`bot${n}`)));

const listener = new RecordingListener();
const feed = new NatsFeed(new EventWriter(client, cronNextRun('UTC')), { ...FEED_OPTIONS, servers: nats.url });
const source = new MongoSource(client, feed, SOURCE_OPTIONS);
const before = process.memoryUsage().rss;
const begun = performance.now();
await source.start(listener);
console.log(`start with ${BOTS} bots: ${Math.round(performance.now() - begun)} ms`);
console.log(`resident: ${Math.round((process.memoryUsage().rss - before) / 1_048_576)} MiB more`);

let n = 0;

async function measure(what: string, change: (id: string, n: number) => Promise<unknown>): Promise<void> {
  const took: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    n += 1;
    const id = `bot${n % BOTS}`;
    const since = performance.now();
    void change(id, n);
    await listener.until(`change ${n}`, () => listener.bot(id).config['n'] === n);
    took.push(performance.now() - since);
    await sleep(5);
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => (took[Math.floor(share * (took.length - 1))] ?? 0).toFixed(1);
  console.log(`${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`);
}

const publish = (id: string, value: number) => api.publish('bot.updated', botEvent(id, { n: value }));
await measure('warm-up', publish);
await measure('event to listener', publish);
await measure('document to listener', (id, value) => bots.updateOne({ id }, { $set: { 'config.n': value } }));
await source.close();
await api.close();
await client.close();
await nats.remove();
await mongo.remove();
