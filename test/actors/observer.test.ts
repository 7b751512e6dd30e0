import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBehavior } from '../../actors/behavior.ts';
import type { BotEffect } from '../../actors/effect.ts';
import type { BotMessage, EngineEffectKind } from '../../actors/message.ts';
import type { ContainerFacts } from '../../actors/observation.ts';
import { Random } from '../simulation/random.ts';
import { SETTINGS, SPEC, T0 } from './driver.ts';

const OBSERVERS = createBehavior({ ...SETTINGS, role: 'observer' });
/** What an observer may say. Everything else would change something, or wait for something to change. */
const HARMLESS = new Set<BotEffect['kind']>(['route', 'record', 'answer', 'ended']);

const RUNNING: ContainerFacts = {
  containerId: 'c1',
  incarnation: 7,
  specRevision: 'r1',
  shapeRevision: 's1',
  phase: 'running',
  paused: false,
  endpoint: { host: '10.0.0.2', port: 9476 },
};

function tell(state: ReturnType<typeof OBSERVERS.initial>, message: BotMessage, now = T0) {
  return OBSERVERS.receive(state, message, now);
}

function observed(container: ContainerFacts | null, at = T0): BotMessage {
  return { kind: 'observed', observation: { botId: SPEC.id, container, lastExit: null, at } };
}

test('an observer publishes where queries go, and withdraws it', () => {
  const desired = tell(OBSERVERS.initial(SPEC.id), { kind: 'desired', spec: SPEC });
  const seen = tell(desired.state, observed(RUNNING));
  assert.deepEqual(
    seen.effects.filter(({ kind }) => kind === 'route'),
    [{ kind: 'route', botId: SPEC.id, route: { endpoint: RUNNING.endpoint, incarnation: 7 } }],
  );
  assert.equal(OBSERVERS.snapshot(seen.state, T0).state, 'running');
  const gone = tell(seen.state, observed(null, T0 + 1));
  assert.deepEqual(
    gone.effects.filter(({ kind }) => kind === 'route'),
    [{ kind: 'route', botId: SPEC.id, route: null }],
  );
  assert.equal(OBSERVERS.snapshot(gone.state, T0).reason.code, 'seen-not-running');
  const late = tell(gone.state, observed(RUNNING, T0 - 1), T0 + 1);
  assert.deepEqual(late.effects, [], 'what is older than what was seen is no news');
});

test('an observer believes what it sees after the clock was set back', () => {
  const desired = tell(OBSERVERS.initial(SPEC.id), { kind: 'desired', spec: SPEC });
  const seen = tell(desired.state, observed(RUNNING));
  const back = T0 - 3_600_000;
  const elsewhere = { ...RUNNING, containerId: 'c2', incarnation: 8, endpoint: { host: '10.0.0.3', port: 9476 } };
  const moved = tell(seen.state, observed(elsewhere, back), back);
  assert.deepEqual(moved.state.route, { endpoint: elsewhere.endpoint, incarnation: 8 });
  const late = tell(moved.state, observed(null, back - 1), back);
  assert.deepEqual(late.effects, [], 'from then on in order again');
});

test('an observer forgets a bot that was deleted, with its route', () => {
  const desired = tell(OBSERVERS.initial(SPEC.id), { kind: 'desired', spec: SPEC });
  const seen = tell(desired.state, observed(RUNNING));
  const { effects } = tell(seen.state, { kind: 'removed', cause: 'deleted', botId: SPEC.id });
  assert.deepEqual(effects.map((effect) => (effect.kind === 'route' ? `route ${effect.route}` : effect.kind)).sort(), [
    'ended',
    'record',
    'route null',
  ]);
});

test('whatever it is told, an observer asks neither engine nor ledger for anything', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = new Random(seed);
    let state = OBSERVERS.initial(SPEC.id);
    for (let step = 0; step < 60; step += 1) {
      const now = T0 + step * 1_000;
      const message = anyMessage(random, now);
      const after = random.chance(0.05)
        ? OBSERVERS.recover(state, new Error('planted'), now, random.chance(0.5))
        : OBSERVERS.receive(state, message, now);
      const harmful = after.effects.filter((effect) => !HARMLESS.has(effect.kind) && !isLook(effect));
      assert.deepEqual(harmful, [], `seed ${seed}, after ${JSON.stringify(message)}`);
      state = after.state;
    }
  }
});

function isLook({ kind }: BotEffect): boolean {
  return kind === 'inspect' || kind === 'timer' || kind === 'cancel-timer';
}

function anyMessage(random: Random, now: number): BotMessage {
  const spec = {
    ...SPEC,
    kind: random.chance(0.5) ? 'realtime' : 'scheduled',
    schedule: random.pick([null, '* * * * * *', 'x']),
    enabled: random.chance(0.8),
    specRevision: random.pick(['r1', 'r2']),
  } as const;
  const container = random.chance(0.3)
    ? null
    : {
        ...RUNNING,
        phase: random.pick<ContainerFacts['phase']>(['created', 'running', 'exited']),
        specRevision: random.pick(['r1', 'r2']),
        ...(random.chance(0.5) ? { occurrence: 60 } : {}),
      };
  const exit = { incarnation: 7, code: 1, signal: null, outOfMemory: false, lastWords: null, at: now };
  const lastExit = random.chance(0.3) ? exit : null;
  const observation = { botId: SPEC.id, container, lastExit, at: now - random.between(0, 5_000) };
  const effect: EngineEffectKind = random.pick<EngineEffectKind>(['start', 'stop', 'remove', 'inspect']);
  const run = { occurrence: 60, state: 'claimed', incarnation: 1, claimedAt: now, mine: true, exitCode: null } as const;
  const messages: readonly [BotMessage, ...BotMessage[]] = [
    { kind: 'desired', spec, ...(random.chance(0.2) ? { inFlight: { effect, incarnation: 7 } } : {}) },
    { kind: 'removed', cause: random.pick(['deleted', 'unknown', 'shutdown']), botId: SPEC.id },
    { kind: 'observed', observation },
    { kind: 'effect-done', effect, incarnation: 7, observation },
    {
      kind: 'effect-failed',
      effect,
      incarnation: 7,
      failure: { code: random.pick(['unreachable', 'rejected']), facts: {} },
    },
    { kind: 'ledger-done', ask: 0, record: { schedule: '* * * * * *', next: 1, run } },
    { kind: 'ledger-failed', ask: 0, detail: 'x' },
    { kind: 'timer', name: random.pick(['retry', 'deadline', 'grace', 'due', 'ledger']), incarnation: 7 },
    { kind: 'dependency', name: 'engine', available: true },
    { kind: 'command', verb: random.pick(['restart', 'reset']) },
    { kind: 'question', askId: 1 },
  ];
  return random.pick(messages);
}
