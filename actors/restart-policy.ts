import type { Incarnation } from './observation.ts';

/**
 * How long a bot that failed waits before it is started again: at once after the first failure, then
 * `baseMs` × `factor`ⁿ with full jitter, so that bots that failed together do not come back together.
 */
export interface RestartPolicy {
  /** Before the first retry. Milliseconds; 0 to 50 keeps the promise of a quick restart. */
  readonly firstRetryMs: number;
  /** Upper end of the wait before the second retry. Milliseconds. */
  readonly baseMs: number;
  /** Growth of that upper end with every further failure; at least 1. */
  readonly factor: number;
  /** No wait is longer. Milliseconds. */
  readonly capMs: number;
  /** A bot that ran this long before it failed counts as never having failed. Milliseconds. */
  readonly healthyMs: number;
}

/**
 * @param attempt failures in a row before this one
 * @param incarnation of the start that failed
 * @returns milliseconds
 */
export function backoffMs(policy: RestartPolicy, botId: string, attempt: number, incarnation: Incarnation): number {
  if (attempt <= 0) return Math.min(policy.firstRetryMs, policy.capMs);
  const ceilingMs = Math.min(policy.capMs, policy.baseMs * policy.factor ** (attempt - 1));
  return Math.round(ceilingMs * fraction(`${botId}/${attempt}/${incarnation}`));
}

/** A number in [0, 1) that looks random but is a function of `seed`: actors are pure and roll no dice. */
export function fraction(seed: string): number {
  // FNV-1a, then the finalizer of MurmurHash3: FNV alone hardly changes its upper bits for a change at the end.
  let hash = 0x811c9dc5;
  for (let index = 0; index < seed.length; index += 1) {
    hash = Math.imul(hash ^ seed.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}
