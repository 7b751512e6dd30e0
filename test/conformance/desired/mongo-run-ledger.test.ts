import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Long, type MongoClient } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { MongoRunLedger } from '../../../src/desired/mongodb/mongo-run-ledger.ts';
import { MONGO_LIMITS } from '../../desired/mongodb/bot-documents.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { ledgerConformance } from './run-ledger.ts';

const skip = needsMongo();
let server: MongoServer | null = null;
let client: MongoClient | null = null;

before(async () => {
  if (skip.skip !== false) return;
  server = await startMongo();
  client = await connectMongo(server.uri, MONGO_LIMITS);
});
after(async () => {
  await client?.close();
  await server?.remove();
});

async function empty() {
  assert.ok(client);
  await client.db('bot_scheduler').dropDatabase();
  return { client, bots: botsOf(client, 'scheduled') };
}

ledgerConformance(
  'mongodb',
  async () => {
    const { client: connected, bots } = await empty();
    return {
      one: new MongoRunLedger(connected, 'one'),
      other: new MongoRunLedger(connected, 'other'),
      reopenOne: async () => new MongoRunLedger(connected, 'one'),
      add: async (id) => void (await bots.insertOne({ id })),
      remove: async (id) => void (await bots.deleteOne({ id })),
    };
  },
  skip,
);

test('mongodb: the next time stands where the contract has it, as a 64 bit number of seconds', skip, async () => {
  const { client: connected, bots } = await empty();
  await bots.insertOne({ id: 'a', next_execution_time: Long.fromNumber(-62_135_596_800) });
  const ledger = new MongoRunLedger(connected, 'one');
  assert.equal(await ledger.read('a'), null, 'the year 1 is how the Go runtime writes never');
  await ledger.plan({ botId: 'a', schedule: '@hourly', expected: null, next: 1_773_504_000 });
  const raw = await bots.findOne({ id: 'a' }, { promoteLongs: false });
  assert.ok(Long.isLong(raw?.['next_execution_time']));
  assert.equal(Number(raw?.['next_execution_time']), 1_773_504_000);
});

test('mongodb: what a newer version has written is refused and left alone', skip, async () => {
  const { client: connected, bots } = await empty();
  await bots.insertOne({ id: 'a', next_execution_time: Long.fromNumber(100), the0_schedule: { format: 2 } });
  const ledger = new MongoRunLedger(connected, 'one');
  await assert.rejects(ledger.read('a'), /format 2/);
  const claim = { botId: 'a', occurrence: 100, expected: 100, next: 200, incarnation: 1, at: 1 };
  await assert.rejects(ledger.claim(claim), /format 2/);
  assert.deepEqual((await bots.findOne({ id: 'a' }))?.['the0_schedule'], { format: 2 });
});

test('mongodb: what it says when it cannot write holds nothing of a document', skip, async () => {
  const { client: connected, bots } = await empty();
  await bots.insertOne({ id: 'a', next_execution_time: Long.fromNumber(100), the0_schedule: 'hunter2' });
  const ledger = new MongoRunLedger(connected, 'one');
  const plan = { botId: 'a', schedule: '@hourly', expected: 100, next: 200 };
  await assert.rejects(ledger.plan(plan), (error: Error) => {
    assert.match(error.message, /^MongoDB cannot keep the record of runs \(/);
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /hunter2/);
    return 'code' in error && error.code === 'mongodb-unreachable';
  });
});

test('mongodb: runs of an engine that is gone are over, and no others', skip, async () => {
  const { client: connected, bots } = await empty();
  const [here, gone] = [new MongoRunLedger(connected, 'here'), new MongoRunLedger(connected, 'gone')];
  for (const [botId, ledger] of [
    ['a', gone],
    ['b', here],
    ['c', gone],
  ] as const) {
    await bots.insertOne({ id: botId, next_execution_time: Long.fromNumber(100) });
    await ledger.claim({ botId, occurrence: 100, expected: 100, next: 200, incarnation: 1, at: 1 });
    if (botId !== 'c') await ledger.started({ botId, occurrence: 100, at: 2 });
  }
  await here.endRunsOf('gone');
  const states = await Promise.all(['a', 'b', 'c'].map(async (botId) => (await here.read(botId))?.run?.state));
  assert.deepEqual(
    states,
    ['finished', 'started', 'claimed'],
    'one that was only claimed is missed when its time is over',
  );
});
