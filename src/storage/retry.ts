import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from './object-store.ts';

export interface RetryPolicy {
  /** Calls in all, the first included; at least 1. */
  readonly attempts: number;
  /** Before the second call; it doubles with each further one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** From 0 up to, not including, 1. Each pause is a random part of its length, so that thousands do not come back at once. */
  readonly random: () => number;
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Calls again while the store is `busy` or `unreachable`, and only then. Only for what has no effect (head, read, list), or
 * finds out by itself what effect it had: the port does not say whether a failed write took place.
 * @throws what the last call threw
 */
export async function retryRead<Value>(
  read: () => Promise<Value>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt >= policy.attempts || signal?.aborted || !mayPass(error)) throw error;
      await pauseBefore(attempt + 1, policy, signal);
      if (signal?.aborted) throw error;
    }
  }
}

/** Waits as long as the policy wants before this call, of which the first has number 1; less when the signal comes. */
export async function pauseBefore(attempt: number, policy: RetryPolicy, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 2));
  await (policy.pause ?? pauseFor)(policy.random() * longest, signal);
}

/** Whether it may be over when the store is asked again. */
export function mayPass(error: unknown): boolean {
  return error instanceof StoreError && (error.trouble === 'busy' || error.trouble === 'unreachable');
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
    // The caller looks at the signal itself.
  }
}
