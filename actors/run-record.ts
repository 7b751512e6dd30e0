import type { Incarnation } from './observation.ts';

/**
 * What the run ledger has of one scheduled bot. An *occurrence* is one time at which its schedule is due, in Unix seconds, and
 * names the run that answers it.
 *
 *     (due) ── claim ──► claimed ── container seen running ──► started ── container seen ended ──► finished
 *                           └─ not started in time, or nobody wants it any more ──► missed
 */
export interface ScheduleRecord {
  /** The expression that `next` was made from; null when that is not known, such as by the Go runtime. */
  readonly schedule: string | null;
  /** The next occurrence, in Unix seconds; null: there is none, or nobody has reckoned it yet. */
  readonly next: number | null;
  /** The newest run. */
  readonly run: RunRecord | null;
}

export interface RunRecord {
  readonly occurrence: number;
  readonly state: 'claimed' | 'started' | 'finished' | 'missed';
  /** Of the claim. */
  readonly incarnation: Incarnation;
  /** Milliseconds since the epoch. */
  readonly claimedAt: number;
  /** Claimed by this runtime, or by the same one before it was started anew. Nobody else starts it. */
  readonly mine: boolean;
  /** Of a finished one; null when it is not known. */
  readonly exitCode: number | null;
}

/** What an actor asks of the ledger. Each is one atomic step. */
export type LedgerRequest =
  | { readonly op: 'read' }
  /** Sets the schedule and its next occurrence, unless `next` is not `expected` any more. */
  | {
      readonly op: 'plan';
      readonly schedule: string;
      readonly expected: number | null;
      readonly next: number | null;
    }
  /** Takes an occurrence later than the last and moves on, unless `next` is not `expected` any more or a run is open. */
  | {
      readonly op: 'claim';
      readonly occurrence: number;
      readonly expected: number | null;
      readonly next: number | null;
      readonly incarnation: Incarnation;
      /** When it was due, in milliseconds: who was due first goes first. */
      readonly dueAt: number;
    }
  /** The run of this occurrence is open, and is not to be begun again from here on. */
  | { readonly op: 'started'; readonly occurrence: number }
  | { readonly op: 'finished'; readonly occurrence: number; readonly exitCode: number | null }
  /** It was claimed and will not be run. */
  | { readonly op: 'missed'; readonly occurrence: number };

/** A run of which the end is not recorded. */
export function openRun(record: ScheduleRecord | null | undefined): RunRecord | null {
  const run = record?.run ?? null;
  return run !== null && (run.state === 'claimed' || run.state === 'started') ? run : null;
}
