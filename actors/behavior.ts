/**
 * Words of this folder: an *actor* is what decides for one bot. It gets *messages* (what is desired, what was observed, what
 * the engine answered) and gives *effects* (what to ask of the engine, what to record and publish). Nothing here touches the
 * world: no I/O, no clock, no randomness.
 *
 * Start reading with `realtime-bot.ts`, then `scheduled-bot.ts`; `observer.ts` is for processes that own no bots.
 */
import { type BotActorState, initialState } from './bot-actor-state.ts';
import type { BotStatus } from './effect.ts';
import type { BotMessage } from './message.ts';
import { mergeObservations } from './observation.ts';
import { observe } from './observer.ts';
import { type BotStep, receive, recover } from './realtime-bot.ts';
import type { BotActorSettings } from './settings.ts';
import { statusOf } from './status.ts';

export type { BotActorSettings } from './settings.ts';

/** The actors' side of the kernel's `Behavior`, by shape: this folder imports nothing. */
export interface BotBehavior {
  initial(id: string): BotActorState;
  receive(state: BotActorState, message: BotMessage, now: number): BotStep;
  coalesce(older: BotMessage, newer: BotMessage): BotMessage;
  recover(state: BotActorState, error: Error, now: number, exhausted: boolean): BotStep;
  snapshot(state: BotActorState, now: number): BotStatus;
}

export function createBehavior(settings: BotActorSettings): BotBehavior {
  return {
    initial: initialState,
    receive:
      settings.role === 'observer'
        ? (state, message, now) => observe(state, message, now, settings)
        : (state, message, now) => receive(state, message, now, settings),
    coalesce(older, newer) {
      if (older.kind !== 'observed' || newer.kind !== 'observed') return newer;
      return { kind: 'observed', observation: mergeObservations(older.observation, newer.observation) };
    },
    recover: (state, error, now, exhausted) => recover(state, error, now, exhausted, settings),
    snapshot: (state) => statusOf(state),
  };
}
