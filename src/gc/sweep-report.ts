/** Things removed, or that a dry run would remove. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
}

/** A bot that nobody knows, and what is stored of them. Times are milliseconds since 1970. */
export interface Orphan {
  readonly botId: string;
  readonly objects: number;
  readonly bytes: number;
  /** When the newest of it was written. */
  readonly writtenAt: number;
  /** When a sweep first found it orphaned. */
  readonly seenAt: number;
  /** When it may be removed, if nothing is written to it and nobody knows it until then. */
  readonly dueAt: number;
}

/**
 * - `known-bots-unreadable`: MongoDB did not answer
 * - `store-unreadable`: a listing of states or logs failed
 * - `ledger-unusable`: what earlier sweeps saw cannot be read or written
 * - `no-known-bots`, `no-stored-bot-known`, `too-many-orphans`: the answer of MongoDB does not look right
 */
export type ProblemCode =
  | 'known-bots-unreadable'
  | 'store-unreadable'
  | 'ledger-unusable'
  | 'no-known-bots'
  | 'no-stored-bot-known'
  | 'too-many-orphans';

/** Why no orphan was removed. */
export interface SweepProblem {
  readonly code: ProblemCode;
  readonly sentence: string;
  /** What to do; empty when it passes by itself or nobody can say. */
  readonly hint: string;
  /** True: everything answered, and the sweep did not trust it. */
  readonly isRefusal: boolean;
}

export interface SweepReport {
  readonly dryRun: boolean;
  readonly startedAt: number;
  readonly tookMs: number;
  readonly knownBots: number;
  /** Bots of which something is stored; at least so many. */
  readonly storedBots: number;
  readonly chunks: Tally;
  readonly uploads: Tally;
  readonly queryResults: Tally;
  /** Bots of which nothing is left. */
  readonly removedBots: number;
  readonly removedObjects: Tally;
  /** Keys of the store that were made for single bots; of those that no bot uses, which were removed, due, and not yet due. */
  readonly credentials: {
    readonly all: number;
    readonly removed: number;
    readonly due: number;
    readonly waiting: number;
  };
  /** Orphans that were due: removed, or in a dry run to be removed. */
  readonly due: readonly Orphan[];
  /** Orphans whose grace is not over. */
  readonly waiting: readonly Orphan[];
  /** More orphans than one sweep takes notice of. */
  readonly isPartial: boolean;
  /** Single things that could not be looked at or removed: how many, and sentences of the first. The next sweep tries again. */
  readonly failures: { readonly count: number; readonly first: readonly string[] };
  readonly problem: SweepProblem | null;
}
