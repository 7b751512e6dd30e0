import type { ScheduleRecord } from '../../actors/run-record.ts';

/**
 * Port: who runs which occurrence of which scheduled bot, so that each is run at most once after its start, whatever dies.
 *
 * Called by the supervisor only, with at most one call per bot at a time; another runtime may call for the same bot on the
 * same ledger at the same time, so each method is one atomic step. Each gives the record as it is after it, whether it
 * changed anything or not: what came of a call is in the record, and a call that failed may have been carried out all the same.
 *
 * Every wait inside is bounded. Methods throw an error for people when the ledger cannot be reached, read or written.
 */
export interface RunLedger {
  /** Null: nothing is known of the bot. */
  read(botId: string): Promise<ScheduleRecord | null>;
  /** Sets schedule and next occurrence, if `next` in the ledger still is `expected` (null: none). Creates the record. */
  plan(plan: Plan): Promise<ScheduleRecord | null>;
  /**
   * Takes `occurrence` for this runtime and sets `next`, if `next` in the ledger still is `expected`, no run is open, and
   * the occurrence is later than that of the last run. The run is then `claimed` and `mine`.
   */
  claim(claim: Claim): Promise<ScheduleRecord | null>;
  /** Claimed by this runtime becomes started; anything else stays as it is. */
  started(run: RunName): Promise<ScheduleRecord | null>;
  /** An open run becomes finished, whoever claimed it. */
  finished(run: RunName & { readonly exitCode: number | null }): Promise<ScheduleRecord | null>;
  /** A claimed run becomes missed, whoever claimed it. */
  missed(run: RunName): Promise<ScheduleRecord | null>;
  /** The bot is gone for good. */
  forget(botId: string): Promise<void>;
  close(): Promise<void>;
}

export interface Plan {
  readonly botId: string;
  readonly schedule: string;
  readonly expected: number | null;
  readonly next: number | null;
}

export interface Claim {
  readonly botId: string;
  /** Unix seconds, as `expected` and `next`. */
  readonly occurrence: number;
  readonly expected: number | null;
  readonly next: number | null;
  readonly incarnation: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface RunName {
  readonly botId: string;
  readonly occurrence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
