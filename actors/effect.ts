import type { BotKind } from './bot-spec.ts';
import type { BotMemory, BotMessage, TimerName } from './message.ts';
import type { Endpoint, Incarnation } from './observation.ts';
import type { Reason } from './reason.ts';
import type { Route } from './route.ts';
import type { LedgerRequest } from './run-record.ts';

/** Everything an actor can ask for. An effect is data; whoever carries it out answers with a message. */
export type BotEffect =
  | EngineEffect
  | LedgerEffect
  | TimerEffect
  | CancelTimerEffect
  | RouteEffect
  | RecordEffect
  | AnswerEffect
  | EndedEffect;

/** At most one engine effect per bot is in flight. Each is answered by `effect-done` or `effect-failed`. */
export type EngineEffect = StartEffect | StopEffect | RemoveEffect | InspectEffect;

export interface StartEffect {
  readonly kind: 'start';
  readonly botId: string;
  readonly incarnation: Incarnation;
  /** The definition to run; the executor answers `superseded` when the roster holds another by now. */
  readonly specRevision: string;
  /** Start this exited container again instead of creating a new one. */
  readonly inPlace: string | null;
  /** The occurrence that this run of a scheduled bot answers, in Unix seconds; absent for a realtime one. */
  readonly occurrence?: number;
  /** When it is too late to begin, in milliseconds since the epoch; the executor answers `superseded` then. */
  readonly notAfter?: number;
  /** A restart or a live change goes before the flood of first starts. */
  readonly priority: 'live' | 'flood';
}

export interface StopEffect {
  readonly kind: 'stop';
  readonly botId: string;
  readonly incarnation: Incarnation;
  readonly containerId: string;
}

/** Removes a container, running or not, with all its processes. */
export interface RemoveEffect {
  readonly kind: 'remove';
  readonly botId: string;
  readonly incarnation: Incarnation;
  readonly containerId: string;
}

export interface InspectEffect {
  readonly kind: 'inspect';
  readonly botId: string;
  readonly incarnation: Incarnation;
}

/** Asks the run ledger; answered by `ledger-done` or `ledger-failed` with the same `ask`. One per bot is awaited. */
export interface LedgerEffect {
  readonly kind: 'ledger';
  readonly botId: string;
  /** Only grows. */
  readonly ask: number;
  readonly request: LedgerRequest;
}

/** Kept by the kernel: sends `message` to this actor at `at`. A timer of the same key replaces the older. */
export interface TimerEffect {
  readonly kind: 'timer';
  readonly key: TimerName;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly message: BotMessage;
}

export interface CancelTimerEffect {
  readonly kind: 'cancel-timer';
  readonly key: TimerName;
}

/** Publish where queries to this bot go, or withdraw it (`route` null). */
export interface RouteEffect {
  readonly kind: 'route';
  readonly botId: string;
  readonly route: Route | null;
}

/** One transition: goes to the journal, which keeps the newest `memory` of each bot for the next start. */
export interface RecordEffect {
  readonly kind: 'record';
  readonly botId: string;
  readonly from: BotState;
  readonly to: BotState;
  readonly reason: Reason;
  readonly memory: BotMemory;
}

export interface AnswerEffect {
  readonly kind: 'answer';
  readonly askId: number;
  readonly status: BotStatus;
}

/** The actor's work is over (bot deleted, container gone); it may be forgotten. */
export interface EndedEffect {
  readonly kind: 'ended';
  readonly botId: string;
}

/** `idle`: a scheduled bot between two runs. */
export type BotState = 'waiting' | 'idle' | 'starting' | 'running' | 'stopping' | 'backing-off' | 'blocked' | 'stopped';

/** What `ls` and `why` show: the live truth of one bot, straight from its actor. */
export interface BotStatus {
  readonly id: string;
  readonly kind: BotKind;
  readonly state: BotState;
  readonly reason: Reason;
  readonly restarts: number;
  /** Since when it is in this state; milliseconds since the epoch. */
  readonly since: number;
  /** When the next try is due, or null. */
  readonly retryAt: number | null;
  /** When a scheduled bot runs next, in milliseconds since the epoch; null when that is never, or not known. */
  readonly nextRunAt: number | null;
  readonly endpoint: Endpoint | null;
  readonly queryable: boolean;
  readonly containerId: string | null;
  /** The container was made by an older shape of the runtime (image, limits); `restart` renews it. */
  readonly outdated: boolean;
  /** The last few reasons, oldest first. */
  readonly history: readonly Reason[];
}
