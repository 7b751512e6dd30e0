import type { BotStatus } from '../../actors/effect.ts';
import type { Clock } from '../kernel/clock.ts';

/** Questions put to actors that wait for an answer; each is answered, or given up at its deadline. */
export class Asks {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #open = new Map<number, { resolve: (status: BotStatus | null) => void; cancel: () => void }>();
  #lastId = 0;

  /** @param limit open questions at a time; above it a question is given up at once */
  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** @returns the actor's answer, or null when none came within `deadlineMs` */
  ask(send: (askId: number) => void, deadlineMs: number): Promise<BotStatus | null> {
    if (this.#open.size >= this.#limit) return Promise.resolve(null);
    const askId = ++this.#lastId;
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(deadlineMs, () => {
        this.#open.delete(askId);
        resolve(null);
      });
      this.#open.set(askId, { resolve, cancel });
      send(askId);
    });
  }

  answered(askId: number, status: BotStatus): void {
    const open = this.#open.get(askId);
    if (open === undefined) return; // Too late: the asker was told so.
    this.#open.delete(askId);
    open.cancel();
    open.resolve(status);
  }
}
