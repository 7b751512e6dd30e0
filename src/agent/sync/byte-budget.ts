import { monotonicMs } from '../../storage/monotonic-clock.ts';

/** How much may be moved on the average: who has moved much waits until that is paid for. */
export class ByteBudget {
  readonly #bytesPerSecond: number;
  readonly #longestWaitMs: number;
  #affordableAt = 0;

  /** @param bytesPerSecond 0: no limit */
  constructor(bytesPerSecond: number, longestWaitMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#longestWaitMs = longestWaitMs;
  }

  /** Milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.#affordableAt - monotonicMs());
  }

  spend(bytes: number): void {
    if (this.#bytesPerSecond === 0) return;
    const costMs = (bytes / this.#bytesPerSecond) * 1_000;
    this.#affordableAt = monotonicMs() + Math.min(costMs, this.#longestWaitMs);
  }
}
