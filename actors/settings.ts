import type { RestartPolicy } from './restart-policy.ts';

/** What is the same for all bots of a runtime. Times in milliseconds. */
export interface BotActorSettings {
  readonly restart: RestartPolicy;
  /** A start that was not confirmed after this long is looked into (`inspect`). */
  readonly startDeadlineMs: number;
  /** The same for stop, remove and inspect; counts from the request, so it must be longer than the stop grace. */
  readonly stopDeadlineMs: number;
  /** How long a container that nobody desires is tolerated. */
  readonly orphanGraceMs: number;
  /** How often something is tried again that waits for a dependency, besides when the dependency says that it is back. */
  readonly dependencyRetryMs: number;
  /**
   * `owner`: brings about what is desired. `observer`: only looks, and says where queries go; it never asks for anything that
   * changes something.
   */
  readonly role: 'owner' | 'observer';
  readonly schedule: ScheduleSettings;
  /** How many of its newest reasons an actor keeps; at least 1. */
  readonly historyLength: number;
}

/** What is the same for all scheduled bots. Times in milliseconds. */
export interface ScheduleSettings {
  /** Zone of expressions that name none: IANA name. */
  readonly timeZone: string;
  /** A run that was claimed and has not been started after this long is recorded as missed. */
  readonly misfireMs: number;
  /**
   * A claim of another runtime counts as never begun only this much later than one's own would: longer than any start may
   * take there, with clocks that differ.
   */
  readonly foreignClaimMs: number;
  /** A run that lasts longer is ended; 0: none is. */
  readonly longestRunMs: number;
  /** Runs begin up to this much after they are due, each bot always by the same part of it; 0: at once. */
  readonly jitterMs: number;
  /** How long an answer of the ledger is awaited. */
  readonly ledgerDeadlineMs: number;
  /** A timer for a later time than this is set in steps, so that a clock that is set forward is noticed. */
  readonly lookAgainMs: number;
}
