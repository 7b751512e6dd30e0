import { LONGEST_TIMER_MS } from '../../duration.ts';

/**
 * How long one call still waits for the store. Only waiting for the store counts: a caller that takes its time with the
 * bytes it reads uses nothing up.
 */
export class Patience {
  readonly #silenceMs: number;
  #leftMs: number;

  /** @param silenceMs longest single wait @param callMs all waits together */
  constructor(silenceMs: number, callMs: number) {
    this.#silenceMs = silenceMs;
    this.#leftMs = callMs;
  }

  /** The longest that the next wait may last; 0 when there is nothing left. */
  get waitMs(): number {
    return Math.max(0, Math.min(this.#silenceMs, this.#leftMs, LONGEST_TIMER_MS));
  }

  spend(ms: number): void {
    this.#leftMs -= ms;
  }

  /** An answer turns out to be large. */
  extend(ms: number): void {
    this.#leftMs += ms;
  }
}
