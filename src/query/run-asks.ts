import type { QueryOutcome, QueryQuestion, RunQuery } from './ephemeral/query-question.ts';
import type { QueryLimits } from './query-front-end.ts';
import { BUSY } from './supervisor-asks.ts';

/** A part of one run: given up or answered. */
export interface RunShare {
  readonly outcome: Promise<QueryOutcome>;
  /** The asker is gone; with the last one the run is ended. Harmless when it was answered. */
  leave(): void;
}

/**
 * Questions of this thread to bots that do not run. Who asks the very same of the same revision at the same time shares
 * one, so that a large result crosses threads and is held once, not once for each.
 */
export class RunAsks {
  readonly #runQuery: RunQuery;
  readonly #limits: Pick<QueryLimits, 'runAsksPerBot'>;
  readonly #open = new Map<string, SharedAsk>();
  /** Shares by bot. */
  readonly #ofBot = new Map<string, number>();

  constructor(runQuery: RunQuery, limits: Pick<QueryLimits, 'runAsksPerBot'>) {
    this.#runQuery = runQuery;
    this.#limits = limits;
  }

  /** @param revision what the bot would run on now */
  ask(question: QueryQuestion, revision: string): RunShare | typeof BUSY {
    const { botId, path, params } = question;
    const ofBot = this.#ofBot.get(botId) ?? 0;
    if (ofBot >= this.#limits.runAsksPerBot) return BUSY;
    this.#ofBot.set(botId, ofBot + 1);
    const key = JSON.stringify([botId, revision, path, params]);
    const ask = this.#open.get(key) ?? this.#start(key, question);
    ask.shares += 1;
    let here = true;
    return {
      outcome: ask.outcome,
      leave: () => {
        if (!here) return;
        here = false;
        this.#leftBot(botId);
        ask.shares -= 1;
        if (ask.shares > 0 || this.#open.get(key) !== ask) return;
        this.#open.delete(key);
        ask.abort.abort();
      },
    };
  }

  #start(key: string, question: QueryQuestion): SharedAsk {
    const abort = new AbortController();
    const outcome = this.#runQuery(question, abort.signal);
    const ask: SharedAsk = { abort, outcome, shares: 0 };
    this.#open.set(key, ask);
    // Answered: whoever asks now wants to know how things are now.
    void outcome.then(() => {
      if (this.#open.get(key) === ask) this.#open.delete(key);
    });
    return ask;
  }

  #leftBot(botId: string): void {
    const left = (this.#ofBot.get(botId) ?? 1) - 1;
    if (left > 0) this.#ofBot.set(botId, left);
    else this.#ofBot.delete(botId);
  }
}

interface SharedAsk {
  readonly abort: AbortController;
  readonly outcome: Promise<QueryOutcome>;
  shares: number;
}
