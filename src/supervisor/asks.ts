import type { BotStatus } from '../../actors/effect.ts';
import type { Clock } from '../kernel/clock.ts';

/** Questions put to actors that wait for an answer; each is answered, or given up at its deadline. */
export class Asks {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #send: (botId: string, askId: number) => void;
  readonly #open = new Map<number, OpenAsk>();
  #lastId = 0;

  /**
   * @param limit open questions at a time; above it a question is given up at once
   * @param send puts a question to an actor; may be lost
   */
  constructor(clock: Clock, limit: number, send: (botId: string, askId: number) => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#send = send;
  }

  /** @returns the actor's answer, or null when none came within `deadlineMs` */
  ask(botId: string, deadlineMs: number): Promise<BotStatus | null> {
    if (this.#open.size >= this.#limit) return Promise.resolve(null);
    const askId = ++this.#lastId;
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(deadlineMs, () => this.#settle(askId, null));
      this.#open.set(askId, { botId, resolve, cancel });
      this.#send(botId, askId);
    });
  }

  answered(askId: number, status: BotStatus): void {
    this.#settle(askId, status);
  }

  /** Asks once more what is open about these bots: their actors died with the question, and there are new ones. */
  askAgain(about: (botId: string) => boolean): void {
    for (const [askId, { botId }] of this.#open) if (about(botId)) this.#send(botId, askId);
  }

  /** Gives up all that is open. */
  close(): void {
    for (const askId of [...this.#open.keys()]) this.#settle(askId, null);
  }

  #settle(askId: number, status: BotStatus | null): void {
    const open = this.#open.get(askId);
    if (open === undefined) return; // Too late: the asker was told so.
    this.#open.delete(askId);
    open.cancel();
    open.resolve(status);
  }
}

interface OpenAsk {
  readonly botId: string;
  readonly resolve: (status: BotStatus | null) => void;
  readonly cancel: () => void;
}
