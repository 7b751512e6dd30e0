import type { BotStatus } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';

/** Asks actors for their status and gathers the answers. */
export class Questions {
  readonly #waiting = new Map<number, (status: BotStatus) => void>();
  #asked = 0;

  /** The map fills as the answers come. */
  ask(botIds: Iterable<string>, tell: (botId: string, message: BotMessage) => void): Map<string, BotStatus> {
    const statuses = new Map<string, BotStatus>();
    for (const botId of botIds) {
      this.#asked += 1;
      this.#waiting.set(this.#asked, (status) => statuses.set(botId, status));
      tell(botId, { kind: 'question', askId: this.#asked });
    }
    return statuses;
  }

  answered(askId: number, status: BotStatus): void {
    this.#waiting.get(askId)?.(status);
    this.#waiting.delete(askId);
  }
}
