import { performance } from 'node:perf_hooks';

/** Something that must not last beyond a moment, which may move closer meanwhile. */
export interface Timed {
  /** Milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  /** Where the deadlines keep it; -1 when they do not. Only they set it. */
  deadlineSlot: number;
  /** Called once, at most {@link TICK_MS} late. */
  expire(): void;
}

/**
 * The deadlines of all queries in flight, looked through now and then: far cheaper per query than a timer each, and few
 * queries ever reach theirs.
 */
export class Deadlines {
  readonly #timed: Timed[] = [];
  #timer: NodeJS.Timeout | null = null;

  add(timed: Timed): void {
    if (timed.deadlineSlot >= 0) return;
    timed.deadlineSlot = this.#timed.push(timed) - 1;
    this.#timer ??= setTimeout(() => this.#sweep(), TICK_MS);
  }

  delete(timed: Timed): void {
    const slot = timed.deadlineSlot;
    if (slot < 0) return;
    timed.deadlineSlot = -1;
    const last = this.#timed.pop();
    if (last === undefined || last === timed) return;
    // The last one takes the free place.
    last.deadlineSlot = slot;
    this.#timed[slot] = last;
  }

  get size(): number {
    return this.#timed.length;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timed.length = 0;
  }

  #sweep(): void {
    const now = performance.now();
    // First find, then expire: expiring moves places.
    for (const timed of this.#timed.filter(({ deadlineAt }) => deadlineAt <= now)) {
      this.delete(timed);
      timed.expire();
    }
    this.#timer = this.#timed.length > 0 ? setTimeout(() => this.#sweep(), TICK_MS) : null;
  }
}

const TICK_MS = 20;
