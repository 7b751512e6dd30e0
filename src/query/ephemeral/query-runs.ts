import {
  NEW_QUERY_RUN,
  type QueryRunEffect,
  type QueryRunMessage,
  type QueryRunState,
  receiveQueryRun,
} from '../../../actors/query-run.ts';
import { canonicalParams } from './canonical-params.ts';
import type { QueryOutcome, QueryQuestion } from './query-question.ts';
import { type RunLimits, RunPlaces, type Waiting } from './run-places.ts';

export interface QueryRunsOptions {
  readonly limits: RunLimits;
  /** What the bot would run on now; runs of different revisions have different answers. */
  readonly revisionOf: (botId: string) => string;
  /** Resolves when nothing of the run is left but what cleans up after itself; soon after the signal is aborted. */
  readonly run: (question: QueryQuestion, signal: AbortSignal) => Promise<QueryOutcome>;
}

/** All query runs of this process: one actor each, a place for some of them at a time. */
export class QueryRuns {
  readonly #options: QueryRunsOptions;
  readonly #places: RunPlaces;
  /** Those that take further askers. */
  readonly #open = new Map<string, Run>();
  readonly #live = new Set<Run>();
  #closed = false;

  constructor(options: QueryRunsOptions) {
    this.#options = options;
    this.#places = new RunPlaces(options.limits);
  }

  /** See `RunQuery`. */
  readonly ask = (question: QueryQuestion, signal: AbortSignal): Promise<QueryOutcome> => {
    if (this.#closed) return Promise.resolve({ kind: 'busy', why: 'the runtime is shutting down' });
    const { botId, path, params } = question;
    const key = JSON.stringify([botId, this.#options.revisionOf(botId), path, canonicalParams(params)]);
    const open = this.#open.get(key);
    if (open !== undefined) return open.ask(signal);
    if (this.#places.full) {
      const { runs, runsWaiting } = this.#options.limits;
      const why = `too many questions to bots that do not run: ${runs} are being answered and ${runsWaiting} wait (limits runs, runsWaiting)`;
      return Promise.resolve({ kind: 'busy', why });
    }
    const run = new Run(question, {
      run: this.#options.run,
      places: this.#places,
      withdraw: () => this.#open.delete(key),
      over: () => this.#live.delete(run),
    });
    this.#open.set(key, run);
    this.#live.add(run);
    return run.ask(signal);
  };

  get running(): number {
    return this.#places.taken;
  }

  /** Those that wait for a place. */
  get waiting(): number {
    return this.#places.waiting;
  }

  /** Ends all runs. Resolves when they have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#live].map((run) => run.close()));
  }
}

interface RunParts {
  readonly run: QueryRunsOptions['run'];
  readonly places: RunPlaces;
  readonly withdraw: () => void;
  readonly over: () => void;
}

/** Hosts one actor: carries its effects out, and tells it what came of them. */
class Run implements Waiting {
  readonly botId: string;
  readonly #question: QueryQuestion;
  readonly #parts: RunParts;
  readonly #abort = new AbortController();
  readonly #answers = new Map<number, (outcome: QueryOutcome) => void>();
  readonly #ended: Promise<void>;
  #settle: () => void = () => undefined;
  #state: QueryRunState = NEW_QUERY_RUN;
  #lastAsker = 0;

  constructor(question: QueryQuestion, parts: RunParts) {
    this.botId = question.botId;
    this.#question = question;
    this.#parts = parts;
    this.#ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  ask(signal: AbortSignal): Promise<QueryOutcome> {
    const asker = ++this.#lastAsker;
    return new Promise((resolve) => {
      const leave = () => {
        this.#answer(asker, GONE);
        this.#tell({ kind: 'left', asker });
      };
      this.#answers.set(asker, (outcome) => {
        signal.removeEventListener('abort', leave);
        resolve(outcome);
      });
      signal.addEventListener('abort', leave);
      this.#tell({ kind: 'asked', asker });
      if (signal.aborted) leave();
    });
  }

  permitted(): void {
    this.#tell({ kind: 'permitted' });
  }

  close(): Promise<void> {
    for (const asker of [...this.#answers.keys()]) {
      this.#answer(asker, { kind: 'busy', why: 'the runtime is shutting down' });
      this.#tell({ kind: 'left', asker });
    }
    return this.#ended;
  }

  #tell(message: QueryRunMessage<QueryOutcome>): void {
    const { state, effects } = receiveQueryRun(this.#state, message);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (this.#state.phase !== 'over') return;
    this.#settle();
    this.#parts.over();
  }

  #carryOut(effect: QueryRunEffect<QueryOutcome>): void {
    switch (effect.kind) {
      case 'queue':
        this.#parts.places.queue(this);
        return;
      case 'unqueue':
        this.#parts.places.unqueue(this);
        return;
      case 'start':
        void this.#start();
        return;
      case 'kill':
        this.#abort.abort();
        return;
      case 'withdraw':
        this.#parts.withdraw();
        return;
      case 'answer':
        for (const asker of effect.askers) this.#answer(asker, effect.answer);
        return;
      case 'release':
        this.#parts.places.release(this.botId);
    }
  }

  async #start(): Promise<void> {
    const answer = await this.#parts.run(this.#question, this.#abort.signal).catch((error: unknown): QueryOutcome => {
      return { kind: 'failed', error: error instanceof Error ? error.message : String(error) };
    });
    this.#tell({ kind: 'ended', answer });
  }

  #answer(asker: number, outcome: QueryOutcome): void {
    this.#answers.get(asker)?.(outcome);
    this.#answers.delete(asker);
  }
}

/** For somebody who does not listen any more. */
const GONE: QueryOutcome = { kind: 'failed', error: 'nobody waits for the answer' };
