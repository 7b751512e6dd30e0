import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BotBehavior, createBehavior } from '../../actors/behavior.ts';
import type { BotStep } from '../../actors/realtime-bot.ts';
import { SIMULATED_SETTINGS, simulate } from './simulate.ts';

const SEEDS = 250;

test('whatever happens, bots end up as desired, and never run twice', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations } = simulate({ seed, weather: 'storm', stormMs: 40_000 });
    assert.deepEqual(
      violations,
      [],
      `replay: node test/simulation/sweep.ts --from ${seed} --seeds 1 --storm-ms 40000 --trace`,
    );
  }
});

test('in calm weather every bot is started exactly once', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { violations } = simulate({ seed, weather: 'calm' });
    assert.deepEqual(violations, [], `seed ${seed}`);
  }
});

test('when only the runtime and its shards are restarted, no bot is touched', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { violations } = simulate({ seed, weather: 'restarts', stormMs: 20_000 });
    assert.deepEqual(violations, [], `seed ${seed}`);
  }
});

test('the same seed gives the same run', () => {
  const runs = [1, 2].map(() => simulate({ seed: 7, weather: 'storm', tracing: true }).trace);
  assert.ok((runs[0]?.length ?? 0) > 100);
  assert.deepEqual(runs[0], runs[1]);
});

/** Bugs that were planted on purpose: the simulator must see each of them. */
const BUGS: Readonly<Record<string, (step: BotStep) => BotStep>> = {
  'starts twice': ({ state, effects }) => {
    const start = effects.find((effect) => effect.kind === 'start');
    return { state, effects: start === undefined ? effects : [...effects, start] };
  },
  'does not wait for answers': ({ state, effects }) => ({ state: { ...state, inFlight: null }, effects }),
  'forgets its retries': ({ state, effects }) => ({
    state,
    effects: effects.filter((effect) => effect.kind !== 'timer' || effect.key !== 'retry'),
  }),
  'forgets its deadlines': ({ state, effects }) => ({
    state,
    effects: effects.filter((effect) => effect.kind !== 'timer' || effect.key !== 'deadline'),
  }),
  'never withdraws a route': ({ state, effects }) => ({
    state,
    effects: effects.filter((effect) => effect.kind !== 'route' || effect.route !== null),
  }),
  'leaves timers behind': ({ state, effects }) => ({
    state,
    effects: effects.filter((effect) => effect.kind !== 'cancel-timer'),
  }),
};

for (const [name, plant] of Object.entries(BUGS)) {
  test(`the simulator sees an actor that ${name}`, () => {
    const actors = createBehavior(SIMULATED_SETTINGS);
    const buggy: BotBehavior = {
      ...actors,
      receive: (state, message, now) => plant(actors.receive(state, message, now)),
    };
    const caught = Array.from({ length: 40 }, (_, seed) => seed).find(
      (seed) => simulate({ seed, weather: 'storm', stormMs: 40_000, actors: buggy }).violations.length > 0,
    );
    assert.notEqual(caught, undefined);
  });
}

test('the simulator sees an actor that ignores a change of the spec', () => {
  const actors = createBehavior(SIMULATED_SETTINGS);
  const stubborn: BotBehavior = {
    ...actors,
    receive: (state, message, now) =>
      message.kind === 'desired' && state.spec !== null && state.wish === 'desired'
        ? { state, effects: [] }
        : actors.receive(state, message, now),
  };
  const caught = Array.from({ length: 20 }, (_, seed) => seed).find(
    (seed) => simulate({ seed, weather: 'storm', actors: stubborn }).violations.length > 0,
  );
  assert.notEqual(caught, undefined);
});

test('the simulator sees an actor that takes every report for the truth', () => {
  const actors = createBehavior(SIMULATED_SETTINGS);
  const gullible: BotBehavior = {
    ...actors,
    receive: (state, message, now) =>
      message.kind === 'observed' && state.inFlight === null
        ? actors.receive({ ...state, seen: undefined, inDoubt: false }, message, now)
        : actors.receive(state, message, now),
  };
  const caught = Array.from({ length: 100 }, (_, seed) => seed).find(
    (seed) => simulate({ seed, weather: 'storm', actors: gullible }).violations.length > 0,
  );
  assert.notEqual(caught, undefined);
});

test('the simulator sees an actor that ignores incarnations', () => {
  const actors = createBehavior(SIMULATED_SETTINGS);
  const careless: BotBehavior = {
    ...actors,
    receive(state, message, now) {
      const { inFlight } = state;
      const isAnswer = message.kind === 'effect-done' || message.kind === 'effect-failed';
      return isAnswer && inFlight !== null
        ? actors.receive(state, { ...message, effect: inFlight.effect, incarnation: inFlight.incarnation }, now)
        : actors.receive(state, message, now);
    },
  };
  const caught = Array.from({ length: 400 }, (_, seed) => seed).find(
    (seed) => simulate({ seed, weather: 'storm', actors: careless }).violations.length > 0,
  );
  assert.notEqual(caught, undefined);
});
