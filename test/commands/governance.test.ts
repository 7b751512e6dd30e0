import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { BotKind } from '../../actors/bot-spec.ts';
import type { SharedBots } from '../../src/commands/bot-source.ts';
import { Governance } from '../../src/commands/governance.ts';
import type { Rival, RoleLease, RoleLeaseListener, RoleLeaseState } from '../../src/desired/role-lease.ts';
import { EngineError } from '../../src/engine/container-engine.ts';
import { GuardedEngine } from '../../src/engine/guarded-engine.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { aBot } from '../desired/a-bot.ts';
import { FakeEngine } from '../supervisor/fake-engine.ts';

/** A lease that does as the test says; the real one has tests of its own. */
class ScriptedLease implements RoleLease {
  listener: RoleLeaseListener | null = null;
  now: RoleLeaseState = { is: 'waiting', trouble: null };
  asked = false;
  /** What it was closed with; null: it was not. */
  leftBots: boolean | null = null;
  readonly kind: BotKind;
  readonly #acquired = Promise.withResolvers<void>();

  constructor(kind: BotKind = 'realtime') {
    this.kind = kind;
  }

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

  async close(leavesBots: boolean): Promise<void> {
    this.leftBots = leavesBots;
    this.#acquired.reject(new Error('closed'));
  }
}

let now = 0;

const RIVAL: Rival = { holder: 'another', isHere: true, hasTakenOver: false, isGone: false, ticket: 'engine-x@7' };
const ELSEWHERE: Rival = { ...RIVAL, isHere: false, hasTakenOver: true };

function governed(leases: readonly ScriptedLease[]) {
  const told: string[] = [];
  const elsewhere = new Map<BotKind, string>();
  const engine = new GuardedEngine(new FakeEngine(createVirtualClock({ startMs: 0 })), 'Not yet.');
  const shared: SharedBots = { leases, feed: null, hint: () => {} };
  const governance = new Governance({
    shared,
    engine,
    tryAgain: () => void told.push('try again'),
    keepElsewhere: (kind, sentence) => {
      if (sentence === null) elsewhere.delete(kind);
      else elsewhere.set(kind, sentence);
    },
    kindOf: (botId) => (botId === 'minutely' ? 'scheduled' : botId === 'steady' ? 'realtime' : undefined),
    lost: ({ holder }) => void told.push(`lost to ${holder}`),
    warn: (sentence) => void told.push(sentence),
    now: () => now,
  });
  return { told, engine, governance, elsewhere };
}

test('a process acts when it holds every lease, which it takes one after the other', async () => {
  const [first, second] = [new ScriptedLease(), new ScriptedLease()];
  const { told, engine, governance } = governed([first, second]);
  const begun = governance.begin();
  await turn();
  assert.equal(second.asked, false);
  first.grant();
  await turn();
  second.listener?.standingBy(RIVAL);
  assert.equal(engine.shutBecause, 'another keeps these bots.');
  assert.deepEqual(governance.troubles, ['another keeps these bots.']);
  second.grant();
  await begun;
  assert.equal(engine.shutBecause, null);
  assert.deepEqual(told, ['This process stands by: another keeps these bots.', 'try again', 'try again']);
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
  assert.deepEqual(told, ['try again', 'try again']);
});

test('who lost its lease changes nothing any more, whatever it hears after that', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance } = governed([lease]);
  lease.grant();
  await governance.begin();
  lease.listener?.lost(RIVAL);
  lease.listener?.resumed();
  assert.equal(engine.shutBecause, 'another keeps these bots now.');
  assert.deepEqual(told, ['try again', 'lost to another']);
});

test('closed while it waits, it never acts, and that is no failure', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance } = governed([lease]);
  const begun = governance.begin();
  lease.now = { is: 'waiting', trouble: 'MongoDB is away.' };
  assert.deepEqual(governance.troubles, ['MongoDB is away.']);
  now += 10_000;
  assert.deepEqual(governance.troubles, ['Not yet.', 'MongoDB is away.']);
  await governance.stop();
  await governance.release(true);
  await begun;
  assert.deepEqual(told, []);
  assert.notEqual(engine.shutBecause, null);
});

const refuses = async (call: Promise<unknown>) => {
  const refusal = call.then(
    () => false,
    (error: unknown) => error instanceof EngineError && error.failure.code === 'standing-by',
  );
  // What the engine itself makes of it is no matter here.
  return await Promise.race([refusal, turn(false)]);
};
const container = (botId: string) => ({ botId, containerId: 'c1' });

test('while another engine has its bots, what there is of them here is ended, and of other roles nothing is touched', async () => {
  const [first, second] = [new ScriptedLease('realtime'), new ScriptedLease('scheduled')];
  const { engine, governance, elsewhere } = governed([first, second]);
  const begun = governance.begin();
  await turn();
  first.listener?.standingBy(ELSEWHERE);
  assert.deepEqual([...elsewhere.keys()], ['realtime']);
  assert.equal(await refuses(engine.stop(container('steady'))), false);
  assert.equal(await refuses(engine.stop(container('minutely'))), true);
  assert.equal(await refuses(engine.stop(container('unknown'))), true);
  assert.equal(await refuses(engine.start({ definition: aBot('steady'), incarnation: 1, inPlace: 'c1' })), true);

  first.grant();
  await turn();
  assert.equal(elsewhere.size, 0);
  assert.equal(await refuses(engine.stop(container('steady'))), true);
  second.grant();
  await begun;
  assert.equal(engine.shutBecause, null);
});

test('of a process with one role, what nobody desires is ended as well', async () => {
  const lease = new ScriptedLease();
  const { engine, governance } = governed([lease]);
  void governance.begin();
  await turn();
  lease.listener?.standingBy(ELSEWHERE);
  assert.equal(await refuses(engine.stop(container('unknown'))), false);
  lease.grant();
});

test('bots that may run on an engine nobody answers for are not run here, and it is said what to do', async () => {
  const lease = new ScriptedLease();
  const { told, engine, governance, elsewhere } = governed([lease]);
  void governance.begin();
  await turn();
  lease.listener?.standingBy({ ...RIVAL, isHere: false, isGone: true });
  assert.match(engine.shutBecause ?? '', /may still run .* `the0-runtime down`.* --take-from-engine engine-x@7;/);
  assert.deepEqual(governance.troubles, [engine.shutBecause]);
  assert.deepEqual(told, [`This process stands by: ${engine.shutBecause}`, 'try again']);
  assert.equal(elsewhere.size, 0, 'it was a process of this very place, with another engine');
  lease.grant();
});

test('who ends begins nothing more before its role is free, whatever it hears after that', async () => {
  const lease = new ScriptedLease();
  const { engine, governance } = governed([lease]);
  lease.grant();
  await governance.begin();
  await governance.stop();
  assert.equal(lease.leftBots, null);
  for (const tell of ['suspended', 'resumed'] as const) lease.listener?.[tell](new Error('MongoDB is away'));
  assert.equal(await refuses(engine.start({ definition: aBot('steady'), incarnation: 1, inPlace: 'c1' })), true);
  await governance.release(true);
  assert.equal(lease.leftBots, true);
});
