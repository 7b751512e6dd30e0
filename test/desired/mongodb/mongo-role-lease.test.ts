import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { MongoRoleLease } from '../../../src/desired/mongodb/mongo-role-lease.ts';
import type { RoleLeaseListener } from '../../../src/desired/role-lease.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { MONGO_LIMITS } from './bot-documents.ts';

/** Long enough for a busy machine to renew in time. */
const EXPIRY_MS = 4_000;

/** Keeps what a lease tells, and lets one wait for it. */
class Told implements RoleLeaseListener {
  readonly events: string[] = [];
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  standingBy(holder: string): void {
    this.#tell(`standing by ${holder}`);
  }
  suspended(): void {
    this.#tell('suspended');
  }
  resumed(): void {
    this.#tell('resumed');
  }
  lost(holder: string): void {
    this.#tell(`lost ${holder}`);
  }

  async until(event: string): Promise<void> {
    if (this.events.includes(event)) return;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(event, waiting);
    await waiting.promise;
  }

  #tell(event: string): void {
    this.events.push(event);
    this.#waiting.get(event)?.resolve();
  }
}

describe('lease of a role', { ...needsMongo(), timeout: 60_000 }, () => {
  let server: MongoServer;
  let client: MongoClient;
  const leases: MongoRoleLease[] = [];

  before(async () => {
    server = await startMongo({ keep: true });
    client = await connectMongo(server.uri, MONGO_LIMITS);
  });
  after(async () => {
    await client?.close();
    await server?.remove();
  });
  beforeEach(async () => {
    await client.db('bot_runner').collection('the0_leases').deleteMany({});
  });
  afterEach(async () => {
    await Promise.all(leases.splice(0).map((lease) => lease.close()));
  });

  function lease(holder: string, using = client): MongoRoleLease {
    const made = new MongoRoleLease(using, {
      kind: 'realtime',
      role: 'bot-runner',
      holder,
      place: holder,
      expiryMs: EXPIRY_MS,
      renewMs: 200,
    });
    leases.push(made);
    return made;
  }

  test('the second stands by, says who holds the role, and gets it when it is given back', async () => {
    const [first, second] = [lease('host-a'), lease('host-b')];
    const [toldFirst, toldSecond] = [new Told(), new Told()];
    await first.acquire(toldFirst);
    const waiting = second.acquire(toldSecond);
    await toldSecond.until('standing by host-a');
    assert.deepEqual(first.state(), { is: 'holder' });
    assert.deepEqual(second.state(), { is: 'standing-by', holder: 'host-a' });
    await first.close();
    await waiting;
    assert.deepEqual(second.state(), { is: 'holder' });
    assert.deepEqual(toldFirst.events, []);
  });

  test('of many that come at once one gets it', async () => {
    const all = Array.from({ length: 8 }, (_, index) => ({ lease: lease(`host-${index}`), told: new Told() }));
    const waiting = all.map((one) => one.lease.acquire(one.told).then(() => one));
    const winner = await Promise.race(waiting);
    await Promise.all(all.filter((one) => one !== winner).map((one) => one.told.until(`standing by ${nameOf(one)}`)));
    assert.equal(all.filter((one) => one.lease.state().is === 'holder').length, 1);
    const ended = Promise.allSettled(waiting);
    for (const one of all.filter((other) => other !== winner)) await one.lease.close();
    assert.equal((await ended).filter(({ status }) => status === 'rejected').length, 7);

    function nameOf(one: (typeof all)[number]): string {
      assert.notEqual(one, winner);
      return `host-${all.indexOf(winner)}`;
    }
  });

  test('a holder that is heard of no more is followed by the other, and finds that it lost the role', async () => {
    // A process that stood still: its lease stays, and nothing makes it grow.
    await client
      .db('bot_runner')
      .collection<{ _id: string }>('the0_leases')
      .insertOne({ _id: 'bot-runner', owner: 'gone', holder: 'host-gone', counter: 41 } as { _id: string });
    const next = lease('host-next');
    const told = new Told();
    const since = performance.now();
    await next.acquire(told);
    assert.ok(performance.now() - since >= EXPIRY_MS);
    assert.deepEqual(told.events, ['standing by host-gone']);
    // And now the same happens to this one.
    await client
      .db('bot_runner')
      .collection('the0_leases')
      .updateOne({}, { $set: { owner: 'x', holder: 'host-x' } });
    await told.until('lost host-x');
    assert.deepEqual(next.state(), { is: 'lost', holder: 'host-x' });
    assert.deepEqual(told.events.slice(-2), ['suspended', 'lost host-x'], 'it stops before it asks who has it now');
  });

  test('one that is closed while it takes the role does not have it, and leaves it to the next', async () => {
    const first = lease('host-a');
    const taking = first.acquire(new Told());
    const rejected = assert.rejects(taking, /closed before/);
    await first.close();
    await rejected;
    assert.deepEqual(first.state(), { is: 'closed' });
    const next = new Told();
    await lease('host-b').acquire(next);
    assert.deepEqual(next.events, []);
  });

  test('a lease of a newer version of the runtime is refused', async () => {
    await client
      .db('bot_runner')
      .collection<{ _id: string }>('the0_leases')
      .insertOne({ _id: 'bot-runner', format: 2, owner: null, holder: 'host-new' } as { _id: string });
    await assert.rejects(lease('host-a').acquire(new Told()), { code: 'mongodb-lease', message: /format 2/ });
  });

  test('one that cannot look for the role says why', async () => {
    const own = await connectMongo(server.uri, { ...MONGO_LIMITS, waitMs: 300 });
    await server.stop();
    const waiting = lease('host-a', own);
    const ended = assert.rejects(waiting.acquire(new Told()));
    const why = () => {
      const state = waiting.state();
      return state.is === 'waiting' ? state.trouble : null;
    };
    while (why() === null) await sleep(20);
    assert.match(why() ?? '', /^MongoDB cannot tell who has the role bot-runner \(/);
    await server.start();
    await waiting.close();
    await ended;
    await own.close();
  });

  test('while MongoDB is away the holder stops in time, and goes on when it is back', async () => {
    const own = await connectMongo(server.uri, { ...MONGO_LIMITS, waitMs: 3_000 });
    const holder = lease('host-a', own);
    const told = new Told();
    await holder.acquire(told);
    await server.stop();
    await told.until('suspended');
    assert.deepEqual(holder.state(), { is: 'suspended' });
    await server.start();
    await told.until('resumed');
    assert.deepEqual(holder.state(), { is: 'holder' });
    await holder.close();
    await own.close();
  });
});
