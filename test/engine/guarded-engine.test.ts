import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../src/engine/container-engine.ts';
import { GuardedEngine, type Permission } from '../../src/engine/guarded-engine.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { aBot } from '../desired/a-bot.ts';
import { FakeEngine } from '../supervisor/fake-engine.ts';

const CALLS = ['create', 'restart', 'stop', 'remove', 'inspect'] as const;

/** Which calls get through. */
async function throughWith(permission: Permission): Promise<string[]> {
  const guard = new GuardedEngine(new FakeEngine(createVirtualClock({ startMs: 0 })), 'It is not known yet who acts.');
  if (permission === 'all') guard.open();
  else guard.restrict(permission, 'Another one acts.');
  const request = { definition: aBot('a'), incarnation: 1 };
  const container = { botId: 'a', containerId: 'c1' };
  const passed: string[] = [];
  for (const call of CALLS) {
    const made = {
      create: () => guard.start({ ...request, inPlace: null }),
      restart: () => guard.start({ ...request, inPlace: 'c1' }),
      stop: () => guard.stop(container),
      remove: () => guard.remove(container),
      inspect: () => guard.inspect('a'),
    }[call];
    // What the engine itself makes of it is no matter here, and it may take its time.
    const refused = await Promise.race([
      made().then(() => false, isRefusal),
      new Promise((done) => setImmediate(done, false)),
    ]);
    if (refused !== true) passed.push(call);
  }
  return passed;
}

function isRefusal(error: unknown): boolean {
  return error instanceof EngineError && error.failure.code === 'standing-by';
}

test('a guarded engine lets through what this process may change, and looks in any case', async () => {
  assert.deepEqual(await throughWith('all'), [...CALLS]);
  assert.deepEqual(await throughWith('restarts'), ['restart', 'inspect']);
  assert.deepEqual(await throughWith('ends'), ['stop', 'remove', 'inspect']);
  assert.deepEqual(await throughWith('nothing'), ['inspect']);
});

test('whoever is refused is told why, and nothing may be changed at first', async () => {
  const guard = new GuardedEngine(new FakeEngine(createVirtualClock({ startMs: 0 })), 'It is not known yet who acts.');
  assert.equal(guard.shutBecause, 'It is not known yet who acts.');
  await assert.rejects(guard.stop({ botId: 'a', containerId: 'c1' }), /bot a: It is not known yet who acts/);
  guard.open();
  assert.equal(guard.shutBecause, null);
});
