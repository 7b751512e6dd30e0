import type { ExitFacts } from './observation.ts';
import type { LedgerRequest, ScheduleRecord } from './run-record.ts';

/** What the actor of a scheduled bot knows besides. Plain data; times in milliseconds since the epoch. */
export interface ScheduleState {
  /** Since when this actor watches the schedule: what was due before was missed while nobody did. */
  readonly since: number;
  /** As the ledger last said; null: it knows nothing of the bot. Undefined: it must be asked first. */
  readonly record: ScheduleRecord | null | undefined;
  /** The answer that is awaited. */
  readonly asking: LedgerAsk | null;
  readonly lastAsk: number;
  /** A claim was given up while it waited, and may have been carried out: ask before anything is concluded. */
  readonly unsure: boolean;
  /** The operator wants a run besides the schedule. */
  readonly runNow: boolean;
  /** The next occurrence is to be reckoned anew from now. */
  readonly replan: boolean;
  /** When to look again: at the next occurrence, or at the end of what a run may last; 0: not by time. */
  readonly dueAt: number;
  /** How the run in hand ended, until that is recorded. */
  readonly exit: ExitFacts | null;
}

export interface LedgerAsk {
  readonly ask: number;
  readonly request: LedgerRequest;
  readonly deadlineAt: number;
}

export function newSchedule(now: number): ScheduleState {
  return {
    since: now,
    record: undefined,
    asking: null,
    lastAsk: 0,
    unsure: false,
    runNow: false,
    replan: false,
    dueAt: 0,
    exit: null,
  };
}
