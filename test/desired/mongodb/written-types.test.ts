import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, Int32, Long, type MongoClient } from 'mongodb';
import type { LifecycleEvent } from '../../../src/desired/lifecycle-event.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { EventWriter } from '../../../src/desired/mongodb/event-writer.ts';
import { parseEvent } from '../../../src/desired/nats/event-payload.ts';
import { needsMongo, startMongo } from '../../services/mongodb.ts';
import { botEvent } from '../nats/events.ts';
import { MONGO_LIMITS } from './bot-documents.ts';

const AS_STORED = { promoteValues: false, promoteLongs: false } as const;

/** The first document of a collection with the types that BSON has. */
async function stored(client: MongoClient, database: string, collection: string): Promise<Document | null> {
  return await client.db(database).collection(collection).findOne({}, AS_STORED);
}

// Contract 2.2 and 2.3: the Go runtime reads these documents strictly, and one it cannot decode stops all its bots.
test('what is written has the BSON types that the Go runtime reads', needsMongo(), async (t) => {
  const server = await startMongo();
  t.after(() => server.remove());
  const client = await connectMongo(server.uri, MONGO_LIMITS);
  t.after(() => client.close());
  const writer = new EventWriter(client, (_schedule, after) => ({ next: after + 60 }));
  const create = async (kind: LifecycleEvent['kind'], config: Record<string, unknown>) => {
    const event = botEvent(kind, config);
    const timed = { ...event, custom: { ...event.custom, createdAt: '2026-01-02T03:04:05Z', updatedAt: null } };
    const parsed = parseEvent(kind, 'created', Buffer.from(JSON.stringify(kind === 'scheduled' ? timed : event)));
    assert.equal(await writer.apply({ ...parsed, kind, place: null }), 'applied');
  };
  await create('realtime', { whole: 5, part: 0.1, large: 1e15, yes: true });
  await create('scheduled', { schedule: '*/5 * * * *' });

  const bot = await stored(client, 'bot_runner', 'bots');
  assert.ok(bot?.['segment_id'] instanceof Int32, 'int32');
  const { whole, part, large, yes } = bot['config'];
  assert.deepEqual([whole, part, large].map(Number), [5, 0.1, 1e15]);
  for (const value of [whole, part, large]) {
    assert.ok(['Int32', 'Long', 'Double'].includes(value['_bsontype']), 'a number of any kind');
  }
  assert.equal(yes, true);
  assert.equal(typeof bot['custom'].createdAt, 'string');
  assert.equal(bot['custom'].config.hasFrontend, undefined);

  const schedule = await stored(client, 'bot_scheduler', 'bot_schedules');
  assert.ok(schedule?.['next_execution_time'] instanceof Long, 'int64');
  assert.ok(schedule['segment_id'] instanceof Int32);
  assert.deepEqual(
    [schedule['custom'].createdAt, schedule['custom'].updatedAt],
    ['2026-01-02T03:04:05Z', '0001-01-01T00:00:00Z'],
  );

  const partition = await stored(client, 'bot_runner', 'partitions');
  assert.ok(partition?.['_id'] instanceof Int32);
  assert.ok(partition['bot_count'] instanceof Int32);
  const counter = await stored(client, 'bot_runner', 'counters');
  assert.ok(counter?.['seq'] instanceof Int32);
  assert.equal(counter['_id'], 'partition_id');
});
