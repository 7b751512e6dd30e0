/**
 * Lets few starts through at a time: an engine asked for more gets slower, not faster (Docker: no gain above four at once).
 * Live changes (a restart, an edit) overtake the flood of first starts, and have permits of their own, so that a crashed bot
 * never waits behind a thousand cold ones. One permit is kept for the flood, so that bots that crash all the time never keep
 * a new one from its first start.
 *
 *    live  ─────►┐ permits: flood + live - 1
 *                ├──► run
 *    flood ─────►┘ permits: flood, of which live ones may take all but one
 */
export class StartGate {
  readonly #floodPermits: number;
  readonly #livePermits: number;
  readonly #allPermits: number;
  readonly #live = new Fifo<Waiting>();
  readonly #flood = new Fifo<Waiting>();
  #running = 0;
  #floodRunning = 0;

  /** @param floodPermits starts at a time; @param livePermits how many live ones may run on top of these */
  constructor(floodPermits: number, livePermits: number) {
    this.#floodPermits = floodPermits;
    this.#allPermits = floodPermits + livePermits;
    this.#livePermits = Math.max(1, this.#allPermits - 1);
  }

  get waiting(): number {
    return this.#live.size + this.#flood.size;
  }

  /** Runs `task` when it is let through. The queue is bounded by its callers: one start per bot at a time. */
  async pass<T>(priority: 'live' | 'flood', task: () => Promise<T>): Promise<T> {
    if (this.#hasRoom(priority)) this.#admit(priority);
    else await new Promise<void>((admitted) => (priority === 'live' ? this.#live : this.#flood).push(admitted));
    try {
      return await task();
    } finally {
      this.#running -= 1;
      if (priority === 'flood') this.#floodRunning -= 1;
      this.#admitWaiting('live', this.#live);
      this.#admitWaiting('flood', this.#flood);
    }
  }

  #hasRoom(priority: 'live' | 'flood'): boolean {
    if (priority === 'live')
      return this.#running - this.#floodRunning < this.#livePermits && this.#running < this.#allPermits;
    return this.#running < this.#floodPermits || (this.#floodRunning === 0 && this.#running < this.#allPermits);
  }

  #admit(priority: 'live' | 'flood'): void {
    this.#running += 1;
    if (priority === 'flood') this.#floodRunning += 1;
  }

  #admitWaiting(priority: 'live' | 'flood', queue: Fifo<Waiting>): void {
    while (queue.size > 0 && this.#hasRoom(priority)) {
      this.#admit(priority);
      queue.shift()?.();
    }
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
