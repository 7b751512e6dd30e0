/** Of the seconds of budget that may be saved up for a burst. */
const BURST_SECONDS = 4;

/**
 * How much of a bot's output is kept. A token bucket with a memory: once something was dropped, everything is, until a
 * second's worth has been saved up. So a flood leaves stretches of unbroken lines and one notice a second, not confetti.
 *
 *        tokens used up
 *   open ──────────────► dropping
 *        ◄──────────────
 *      a second's worth saved
 */
export class LogBudget {
  readonly bytesPerSecond: number;
  #tokens: number;
  #refilledAt: number;
  #dropping = false;

  /** @param bytesPerSecond 0: no limit */
  constructor(bytesPerSecond: number, now: number) {
    this.bytesPerSecond = bytesPerSecond;
    this.#tokens = bytesPerSecond * BURST_SECONDS;
    this.#refilledAt = now;
  }

  /** May so many bytes be kept? A block is taken or refused as a whole; the last one may overdraw. */
  admit(bytes: number, now: number): boolean {
    if (this.bytesPerSecond === 0) return true;
    const earned = (this.bytesPerSecond * (now - this.#refilledAt)) / 1_000;
    this.#tokens = Math.min(this.#tokens + earned, this.bytesPerSecond * BURST_SECONDS);
    this.#refilledAt = now;
    this.#dropping = this.#tokens < (this.#dropping ? this.bytesPerSecond : 0);
    if (this.#dropping) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** From when on lines are kept again, as long as no more come; milliseconds on the clock of `admit`. */
  get reopensAt(): number {
    return this.#refilledAt + ((this.bytesPerSecond - this.#tokens) / this.bytesPerSecond) * 1_000;
  }
}
