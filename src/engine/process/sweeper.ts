import { type EndWaits, endRemains, type Traces } from './remains.ts';

/**
 * Sweeps up after bots that ended. A look at all processes of the host is not free, so requests that come while one runs
 * share the next: a hundred bots that crash together cost two looks, not a hundred.
 */
export class Sweeper {
  readonly #waits: EndWaits;
  #waiting: Traces[] = [];
  #next: Promise<number[]> | null = null;
  #running: Promise<unknown> = Promise.resolve();

  constructor(waits: EndWaits) {
    this.#waits = waits;
  }

  /** @returns pids, of this bot or of another swept with it, that do not end */
  sweep(traces: Traces): Promise<number[]> {
    this.#waiting.push(traces);
    this.#next ??= this.#running.then(async () => {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#next = null;
      return await endRemains(batch, this.#waits);
    });
    // Whether one look failed is told to those who asked for it, not to the next.
    this.#running = this.#next.catch(() => undefined);
    return this.#next;
  }
}
