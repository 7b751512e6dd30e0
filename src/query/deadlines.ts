/** Something that must not last beyond a moment, which may move closer meanwhile. */
export interface Timed {
  /** Milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  /** Called once, at most {@link TICK_MS} late. */
  expire(): void;
}

/**
 * The deadlines of all queries in flight, looked through now and then: two orders of magnitude cheaper per query than a
 * timer each, and few queries ever reach theirs.
 */
export class Deadlines {
  readonly #timed = new Set<Timed>();
  #timer: NodeJS.Timeout | null = null;

  add(timed: Timed): void {
    this.#timed.add(timed);
    this.#timer ??= setTimeout(() => this.#sweep(), TICK_MS);
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed);
  }

  get size(): number {
    return this.#timed.size;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timed.clear();
  }

  #sweep(): void {
    const now = performance.now();
    for (const timed of this.#timed) {
      if (timed.deadlineAt > now) continue;
      this.#timed.delete(timed);
      timed.expire();
    }
    this.#timer = this.#timed.size > 0 ? setTimeout(() => this.#sweep(), TICK_MS) : null;
  }
}

const TICK_MS = 20;
