import type { AskWhy, QueryLimits, QueryRefusal } from './query-front-end.ts';

/** Too many questions to the supervisor are open. */
export const BUSY = Symbol('busy');
/** The supervisor did not answer in time, or failed. */
export const SILENT = Symbol('silent');

/** Asks about bots without a route: a bounded number at one time, and one for all queries to the same bot. */
export class SupervisorAsks {
  readonly #askWhy: AskWhy;
  readonly #limits: QueryLimits;
  readonly #open = new Map<string, Promise<QueryRefusal | typeof SILENT>>();

  constructor(askWhy: AskWhy, limits: QueryLimits) {
    this.#askWhy = askWhy;
    this.#limits = limits;
  }

  /** Always resolves. Who asks bounds its own wait: this promise may take `askDeadlineMs`. */
  ask(botId: string): Promise<QueryRefusal | typeof SILENT> | typeof BUSY {
    const open = this.#open.get(botId);
    if (open !== undefined) return open;
    if (this.#open.size >= this.#limits.asksInFlight) return BUSY;
    const asked = this.#askOnce(botId).finally(() => this.#open.delete(botId));
    this.#open.set(botId, asked);
    return asked;
  }

  async #askOnce(botId: string): Promise<QueryRefusal | typeof SILENT> {
    const { askDeadlineMs } = this.#limits;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<typeof SILENT>((resolve) => {
      timer = setTimeout(() => resolve(SILENT), askDeadlineMs + ANSWER_TRAVEL_MS);
    });
    try {
      return await Promise.race([this.#askWhy(botId, askDeadlineMs), silence]);
    } catch {
      // Whoever answers reports its own failure; the asker learns that there was no answer.
      return SILENT;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The supervisor answers within the deadline by its own clock; the answer crosses threads after that. */
const ANSWER_TRAVEL_MS = 250;
