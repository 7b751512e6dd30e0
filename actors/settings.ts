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
  /** How many of its newest reasons an actor keeps; at least 1. */
  readonly historyLength: number;
}
