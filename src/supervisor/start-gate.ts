/**
 * Lets few starts through at a time: an engine asked for more gets slower, not faster (Docker: no gain above four at once).
 * Live changes (a restart, an edit) overtake the flood of first starts, and have permits of their own, so that a crashed bot
 * never waits behind a thousand cold ones.
 *
 *    live  ─────►┐ permits: flood + live
 *                ├──► run
 *    flood ─────►┘ permits: flood
 */
export class StartGate {
  readonly #floodPermits: number;
  readonly #allPermits: number;
  readonly #live = new Fifo<Waiting>();
  readonly #flood = new Fifo<Waiting>();
  #running = 0;

  /** @param floodPermits starts at a time; @param livePermits how many live ones may run on top of these */
  constructor(floodPermits: number, livePermits: number) {
    this.#floodPermits = floodPermits;
    this.#allPermits = floodPermits + livePermits;
  }

  get waiting(): number {
    return this.#live.size + this.#flood.size;
  }

  /** Runs `task` when it is let through. The queue is bounded by its callers: one start per bot at a time. */
  async pass<T>(priority: 'live' | 'flood', task: () => Promise<T>): Promise<T> {
    const permits = priority === 'live' ? this.#allPermits : this.#floodPermits;
    if (this.#running >= permits) {
      await new Promise<void>((admit) => (priority === 'live' ? this.#live : this.#flood).push(admit));
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.#admitNext();
    }
  }

  #admitNext(): void {
    const next =
      this.#running < this.#allPermits && this.#live.size > 0
        ? this.#live.shift()
        : this.#running < this.#floodPermits
          ? this.#flood.shift()
          : undefined;
    if (next === undefined) return;
    this.#running += 1;
    next();
  }
}

type Waiting = () => void;

/** A queue whose `shift` stays cheap when it is long (`Array.shift` moves every element of a large array). */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
