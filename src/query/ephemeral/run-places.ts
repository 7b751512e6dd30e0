export interface RunLimits {
  /** Runs at the same time, of all bots. */
  readonly runs: number;
  readonly runsPerBot: number;
  /** Runs that wait for a place. */
  readonly runsWaiting: number;
}

/** Who waits for a place. */
export interface Waiting {
  readonly botId: string;
  permitted(): void;
}

/** A bounded number of runs at the same time, and a bounded queue before it: first come, first served, as far as a bot's own bound allows. */
export class RunPlaces {
  readonly #limits: RunLimits;
  readonly #queue: Waiting[] = [];
  readonly #ofBot = new Map<string, number>();
  #taken = 0;

  constructor(limits: RunLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get full(): boolean {
    return this.#queue.length >= this.#limits.runsWaiting;
  }

  /** A place is given at once or later. Whoever asks makes sure that the queue is not full. */
  queue(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#give();
  }

  unqueue(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  release(botId: string): void {
    this.#taken -= 1;
    const left = (this.#ofBot.get(botId) ?? 1) - 1;
    if (left > 0) this.#ofBot.set(botId, left);
    else this.#ofBot.delete(botId);
    this.#give();
  }

  #give(): void {
    while (this.#taken < this.#limits.runs) {
      const at = this.#queue.findIndex(({ botId }) => (this.#ofBot.get(botId) ?? 0) < this.#limits.runsPerBot);
      const [next] = at < 0 ? [] : this.#queue.splice(at, 1);
      if (next === undefined) return;
      this.#taken += 1;
      this.#ofBot.set(next.botId, (this.#ofBot.get(next.botId) ?? 0) + 1);
      next.permitted();
    }
  }
}
