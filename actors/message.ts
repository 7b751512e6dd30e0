import type { BotSpec } from './bot-spec.ts';
import type { Incarnation, Observation } from './observation.ts';
import type { Reason, ReasonFacts } from './reason.ts';
import type { ScheduleRecord } from './run-record.ts';

/** Everything an actor of a bot can receive. */
export type BotMessage =
  | DesiredMessage
  | RemovedMessage
  | ObservedMessage
  | EffectDoneMessage
  | EffectFailedMessage
  | LedgerDoneMessage
  | LedgerFailedMessage
  | TimerMessage
  | DependencyMessage
  | CommandMessage
  | QuestionMessage;

/** The bot is desired like this. Also the first message of every actor. */
export interface DesiredMessage {
  readonly kind: 'desired';
  readonly spec: BotSpec;
  /** What the journal remembers; given once, with the first message after a start of the runtime or of a shard. */
  readonly memory?: BotMemory;
  readonly inFlight?: InFlightEffect;
}

/** An engine effect of this bot that was in flight when its shard was replaced; its answer is still to come. */
export interface InFlightEffect {
  readonly effect: EngineEffectKind;
  readonly incarnation: Incarnation;
}

/** Nobody desires the bot any more. The actor ends its container and then itself (effect `ended`). */
export interface RemovedMessage {
  readonly kind: 'removed';
  /**
   * - `deleted`: act at once
   * - `shutdown`: the runtime ends all bots; act at once, the bot is still desired when it starts again
   * - `unknown`: a container nobody desires was found; wait for the grace first
   */
  readonly cause: 'deleted' | 'shutdown' | 'unknown';
  readonly botId: string;
  readonly inFlight?: InFlightEffect;
}

export interface ObservedMessage {
  readonly kind: 'observed';
  readonly observation: Observation;
}

export type EngineEffectKind = 'start' | 'stop' | 'remove' | 'inspect';

/** The engine did it. What came of it is in the observation. */
export interface EffectDoneMessage {
  readonly kind: 'effect-done';
  readonly effect: EngineEffectKind;
  readonly incarnation: Incarnation;
  readonly observation: Observation;
}

export interface EffectFailedMessage {
  readonly kind: 'effect-failed';
  readonly effect: EngineEffectKind;
  readonly incarnation: Incarnation;
  readonly failure: EngineFailure;
}

/**
 * Why an engine could not do it.
 * - `unreachable`, `image-missing`: a dependency; tried again when it is back, does not count as a crash
 * - `keys-unavailable`: the object store gives no keys for the bot now (facts `detail`); the same
 * - `standing-by`: another runtime keeps the bot, and this one must change nothing (facts `detail`: which, in a sentence); nothing was done
 * - `program-missing`: the host has no interpreter for this runtime (facts `program`): blocks
 * - `code-unavailable`: facts `detail`: backs off
 * - `name-taken`: another container has the bot's name (facts `containerId`, `owner`): backs off
 * - `superseded`: the desired state changed before the start was carried out: ask again
 * - `rejected`: anything else the engine said (facts `detail`): backs off
 */
export interface EngineFailure {
  readonly code:
    | 'unreachable'
    | 'keys-unavailable'
    | 'standing-by'
    | 'image-missing'
    | 'program-missing'
    | 'code-unavailable'
    | 'name-taken'
    | 'superseded'
    | 'rejected';
  readonly facts: ReasonFacts;
}

/** The ledger answered. What came of it is in the record. */
export interface LedgerDoneMessage {
  readonly kind: 'ledger-done';
  readonly ask: number;
  /** Null: it knows nothing of this bot. */
  readonly record: ScheduleRecord | null;
}

/** The ledger could not be asked, or its answer did not come; it may have done it all the same. */
export interface LedgerFailedMessage {
  readonly kind: 'ledger-failed';
  readonly ask: number;
  /** What it said, for people. */
  readonly detail: string;
}

export interface TimerMessage {
  readonly kind: 'timer';
  readonly name: TimerName;
  readonly incarnation: Incarnation;
}

/**
 * - `retry`: backoff is over
 * - `deadline`: an expected change was not seen; ask for an inspect
 * - `grace`: a container nobody desires has been tolerated long enough
 * - `due`: an occurrence of a schedule is due, or a run has lasted as long as it may
 * - `ledger`: the ledger has not answered
 */
export type TimerName = 'retry' | 'deadline' | 'grace' | 'due' | 'ledger';

/** A dependency came back (the engine was reached again, the image is there). */
export interface DependencyMessage {
  readonly kind: 'dependency';
  readonly name: 'engine';
  readonly available: true;
}

export interface CommandMessage {
  readonly kind: 'command';
  /**
   * - `restart`: replace the container; of a scheduled bot: run it once now, besides its schedule
   * - `reset`: forget `blocked` and `backing-off` and try now; of a scheduled bot: reckon its next run anew from now
   * - `renew-keys`: replace the container, whose keys to the object store end; nothing to a scheduled bot, whose run has keys of its own
   */
  readonly verb: 'restart' | 'reset' | 'renew-keys';
}

/** Answered by an `answer` effect with the same `askId`: a {@link BotStatus}. */
export interface QuestionMessage {
  readonly kind: 'question';
  readonly askId: number;
}

/** What survives a restart of the runtime; written with every transition, read back from the journal. */
export interface BotMemory {
  readonly incarnation: Incarnation;
  /** Crashes in a row; 0 after 60 s of health. Decides the next backoff. */
  readonly attempt: number;
  /** Restarts after a crash since the bot was first seen. */
  readonly restarts: number;
  /** 0: no backoff is running. */
  readonly backoffUntil: number;
  readonly reason: Reason | null;
}
