/**
 * How many bytes of large bodies this thread holds. Small ones (up to {@link FREE_BYTES}) are not counted: the number of
 * queries in flight bounds them, and the hot path stays free of book-keeping.
 */
export class HeldBytes {
  readonly limit: number;
  #held = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** @returns false, and takes nothing, when that would exceed the limit */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.limit) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }

  get held(): number {
    return this.#held;
  }
}

/** One body's part of it: grows with the body, is given back at once. */
export class HeldBody {
  readonly #of: HeldBytes;
  #taken = 0;

  constructor(of: HeldBytes) {
    this.#of = of;
  }

  /** @returns false when there is no room for a body of this size */
  cover(bodyBytes: number): boolean {
    const more = bodyBytes - FREE_BYTES - this.#taken;
    if (more <= 0) return true;
    // In steps, so that a body that grows by small reads does not ask for each.
    const step = Math.max(more, FREE_BYTES);
    if (!this.#of.take(step)) return false;
    this.#taken += step;
    return true;
  }

  release(): void {
    if (this.#taken === 0) return;
    this.#of.give(this.#taken);
    this.#taken = 0;
  }
}

const FREE_BYTES = 64 * 1024;
