import type { BotSpec } from './bot-spec.ts';
import type { BotState } from './effect.ts';
import type { BotMemory, EngineEffectKind } from './message.ts';
import type { ContainerFacts, Incarnation, Observation } from './observation.ts';
import type { Reason } from './reason.ts';
import type { Route } from './route.ts';
import type { ScheduleState } from './schedule-state.ts';

/** What one actor knows. Plain data, and small: there may be a hundred thousand. All times in milliseconds since the epoch. */
export interface BotActorState {
  readonly id: string;
  readonly state: BotState;
  readonly since: number;
  /** The newest few reasons, oldest first; the last one is why the bot is in its state. */
  readonly history: readonly Reason[];

  // What is desired
  readonly wish: Wish;
  /** The last one, also of a bot that is not desired any more; null when it never was. */
  readonly spec: BotSpec | null;
  /** Why the next start will be made. */
  readonly startCause: StartCause;
  /** Why a new container is wanted, whatever the present one looks like; null: it is not. */
  readonly renew: 'operator-restart' | 'keys-renewed' | null;
  /** What forbids a start until the bot changes or the operator says so. */
  readonly obstacle: 'program-missing' | 'actor-failed' | null;

  // What is known of the container
  /** Undefined: nothing is known. Null: there is none. */
  readonly seen: ContainerFacts | null | undefined;
  /** What is known may be wrong: ask before acting on it. */
  readonly inDoubt: boolean;
  /** When the engine last said how things are; an exit before that is no news. */
  readonly knownUntil: number;
  /** 0 while it does not run. */
  readonly upSince: number;

  // What was asked of the engine
  readonly inFlight: InFlight | null;
  /** What was observed while an effect is in flight, looked at when its answer is there. */
  readonly held: Observation | null;
  /** A start was asked for and it is not known yet what came of it. */
  readonly launched: boolean;
  /** A stop or removal was asked for: an exit is no crash. */
  readonly stopAsked: boolean;
  /** The start that is current. */
  readonly incarnation: Incarnation;
  /** The largest ever seen; the next start gets a larger one. */
  readonly lastIncarnation: Incarnation;

  // What is to be waited for
  /** Failures in a row. */
  readonly attempt: number;
  readonly restarts: number;
  /** Nothing is asked of the engine before; 0: nothing to wait for. */
  readonly retryAt: number;
  /** Until when a container that nobody desires is tolerated; 0: none is. */
  readonly graceUntil: number;

  /** Of a scheduled bot; null as long as it is none. */
  readonly schedule: ScheduleState | null;

  /** As last published; undefined: by an actor before this one, if at all. */
  readonly route: Route | null | undefined;
}

/**
 * - `none`: not heard of yet
 * - `desired`: what the spec says
 * - `orphan`: a container was found that nobody desires; tolerated for a grace, then `not-desired`
 * - `deleted`, `not-desired`, `shut-down`: to be ended (these are also the codes of the reason)
 */
export type Wish = 'none' | 'desired' | 'orphan' | 'deleted' | 'not-desired' | 'shut-down';

export type StartCause =
  | 'first-start'
  | 'restart-after-crash'
  | 'spec-changed'
  | 'enabled'
  | 'operator-restart'
  | 'operator-reset'
  | 'keys-renewed';

export interface InFlight {
  readonly effect: EngineEffectKind;
  readonly incarnation: Incarnation;
  /** What was desired when it was asked for. */
  readonly specRevision: string;
  readonly deadlineAt: number;
  /** The deadline passed, and an inspect was asked for besides. */
  readonly overdue: boolean;
}

const NO_HISTORY: readonly Reason[] = [];

export function initialState(id: string): BotActorState {
  return {
    id,
    state: 'waiting',
    since: 0,
    history: NO_HISTORY,
    wish: 'none',
    spec: null,
    startCause: 'first-start',
    renew: null,
    obstacle: null,
    seen: undefined,
    inDoubt: false,
    knownUntil: 0,
    upSince: 0,
    inFlight: null,
    held: null,
    launched: false,
    stopAsked: false,
    incarnation: 0,
    lastIncarnation: 0,
    attempt: 0,
    restarts: 0,
    retryAt: 0,
    graceUntil: 0,
    schedule: null,
    route: undefined,
  };
}

/** What must survive a restart of the runtime. */
export function memoryOf(state: BotActorState): BotMemory {
  return {
    incarnation: state.lastIncarnation,
    attempt: state.attempt,
    restarts: state.restarts,
    backoffUntil: state.state === 'backing-off' ? state.retryAt : 0,
    reason: state.history.at(-1) ?? null,
  };
}
