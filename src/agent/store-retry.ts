import type { RetryPolicy } from '../storage/retry.ts';
import type { AgentLimits } from './agent-limits.ts';

type RetryLimits = Pick<AgentLimits, 'storeAttempts' | 'storeRetryMs' | 'storeRetryCapMs'>;

/** For what may be asked again. */
export function storeRetry({ storeAttempts, storeRetryMs, storeRetryCapMs }: RetryLimits): RetryPolicy {
  return {
    attempts: storeAttempts,
    firstPauseMs: storeRetryMs,
    longestPauseMs: storeRetryCapMs,
    random: Math.random,
  };
}

const LONGEST_LAST_PAUSE_MS = 2_000;

/** For what is lost if it is not stored now: without an end of its own, so there must be a signal, and never far apart. */
export function lastRetry(limits: RetryLimits): RetryPolicy {
  return { ...storeRetry(limits), attempts: Number.POSITIVE_INFINITY, longestPauseMs: LONGEST_LAST_PAUSE_MS };
}
