import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { SharedBots } from '../../src/commands/bot-source.ts';
import { Governance } from '../../src/commands/governance.ts';
import type { RoleLease, RoleLeaseListener, RoleLeaseState } from '../../src/desired/role-lease.ts';
import { GuardedEngine } from '../../src/engine/guarded-engine.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { FakeEngine } from '../supervisor/fake-engine.ts';

/** A lease that does as the test says; the real one has tests of its own. */
class ScriptedLease implements RoleLease {
  listener: RoleLeaseListener | null = null;
  now: RoleLeaseState = { is: 'waiting', trouble: null };
  asked = false;
  readonly #acquired = Promise.withResolvers<void>();

  acquire(listener: RoleLeaseListener): Promise<void> {
    this.listener = listener;
    this.asked = true;
    return this.#acquired.promise;
  }

  grant(): void {
    this.now = { is: 'holder' };
    this.#acquired.resolve();
  }

  state(): RoleLeaseState {
    return this.now;
  }

  async close(): Promise<void> {
    this.#acquired.reject(new Error('closed'));
  }
}

let now = 0;

function governed(leases: readonly ScriptedLease[]) {
  const told: string[] = [];
  const engine = new GuardedEngine(new FakeEngine(createVirtualClock({ startMs: 0 })), 'Not yet.');
  const shared: SharedBots = { leases, feed: null, hint: () => {} };
  const governance = new Governance({
    shared,
    engine,
    mayAct: () => void told.push('may act'),
    lost: (holder) => void told.push(`lost to ${holder}`),
    warn: (sentence) => void told.push(sentence),
    now: () => now,
  });
  return { told, engine, governance };
}

test('a process acts when it holds every lease, which it takes one after the other', async () => {
  const [first, second] = [new ScriptedLease(), new ScriptedLease()];
  const { told, engine, governance } = governed([first, second]);
  const begun = governance.begin();
  await turn();
  assert.equal(second.asked, false);
  first.grant();
  await turn();
  second.listener?.standingBy('another');
  assert.equal(engine.shutBecause, 'another keeps these bots.');
  assert.deepEqual(governance.troubles, ['another keeps these bots.']);
  second.grant();
  await begun;
  assert.equal(engine.shutBecause, null);
  assert.deepEqual(told, ['This process stands by: another keeps these bots.', 'may act']);
});

test('who cannot renew goes on with what runs, and acts again when it can', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance } = governed([lease]);
  lease.grant();
  await governance.begin();
  lease.listener?.suspended(new Error('MongoDB is away'));
  assert.match(engine.shutBecause ?? '', /kept alive; changes wait/);
  lease.listener?.resumed();
  assert.equal(engine.shutBecause, null);
  assert.deepEqual(told, ['may act', 'may act']);
});

test('who lost its lease changes nothing any more, whatever it hears after that', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance } = governed([lease]);
  lease.grant();
  await governance.begin();
  lease.listener?.lost('another');
  lease.listener?.resumed();
  assert.equal(engine.shutBecause, 'another keeps these bots now.');
  assert.deepEqual(told, ['may act', 'lost to another']);
});

test('closed while it waits, it never acts, and that is no failure', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance } = governed([lease]);
  const begun = governance.begin();
  lease.now = { is: 'waiting', trouble: 'MongoDB is away.' };
  assert.deepEqual(governance.troubles, ['MongoDB is away.']);
  now += 10_000;
  assert.deepEqual(governance.troubles, ['Not yet.', 'MongoDB is away.']);
  await governance.close();
  await begun;
  assert.deepEqual(told, []);
  assert.notEqual(engine.shutBecause, null);
});
