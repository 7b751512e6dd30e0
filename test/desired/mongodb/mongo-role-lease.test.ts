import assert from 'node:assert/strict';
import process from 'node:process';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { MongoRoleLease, type RoleLeaseOptions } from '../../../src/desired/mongodb/mongo-role-lease.ts';
import type { Rival, RoleLeaseListener } from '../../../src/desired/role-lease.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { MONGO_LIMITS } from './bot-documents.ts';

/** Long enough for a busy machine to renew in time. */
const EXPIRY_MS = 4_000;

/** Keeps what a lease tells, and lets one wait for it. */
class Told implements RoleLeaseListener {
  readonly events: string[] = [];
  rival: Rival | null = null;
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  standingBy(rival: Rival): void {
    this.rival = rival;
    this.#tell(`standing by ${rival.holder}${rival.isGone ? ', gone' : ''}`);
  }
  suspended(): void {
    this.#tell('suspended');
  }
  resumed(): void {
    this.#tell('resumed');
  }
  lost({ holder, isHere }: Pick<Rival, 'holder' | 'isHere'>): void {
    this.#tell(`lost ${holder}${isHere ? '' : ' on another engine'}`);
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
  /** Engines that a lease was taken from. */
  const gone: string[] = [];

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
    gone.length = 0;
  });
  afterEach(async () => {
    await Promise.all(leases.splice(0).map((lease) => lease.close(false)));
  });

  /** On the one engine that all have, unless told otherwise. */
  function lease(holder: string, using = client, changes: Partial<RoleLeaseOptions> = {}): MongoRoleLease {
    const made = new MongoRoleLease(using, {
      kind: 'realtime',
      role: 'bot-runner',
      holder,
      place: holder,
      engine: 'engine-x',
      expiryMs: EXPIRY_MS,
      renewMs: 200,
      lingerMs: 0,
      takeFrom: [],
      abandonedMs: 0,
      engineIsGone: async (engine) => void gone.push(engine),
      ...changes,
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
    const { rival } = toldSecond;
    assert.deepEqual(second.state(), { is: 'standing-by', rival });
    assert.deepEqual([rival?.isHere, rival?.hasTakenOver], [true, false]);
    await first.close(true);
    await waiting;
    assert.deepEqual(second.state(), { is: 'holder' });
    assert.deepEqual(toldFirst.events, []);
  });

  test('whoever is told to end does so, also when MongoDB does not answer', async () => {
    const patient = await connectMongo(server.uri, { ...MONGO_LIMITS, silenceMs: 600_000 });
    const held = lease('host-a', patient);
    await held.acquire(new Told());
    process.kill(server.pid, 'SIGSTOP');
    try {
      await held.close(true);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    assert.deepEqual(held.state(), { is: 'closed' });
    await patient.close();
  });

  test('of many that come at once one gets it', async () => {
    const all = Array.from({ length: 8 }, (_, index) => ({ lease: lease(`host-${index}`), told: new Told() }));
    const waiting = all.map((one) => one.lease.acquire(one.told).then(() => one));
    const winner = await Promise.race(waiting);
    await Promise.all(all.filter((one) => one !== winner).map((one) => one.told.until(`standing by ${nameOf(one)}`)));
    assert.equal(all.filter((one) => one.lease.state().is === 'holder').length, 1);
    const ended = Promise.allSettled(waiting);
    for (const one of all.filter((other) => other !== winner)) await one.lease.close(false);
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
      .insertOne({ _id: 'bot-runner', owner: 'gone', holder: 'host-gone', engine: 'engine-x', counter: 41 } as {
        _id: string;
      });
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

  describe('on another engine', () => {
    const elsewhere = (changes: Partial<RoleLeaseOptions> = {}) =>
      lease('host-b', client, { engine: 'engine-y', expiryMs: 900, ...changes });

    /** Holds the role and ends as a process does that leaves its bots running, or is killed. */
    async function ended(how: 'left bots' | 'no bots' | 'killed'): Promise<void> {
      const first = lease('host-a');
      await first.acquire(new Told());
      await first.close(how !== 'no bots');
      if (how === 'killed')
        await client
          .db('bot_runner')
          .collection('the0_leases')
          .updateOne({}, { $set: { owner: 'killed' } });
    }

    /** Looks often enough for the lease to have been taken, had it been free. */
    async function staysGone(waiting: Promise<void>, told: Told): Promise<void> {
      await told.until('standing by host-a, gone');
      const had = await Promise.race([waiting.then(() => true), sleep(800, false)]);
      assert.equal(had, false);
    }

    test('nobody takes a role of which bots were left running, until one of that engine has ended them', async () => {
      await ended('left bots');
      const told = new Told();
      const waiting = elsewhere().acquire(told);
      await staysGone(waiting, told);
      assert.deepEqual(told.events, ['standing by host-a, gone']);
      assert.deepEqual([told.rival?.isHere, told.rival?.hasTakenOver], [false, true]);
      const back = new Told();
      const returned = lease('host-a');
      await returned.acquire(back);
      assert.deepEqual(back.events, [], 'on its engine it is had at once');
      await told.until('standing by host-a');
      await returned.close(false);
      await waiting;
      assert.deepEqual(gone, []);
    });

    test('a role without bots is had at once', async () => {
      await ended('no bots');
      const told = new Told();
      await elsewhere().acquire(told);
      assert.deepEqual(told.events, []);
    });

    test('of a holder that is not heard of any more the bots may run still, so the role is not taken', async () => {
      await ended('killed');
      const told = new Told();
      const since = performance.now();
      const waiting = elsewhere({ lingerMs: 600 }).acquire(told);
      await staysGone(waiting, told);
      assert.ok(performance.now() - since >= 1_500);
      assert.deepEqual(told.events, ['standing by host-a', 'standing by host-a, gone']);
      await leases.at(-1)?.close(false);
      await assert.rejects(waiting, /closed before/);
    });

    test('a person may say that the engine is gone, of this silence and no later one', async () => {
      await ended('killed');
      const told = new Told();
      const waiting = elsewhere().acquire(told);
      await told.until('standing by host-a, gone');
      const ticket = told.rival?.ticket ?? '';
      assert.match(ticket, /^engine-x@\d+$/);
      await leases.at(-1)?.close(false);
      await assert.rejects(waiting, /closed before/);

      const taking = elsewhere({ takeFrom: ['engine-z@1', ticket] });
      await taking.acquire(new Told());
      assert.deepEqual(gone, ['engine-x'], 'who keeps records of that engine hears of it before');
      // Much later, with the setting still there: host-a has come back after a planned move, and ends again.
      await taking.close(false);
      await ended('left bots');
      const again = new Told();
      await staysGone(
        elsewhere({ takeFrom: ['engine-z@1', ticket] })
          .acquire(again)
          .catch(() => {}),
        again,
      );
    });

    test('what fails before the role is taken from an engine that is gone is tried again', async () => {
      await ended('left bots');
      let tries = 0;
      const engineIsGone = async () => {
        tries += 1;
        if (tries === 1) throw new Error('MongoDB is away');
      };
      await elsewhere({ abandonedMs: 1, engineIsGone }).acquire(new Told());
      assert.equal(tries, 2);
    });

    test('after a time that a person has set the engine counts as gone, and not before', async () => {
      await ended('killed');
      const told = new Told();
      const since = performance.now();
      await elsewhere({ abandonedMs: 2_500 }).acquire(told);
      assert.ok(performance.now() - since >= 2_500);
      assert.deepEqual(told.events, ['standing by host-a', 'standing by host-a, gone']);
    });

    test('a process of the same place with another engine has taken nothing over, and waits as well', async () => {
      await ended('killed');
      const told = new Told();
      const waiting = lease('host-a', client, { engine: 'engine-y' })
        .acquire(told)
        .catch(() => {});
      await staysGone(waiting, told);
      assert.deepEqual([told.rival?.isHere, told.rival?.hasTakenOver], [false, false]);
    });

    test('who loses the role learns that its bots are kept on another engine', async () => {
      const told = new Told();
      await lease('host-a').acquire(told);
      const taken = { owner: 'x', holder: 'host-x', engine: 'engine-z' };
      await client.db('bot_runner').collection('the0_leases').updateOne({}, { $set: taken });
      await told.until('lost host-x on another engine');
    });
  });

  test('one that is closed while it takes the role does not have it, and leaves it to the next', async () => {
    const first = lease('host-a');
    const taking = first.acquire(new Told());
    const rejected = assert.rejects(taking, /closed before/);
    await first.close(false);
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
    await waiting.close(false);
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
    await holder.close(false);
    await own.close();
  });
});
