import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Shard } from '../../src/kernel/shard.ts';
import { ShardGone, ShardStartFailed, ShardTimeout } from '../../src/kernel/shard-errors.ts';
import { createThreadShard } from '../../src/kernel/thread-shard.ts';
import { Recorder, until } from './recorder.ts';
import { LIMITS, note, shardSuite } from './shard-suite.ts';
import type { ToyEffect, ToyMessage, ToySettings } from './toy-behavior.ts';

const behaviorModule = new URL('./toy-behavior.ts', import.meta.url);

shardSuite('thread', (listener, limits) => create(listener, {}, limits));

/** A test that fails must not leave a thread behind that keeps the run alive. */
const created: Shard<ToyMessage>[] = [];
afterEach(() => {
  for (const shard of created.splice(0)) shard.kill();
});

async function create(listener: Recorder, settings: ToySettings = {}, limits = LIMITS, module = behaviorModule) {
  const options = { id: 't', behaviorModule: module, settings, listener, limits };
  const shard = await createThreadShard<ToyMessage, ToyEffect>(options);
  created.push(shard);
  return shard;
}

/** Lets an actor never return. @returns when it hangs */
async function hang(shard: Shard<ToyMessage>): Promise<void> {
  const entered = new Int32Array(new SharedArrayBuffer(4));
  shard.post({ to: 'a', lane: 'user', message: { kind: 'hang', entered }, spawn: true });
  await until(() => Atomics.load(entered, 0) === 1, 'the actor to hang');
}

async function end(shard: Shard<ToyMessage>, recorder: Recorder): Promise<void> {
  shard.kill();
  await until(() => recorder.deaths.length === 1, 'the end of the shard');
}

describe('a thread that dies', () => {
  for (const how of ['exit', 'uncaught', 'rejection'] as const) {
    it(`is reported once, with its cause: ${how}`, async () => {
      const recorder = new Recorder();
      const shard = await create(recorder);
      shard.post({ to: 'a', lane: 'user', message: { kind: 'fault', how }, spawn: true });
      await until(() => recorder.deaths.length === 1, 'the death');
      assert.match(recorder.deaths[0]?.message ?? '', /exited with code 7|nobody catches me|nobody handles me/);
      assert.equal(shard.post({ to: 'a', lane: 'user', message: note('late') }), 'full');
      await assert.rejects(shard.snapshot(null), ShardGone);
    });
  }

  it('rejects a snapshot in flight', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder);
    await hang(shard);
    const snapshot = assert.rejects(shard.snapshot(null), ShardGone);
    await end(shard, recorder);
    await snapshot;
  });

  it('rejects a stop in flight and is then not reported as dead', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder);
    await hang(shard);
    const stopped = assert.rejects(shard.stop(), ShardGone);
    shard.kill();
    await stopped;
    assert.deepEqual(recorder.deaths, []);
  });
});

describe('a thread that hangs', () => {
  it('lets a snapshot and a stop run into their deadlines, and can be killed', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder);
    await hang(shard);
    await assert.rejects(shard.snapshot(null, 50), ShardTimeout);
    await assert.rejects(shard.stop(50), ShardTimeout);
    assert.equal(shard.post({ to: 'a', lane: 'user', message: note('late') }), 'full');
    assert.deepEqual(recorder.deaths, []);
  });

  it('refuses envelopes at its bound but holds one observation per actor', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder, {}, { ...LIMITS, unhandledEnvelopes: 100 });
    await hang(shard);
    const answers = Array.from({ length: 200 }, () =>
      shard.post({ to: 'b', lane: 'user', message: note('x'), spawn: true }),
    );
    assert.equal(answers.filter((answer) => answer === 'full').length, 101);
    for (let n = 0; n < 1_000; n += 1) {
      const message: ToyMessage = { kind: 'observed', seen: [] };
      assert.equal(shard.post({ to: `c${n % 10}`, lane: 'observation', message }), 'accepted');
    }
    await end(shard, recorder);
  });
});

describe('a thread that cannot start', () => {
  it('rejects when the module does not exist', async () => {
    const missing = new URL('./no-such-module.ts', import.meta.url);
    await assert.rejects(create(new Recorder(), {}, LIMITS, missing), (error) => {
      assert.ok(error instanceof ShardStartFailed);
      assert.match(error.message, /no-such-module/);
      return true;
    });
  });

  it('rejects when the module throws', async () => {
    const recorder = new Recorder();
    await assert.rejects(create(recorder, { failToCreate: true }), /the toy is broken/);
    assert.deepEqual(recorder.deaths, []);
  });

  it('rejects when the module is no behavior', async () => {
    const other = new URL('./recorder.ts', import.meta.url);
    await assert.rejects(create(new Recorder(), {}, LIMITS, other), /exports no function createBehavior/);
  });

  it('rejects with the cause when it dies in the thread only', async () => {
    const recorder = new Recorder();
    const thread = new URL('./dies-in-thread.ts', import.meta.url);
    await assert.rejects(create(recorder, {}, LIMITS, thread), /cannot live in a thread/);
    assert.deepEqual(recorder.deaths, []);
  });
});

describe('the stream', () => {
  it('reports a message that cannot be cloned and delivers the others of its batch', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder);
    shard.post({ to: 'a', lane: 'user', message: note('before'), spawn: true });
    shard.post({ to: 'a', lane: 'user', message: { kind: 'carry', cargo: () => 1 } });
    shard.post({ to: 'a', lane: 'user', message: note('after') });
    await until(() => recorder.letters.length === 1 && recorder.notes('a').length === 2, 'the letter and the notes');
    assert.deepEqual(recorder.causes('a'), ['unusable']);
    assert.deepEqual(recorder.notes('a'), ['before', 'after']);
    await end(shard, recorder);
  });

  it('supervises an actor whose effect cannot be cloned and reports the other effects', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder);
    shard.post({ to: 'good', lane: 'user', message: note('before'), spawn: true });
    shard.post({ to: 'odd', lane: 'user', message: { kind: 'not-plain' }, spawn: true });
    shard.post({ to: 'good', lane: 'user', message: note('after') });
    await until(() => recorder.kinds('odd').length === 1 && recorder.notes('good').length === 2, 'all effects');
    assert.deepEqual(recorder.kinds('odd'), ['recovered']);
    await shard.stop();
  });

  it('brings more effects than may be on the way, in order, because the owner acknowledges them', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder, {}, { ...LIMITS, unhandledEnvelopes: 20, turnBudgetMs: 1 });
    shard.post({ to: 'a', lane: 'user', message: { kind: 'many', count: 1_000 }, spawn: true });
    for (let i = 0; i < 5; i += 1)
      shard.post({ to: `b${i}`, lane: 'user', message: { kind: 'many', count: 30 }, spawn: true });
    await shard.stop();
    assert.deepEqual(
      recorder.notes('a'),
      Array.from({ length: 1_000 }, (_, i) => `${i}`),
    );
    assert.equal(recorder.all.length, 1_150);
  });

  it('drains observations that were held back before it stops', async () => {
    const recorder = new Recorder();
    const shard = await create(recorder, {}, { ...LIMITS, unhandledEnvelopes: 1 });
    shard.post({ to: 'a', lane: 'user', message: note('born'), spawn: true });
    shard.post({ to: 'b', lane: 'observation', message: { kind: 'observed', seen: [1] }, spawn: true });
    shard.post({ to: 'b', lane: 'observation', message: { kind: 'observed', seen: [2] } });
    await shard.stop();
    assert.deepEqual(recorder.notes('b'), ['saw 1+2']);
  });
});
