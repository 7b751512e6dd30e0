import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLocalShard } from '../../src/kernel/local-shard.ts';
import { ShardTimeout } from '../../src/kernel/shard-errors.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { Recorder } from './recorder.ts';
import { LIMITS, note, shardSuite } from './shard-suite.ts';
import { createBehavior, type ToyMessage } from './toy-behavior.ts';

shardSuite('local', async (listener, limits) =>
  createLocalShard({ id: 'local', behavior: createBehavior({}), listener, clock: systemClock, limits }),
);

function onVirtualClock() {
  const clock = createVirtualClock({ startMs: 1_000 });
  const recorder = new Recorder();
  const shard = createLocalShard({ id: 'v', behavior: createBehavior({}), listener: recorder, clock, limits: LIMITS });
  const post = (to: string, message: ToyMessage) => shard.post({ to, lane: 'user', message, spawn: true });
  return { clock, recorder, shard, post };
}

it('gives one batch of effects per turn', () => {
  const { clock, recorder, post } = onVirtualClock();
  for (const id of ['a', 'b', 'c']) post(id, note('x'));
  clock.runDue();
  assert.deepEqual(recorder.batches, [3]);
});

it('takes posts from within its listener without handling them there', () => {
  const { clock, recorder, shard, post } = onVirtualClock();
  const seen: number[] = [];
  recorder.effects = (batch) => {
    if (recorder.all.length === 0) shard.post({ to: 'b', lane: 'user', message: note('answer'), spawn: true });
    recorder.all.push(...batch);
    seen.push(recorder.all.length);
  };
  post('a', note('question'));
  clock.runDue();
  assert.deepEqual(seen, [1, 2]);
});

it('fires timers at their time on a virtual clock, not before', () => {
  const { clock, recorder, post } = onVirtualClock();
  post('a', { kind: 'set-timer', key: 't', inMs: 60_000, text: 'rang' });
  clock.advance(59_999);
  assert.deepEqual(recorder.notes('a'), []);
  clock.advance(1);
  assert.deepEqual(recorder.notes('a'), ['rang']);
  assert.equal(clock.pending(), 0);
});

it('fires a timer that is farther away than setTimeout reaches', () => {
  const { clock, recorder, post } = onVirtualClock();
  post('a', { kind: 'set-timer', key: 't', inMs: 2 ** 33, text: 'rang' });
  clock.advance(2 ** 33 - 1);
  assert.deepEqual(recorder.notes('a'), []);
  clock.advance(1);
  assert.deepEqual(recorder.notes('a'), ['rang']);
});

it('supervises an actor that sets more timers than its mailbox holds', () => {
  const { clock, recorder, post } = onVirtualClock();
  for (let i = 0; i < LIMITS.mailboxSize; i += 1) {
    post('a', { kind: 'set-timer', key: `${i}`, inMs: 10_000, text: `${i}` });
  }
  clock.runDue();
  post('a', { kind: 'set-timer', key: '0', inMs: 5_000, text: 'replacing is no new timer' });
  post('a', { kind: 'set-timer', key: 'too many', inMs: 1, text: 'never' });
  clock.runDue();
  assert.deepEqual(recorder.kinds('a'), ['recovered']);
  clock.advance(10_000);
  assert.equal(recorder.notes('a').length, LIMITS.mailboxSize);
});

it('forgives an actor that throws rarely: the budget is counted within a window', () => {
  const { clock, recorder, post } = onVirtualClock();
  for (let i = 0; i < 10; i += 1) {
    post('a', { kind: 'throw' });
    clock.advance(LIMITS.restartBudget.withinMs / 2);
  }
  const exhausted = recorder.all.map(({ effect }) => effect.kind === 'recovered' && effect.exhausted);
  assert.equal(exhausted.length, 10);
  assert.ok(!exhausted.includes(true));
});

it('gives up a stop at its deadline when its actors keep each other busy', async () => {
  const { clock, shard, post } = onVirtualClock();
  for (let i = 0; i < 100; i += 1) post('a', { kind: 'set-timer', key: 't', inMs: 1, text: 'x' });
  const frozen = { ...clock, defer: () => {} };
  const stuck = createLocalShard({
    id: 'stuck',
    behavior: createBehavior({}),
    listener: new Recorder(),
    clock: frozen,
    limits: LIMITS,
  });
  stuck.post({ to: 'a', lane: 'user', message: note('never handled'), spawn: true });
  const stopped = assert.rejects(stuck.stop(500), ShardTimeout);
  clock.advance(500);
  await stopped;
  shard.kill();
});
