import type { Route } from '../../actors/route.ts';
import type { Clock } from '../kernel/clock.ts';
import { probePort } from './port-probe.ts';
import { PortInUse } from './query-errors.ts';
import type { AskWhy, QueryFrontEnd, RunQuery } from './query-front-end.ts';
import { type QueryFigures, QueryTally } from './query-tally.ts';
import { QueryThread } from './query-thread.ts';
import type { QueryThreadSettings } from './query-thread-protocol.ts';

export interface ThreadedFrontEndOptions {
  readonly host: string;
  readonly port: number;
  readonly threads: number;
  readonly settings: QueryThreadSettings;
  readonly askWhy: AskWhy;
  readonly runQuery: RunQuery;
  readonly clock: Clock;
  readonly closeGraceMs: number;
  /** A thread died or cannot listen; a sentence for people. It is replaced without further ado. */
  readonly onTrouble: (sentence: string) => void;
}

/** Query threads that share one port; the kernel spreads connections over them. A dead one is replaced. */
export class ThreadedFrontEnd implements QueryFrontEnd {
  readonly #options: ThreadedFrontEndOptions;
  /** One place per thread; empty while a replacement is on its way. */
  readonly #threads: (QueryThread | null)[] = [];
  /** One per thread, each in the memory of its place. */
  readonly #tallies: readonly { readonly memory: SharedArrayBuffer; readonly tally: QueryTally }[];
  readonly #deaths: number[] = [];
  #replaced = 0;
  readonly #routes = new Map<string, Route>();
  /** Changes of this turn, the newest per bot. */
  readonly #changes = new Map<string, Route | null>();
  readonly #waiting = new Set<() => void>();
  #port: number;
  #closed = false;

  constructor(options: ThreadedFrontEndOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#tallies = Array.from({ length: options.threads }, () => {
      const memory = QueryTally.memory();
      return { memory, tally: new QueryTally(memory) };
    });
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#options.host, port: this.#port };
  }

  async start(): Promise<void> {
    const { host, port, threads } = this.#options;
    this.#port = await probePort(host, port);
    const places = Array.from({ length: threads }, (_, index) => index);
    const listening = await Promise.all(places.map((index) => this.#startThread(index)));
    if (listening.every((yes) => yes)) return;
    await this.close();
    throw new PortInUse(host, this.#port);
  }

  setRoute(botId: string, route: Route | null): void {
    if (route === null) this.#routes.delete(botId);
    else this.#routes.set(botId, route);
    if (this.#changes.size === 0) this.#options.clock.defer(() => this.#flush());
    this.#changes.set(botId, route);
  }

  figures(): QueryFigures {
    return QueryTally.figures(
      this.#tallies.map(({ tally }) => tally),
      this.#replaced,
    );
  }

  killThread(index: number): void {
    if (index < 0 || index >= this.#options.threads) throw new RangeError(`there is no query thread ${index}`);
    this.#threads[index]?.post({ kind: 'crash' });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    await Promise.all(this.#threads.map((thread) => thread?.close(this.#options.closeGraceMs)));
  }

  /** Hands over the whole table, then lets the thread listen: it never answers from an empty table. */
  async #startThread(index: number): Promise<boolean> {
    const tally = this.#tallies[index];
    if (tally === undefined) throw new RangeError(`there is no place ${index} for a query thread`);
    const thread = new QueryThread(
      { ...this.#options.settings, tally: tally.memory },
      {
        ask: (asker, askId, botId, deadlineMs) => this.#answer(asker, askId, botId, deadlineMs),
        run: this.#options.runQuery,
        dead: (_, error) => this.#replace(index, error.message),
      },
    );
    this.#threads[index] = thread;
    return thread.listen(this.#options.host, this.#port, [...this.#routes]);
  }

  /** The first time at once, then after 0.1, 0.2, 0.4 … 5 s; a quiet minute forgives. */
  #replace(index: number, why: string): void {
    const { clock, onTrouble } = this.#options;
    this.#threads[index] = null;
    this.#tallies[index]?.tally.threadDied();
    if (this.#closed) return;
    this.#replaced += 1;
    const now = clock.now();
    while ((this.#deaths[0] ?? now) < now - FORGIVEN_AFTER_MS) this.#deaths.shift();
    const pauseMs =
      this.#deaths.length === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#deaths.length - 1));
    this.#deaths.push(now);
    onTrouble(`${why}; it is replaced ${pauseMs === 0 ? 'at once' : `in ${pauseMs} ms`}`);
    const wait = (): void => {
      this.#waiting.delete(cancel);
      this.#startReplacement(index);
    };
    const cancel = clock.schedule(pauseMs, wait);
    this.#waiting.add(cancel);
  }

  #startReplacement(index: number): void {
    if (this.#closed) return;
    void this.#startThread(index).then((listening) => {
      const thread = this.#threads[index];
      if (listening || this.#closed || thread === null || thread === undefined) return;
      void thread.close(0);
      this.#replace(index, `a query thread cannot listen on port ${this.#port} of ${this.#options.host}`);
    });
  }

  #flush(): void {
    if (this.#changes.size === 0) return;
    const changes = [...this.#changes];
    this.#changes.clear();
    for (const thread of this.#threads) thread?.post({ kind: 'routes', changes });
  }

  #answer(thread: QueryThread, askId: number, botId: string, deadlineMs: number): void {
    this.#options.askWhy(botId, deadlineMs).then(
      (refusal) => {
        this.#flush();
        thread.post({ kind: 'explanation', askId, refusal });
      },
      (error: unknown) => {
        this.#options.onTrouble(`nobody could say why bot ${botId} cannot be asked: ${String(error)}`);
        thread.post({ kind: 'explanation', askId, refusal: null });
      },
    );
  }
}

const FORGIVEN_AFTER_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
