import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { Executor } from '../../src/supervisor/executor.ts';
import { StartGate } from '../../src/supervisor/start-gate.ts';
import { aBot } from '../desired/a-bot.ts';
import { FakeEngine } from './fake-engine.ts';

function setUp(permits = 4) {
  const clock = createVirtualClock({ startMs: 1_700_000_000_000 });
  const engine = new FakeEngine(clock);
  const answers: { botId: string; message: BotMessage }[] = [];
  const late: Observation[] = [];
  const definitions = new Map<string, BotDefinition>();
  const gate = new StartGate(permits, 0);
  const executor = new Executor({
    engine,
    gate,
    clock,
    callDeadlineMs: 60_000,
    definitionOf: (botId) => definitions.get(botId) ?? aBot(botId),
    answer: (botId, message) => answers.push({ botId, message }),
    late: (observation) => late.push(observation),
  });
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 20) {
      clock.advance(Math.min(left, 20));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { engine, executor, answers, late, definitions, gate, advance };
}

function start(botId: string, incarnation = 1): EngineEffect {
  return { kind: 'start', botId, incarnation, specRevision: 'r1', inPlace: null, priority: 'live' };
}

function inspect(botId: string, incarnation = 1): EngineEffect {
  return { kind: 'inspect', botId, incarnation };
}

test('each effect is answered once, with what the engine saw', async () => {
  const { executor, answers, advance } = setUp();
  executor.execute(start('a', 7));
  assert.deepEqual(executor.inFlight('a'), { effect: 'start', incarnation: 7 });
  await advance(100);
  assert.equal(executor.inFlight('a'), undefined);
  assert.equal(answers.length, 1);
  const { message } = answers[0] ?? assert.fail();
  assert.ok(message.kind === 'effect-done');
  assert.equal(message.observation.container?.incarnation, 7);
});

test('calls for one bot are made one after the other, for different bots side by side', async () => {
  const { engine, executor, answers, advance } = setUp();
  engine.holds = (kind) => kind === 'start';
  executor.execute(start('a'));
  executor.execute(inspect('a'));
  executor.execute(inspect('b'));
  await advance(100);
  assert.deepEqual(engine.calls, ['start a', 'inspect b']);
  assert.deepEqual(executor.inFlight('a'), { effect: 'inspect', incarnation: 1 });
  engine.held[0]?.release();
  await advance(100);
  assert.deepEqual(engine.violations, []);
  assert.deepEqual(
    answers.map(({ botId, message }) => `${botId} ${message.kind === 'effect-done' ? message.effect : message.kind}`),
    ['b inspect', 'a start', 'a inspect'],
  );
});

test('an impatient actor does not fill the queue of its bot', async () => {
  const { engine, executor, answers, advance } = setUp();
  engine.holds = (kind) => kind === 'start';
  executor.execute(start('a'));
  for (let asked = 0; asked < 100; asked += 1) executor.execute(inspect('a'));
  engine.held[0]?.release();
  await advance(1_000);
  assert.equal(engine.count('inspect', 'a'), 1);
  assert.equal(answers.length, 2);
});

test('what is no error of an engine is still an answer', async () => {
  const { engine, executor, answers, advance } = setUp();
  engine.fails = () => new TypeError('x is undefined');
  executor.execute(start('a'));
  await advance(100);
  const { message } = answers[0] ?? assert.fail();
  assert.ok(message.kind === 'effect-failed');
  assert.deepEqual(message.failure, { code: 'rejected', facts: { detail: 'x is undefined' } });
});

test('a call that never ends is given up, its permit is free again and the next call is made', async () => {
  const { engine, executor, answers, gate, advance } = setUp(1);
  engine.holds = (kind, botId) => kind === 'start' && botId === 'hangs';
  executor.execute(start('hangs'));
  executor.execute(start('waits'));
  executor.execute(inspect('hangs'));
  await advance(50_000);
  assert.deepEqual(engine.calls, ['start hangs']);
  await advance(20_000);
  assert.deepEqual(
    answers.map(({ botId, message }) => `${botId} ${message.kind}`),
    ['hangs effect-failed', 'hangs effect-done', 'waits effect-done'],
  );
  assert.equal(gate.waiting, 0);
  const { message } = answers[0] ?? assert.fail();
  assert.ok(message.kind === 'effect-failed');
  assert.match(String(message.failure.facts['detail']), /did not answer within 60 s/);
});

test('what comes of a call after it was given up is told all the same', async () => {
  const { engine, executor, answers, late, advance } = setUp();
  engine.holds = () => true;
  executor.execute(start('a'));
  await advance(61_000);
  engine.held[0]?.release();
  await advance(100);
  assert.equal(answers.length, 1);
  assert.deepEqual(
    late.map(({ container }) => container?.phase),
    ['running'],
  );
});

test('the wait at the gate does not count for the deadline of the call', async () => {
  const { engine, executor, answers, advance } = setUp(1);
  engine.callMs = 40_000;
  for (const botId of ['a', 'b', 'c']) executor.execute(start(botId));
  await advance(130_000);
  assert.deepEqual(
    answers.map(({ botId, message }) => `${botId} ${message.kind}`),
    ['a effect-done', 'b effect-done', 'c effect-done'],
  );
});

test('a start whose bot has changed by its turn is superseded', async () => {
  const { engine, executor, answers, definitions, advance } = setUp();
  definitions.set('a', aBot('a', { specRevision: 'r2' }));
  executor.execute(start('a'));
  await advance(100);
  const { message } = answers[0] ?? assert.fail();
  assert.ok(message.kind === 'effect-failed');
  assert.equal(message.failure.code, 'superseded');
  assert.deepEqual(engine.calls, []);
});

test('once closed it begins nothing', async () => {
  const { engine, executor, advance } = setUp(1);
  engine.holds = (kind) => kind === 'start';
  executor.execute(start('a'));
  executor.execute(start('b'));
  executor.execute(inspect('a'));
  executor.close();
  executor.execute(inspect('c'));
  engine.held[0]?.release();
  await advance(1_000);
  assert.deepEqual(engine.calls, ['start a']);
});
