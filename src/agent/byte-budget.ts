import { monotonicMs } from '../storage/monotonic-clock.ts';

export interface BudgetPauses {
  /** Nobody waits longer, whatever was moved. */
  readonly longestWaitMs: number;
  /** A debt of so long keeps nobody waiting: after a quiet time much may be moved at once. */
  readonly creditMs: number;
}

/** How much may be moved on the average: who has moved much waits until that is paid for. */
export class ByteBudget {
  readonly #bytesPerSecond: number;
  readonly #pauses: BudgetPauses;
  readonly #now: () => number;
  #paidAt = 0;

  /** @param bytesPerSecond 0: no limit @param now milliseconds, never set back */
  constructor(bytesPerSecond: number, pauses: BudgetPauses, now: () => number = monotonicMs) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#pauses = pauses;
    this.#now = now;
  }

  /** Milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.#paidAt - this.#pauses.creditMs - this.#now());
  }

  spend(bytes: number): void {
    if (this.#bytesPerSecond === 0) return;
    const { longestWaitMs, creditMs } = this.#pauses;
    const now = this.#now();
    const costMs = (bytes / this.#bytesPerSecond) * 1_000;
    this.#paidAt = Math.min(Math.max(now, this.#paidAt) + costMs, now + creditMs + longestWaitMs);
  }
}
