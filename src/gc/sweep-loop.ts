import { setTimeout as sleep } from 'node:timers/promises';
import { LONGEST_TIMER_MS } from '../duration.ts';
import type { SweepReport } from './sweep-report.ts';

export interface SweepLoopOptions {
  readonly intervalMs: number;
  /** @throws only when the signal is aborted */
  readonly sweep: (signal: AbortSignal) => Promise<SweepReport>;
  readonly swept: (report: SweepReport) => void;
  /** Ends the loop, also in the middle of a sweep: the next one goes on where it ended. */
  readonly signal: AbortSignal;
}

/**
 * Sweeps, and again whenever so much time has passed since the last one ended. Ends when the signal is aborted, or after a
 * first sweep that failed: then something is set up wrong (contract 1.3). A refusal is no failure, for it may pass.
 * @returns whether it ended because it was told to
 */
export async function sweepLoop({ intervalMs, sweep, swept, signal }: SweepLoopOptions): Promise<boolean> {
  try {
    for (let isFirst = true; ; isFirst = false) {
      const report = await sweep(signal);
      swept(report);
      if (isFirst && report.problem !== null && !report.problem.isRefusal) return false;
      for (let leftMs = intervalMs; leftMs > 0; leftMs -= LONGEST_TIMER_MS) {
        await sleep(Math.min(leftMs, LONGEST_TIMER_MS), undefined, { signal });
      }
    }
  } catch (error) {
    if (signal.aborted) return true;
    throw error;
  }
}
