import type { BotBehavior } from '../../actors/behavior.ts';
import type { BotActorState } from '../../actors/bot-actor-state.ts';
import type { BotEffect, BotState } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { BotStep } from '../../actors/realtime-bot.ts';
import { describeReason, isReasonCode } from '../../actors/reason.ts';

/**
 * What must hold after every message, whatever happened before: wraps the actors and looks at every step.
 *
 * - a transition begins where the last one ended, and has a reason that reads as a sentence
 * - an engine effect is given only when none is awaited; the one exception is an inspect behind an overdue one
 * - a message gives at most one engine effect
 * - timers exist exactly as long as the state says that something is awaited, and never reach far ahead
 */
export function watchful(
  actors: BotBehavior,
  options: {
    longestTimerMs: number;
    onViolation: (text: string) => void;
    /** Asked before each message; true makes the actor throw. */
    fails: (message: BotMessage) => boolean;
  },
): BotBehavior {
  const timers = new Map<string, Map<string, number>>();
  const states = new Map<string, BotState>();

  function check(before: BotActorState, step: BotStep, now: number, cause: string): BotStep {
    const { state, effects } = step;
    const { id } = state;
    const wrong = (text: string) => options.onViolation(`${id}: ${text} (after ${cause})`);
    const asked = effects.filter(isEngineEffect);
    if (asked.length > 1) wrong(`${asked.length} engine effects in one step`);
    for (const effect of asked) {
      const { inFlight } = before;
      const overdue = effect.kind === 'inspect' && inFlight !== null && inFlight.deadlineAt <= now;
      const answered = cause === 'effect-done' || cause === 'effect-failed';
      if (inFlight !== null && !overdue && !answered) wrong(`${effect.kind} while ${inFlight.effect} is in flight`);
    }
    for (const effect of effects) {
      if (effect.kind === 'record') {
        const expected = states.get(id) ?? before.state;
        if (effect.from !== expected) wrong(`transition from ${effect.from} instead of ${expected}`);
        states.set(id, effect.to);
        if (!isReasonCode(effect.reason.code)) wrong(`unknown reason ${String(effect.reason.code)}`);
        if (describeReason(effect.reason).text.includes('undefined')) wrong(`bad sentence for ${effect.reason.code}`);
      }
    }
    if (state.state !== (states.get(id) ?? state.state)) wrong(`state became ${state.state} without a transition`);
    checkTimers(step, now, wrong);
    if (effects.some((effect) => effect.kind === 'ended')) {
      timers.delete(id);
      states.delete(id);
    }
    return step;
  }

  function checkTimers({ state, effects }: BotStep, now: number, wrong: (text: string) => void): void {
    const mine = timers.get(state.id) ?? new Map<string, number>();
    timers.set(state.id, mine);
    for (const effect of effects) {
      if (effect.kind === 'cancel-timer') mine.delete(effect.key);
      if (effect.kind === 'timer') {
        mine.set(effect.key, effect.at);
        if (effect.at > now + options.longestTimerMs) wrong(`timer ${effect.key} is ${effect.at - now} ms ahead`);
      }
    }
    const wanted: Record<string, number> = {
      retry: state.retryAt,
      grace: state.graceUntil,
      deadline: state.inFlight?.deadlineAt ?? 0,
      due: state.schedule?.dueAt ?? 0,
      ledger: state.schedule?.asking?.deadlineAt ?? 0,
    };
    for (const [name, at] of Object.entries(wanted)) {
      if ((mine.get(name) ?? 0) !== at) wrong(`timer ${name} is set for ${mine.get(name) ?? 'never'}, not ${at}`);
    }
    const atRest = state.state === 'running' || state.state === 'stopped' || state.state === 'blocked';
    // A run under way may be awaited from the ledger, or by the clock.
    const isResting = atRest && state.schedule === null;
    if (isResting && !state.inDoubt && state.inFlight === null && state.wish !== 'orphan' && mine.size > 0) {
      wrong(`${state.state} and at rest, but has timers: ${[...mine.keys()].join(', ')}`);
    }
  }

  return {
    ...actors,
    initial(id) {
      timers.delete(id);
      states.delete(id);
      return actors.initial(id);
    },
    receive(state, message, now) {
      if (message.kind === 'timer') timers.get(state.id)?.delete(message.name);
      if (options.fails(message)) throw new Error('planted failure');
      return check(state, actors.receive(state, message, now), now, message.kind);
    },
    recover: (state, error, now, exhausted) =>
      check(state, actors.recover(state, error, now, exhausted), now, 'recover'),
  };
}

function isEngineEffect(effect: BotEffect): effect is BotEffect & { kind: 'start' | 'stop' | 'remove' | 'inspect' } {
  return effect.kind === 'start' || effect.kind === 'stop' || effect.kind === 'remove' || effect.kind === 'inspect';
}
