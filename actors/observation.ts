import type { ReasonFacts } from './reason-kind.ts';

/**
 * What an engine has seen of one bot's container. Level-based: the newest observation replaces the older, except that the
 * last exit is kept until the actor has seen it (a crash followed by a start by hand must not be lost).
 */
export interface Observation {
  readonly botId: string;
  /** The newest facts, or null: no container of this bot exists. */
  readonly container: ContainerFacts | null;
  /** The last exit not yet seen by the actor. */
  readonly lastExit: ExitFacts | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface ContainerFacts {
  /** The engine's own handle; opaque to actors. */
  readonly containerId: string;
  /** The start this container runs under, see {@link Incarnation}. */
  readonly incarnation: Incarnation;
  readonly specRevision: string;
  readonly shapeRevision: string;
  readonly phase: 'created' | 'running' | 'exited';
  /** It runs, but somebody has frozen it (`docker pause`). */
  readonly paused: boolean;
  /** The occurrence it was made for, in Unix seconds, of a run of a scheduled bot; absent for a realtime bot. */
  readonly occurrence?: number;
  /** Where the bot's query server listens; null when it is not running or has none. */
  readonly endpoint: Endpoint | null;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Every start of a bot has a number that only grows: `max(now, last seen + 1)` in milliseconds. Effects, replies,
 * observations and timers name theirs; one that names another never changes an actor's state.
 */
export type Incarnation = number;

export interface ExitFacts {
  readonly incarnation: Incarnation;
  /** Null when the process was ended by a signal, or when the engine does not know. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  /** The agent's last words (design 6). Written inside the container, so not to be trusted beyond a message for people. */
  readonly lastWords: LastWords | null;
  readonly at: number;
}

/** The one JSON line an agent writes as its last act. `the0` is the format number. */
export interface LastWords {
  readonly the0: 1;
  readonly code: LastWordsCode;
  readonly facts: ReasonFacts;
}

/**
 * - `bot-exited`: the bot ended by itself; facts `exitCode` or `signal`, `detail` (last stderr line, config values masked)
 * - `bot-import-failed`: the wrapper could not load the bot (syntax error, missing dependency); facts `detail`
 * - `entrypoint-missing`: facts `path`
 * - `code-unavailable`, `state-unreadable`: facts `detail`
 * - `code-missing`: no such archive in the object store; facts `path`
 * - `code-archive-bad`: it cannot be unpacked; `code-too-large`: it is more than the limits allow; facts `path`, `detail`
 * - `store-denied`: facts `path`, `detail`; `store-unreachable`: facts `detail`
 * - `state-superseded`: a later start of this bot has stored its state
 * - `program-missing`: the interpreter is not there; facts `program`
 * - `stopped`: SIGTERM was obeyed; `killed-after-grace`: the bot ignored it; facts `graceMs`
 * - `environment-incomplete`: facts `variable`
 */
export type LastWordsCode =
  | 'bot-exited'
  | 'bot-import-failed'
  | 'entrypoint-missing'
  | 'code-unavailable'
  | 'code-missing'
  | 'code-archive-bad'
  | 'code-too-large'
  | 'store-denied'
  | 'store-unreachable'
  | 'state-unreadable'
  | 'state-superseded'
  | 'program-missing'
  | 'stopped'
  | 'killed-after-grace'
  | 'environment-incomplete';

/** Joins two observations that the actor has not seen yet. */
export function mergeObservations(older: Observation, newer: Observation): Observation {
  return newer.lastExit === null && older.lastExit !== null ? { ...newer, lastExit: older.lastExit } : newer;
}
