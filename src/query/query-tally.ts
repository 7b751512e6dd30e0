import type { StatusLine } from './query-response.ts';

const OUTCOMES = [
  'ok',
  /** The bot or its query program failed, could not be asked, or was too slow. */
  'failed',
  /** Too many, of one bot or in all. */
  'busy',
  /** No such bot, or one without queries. */
  'not-found',
  'bad-request',
  'too-large',
  'unauthorized',
  /** Who asked did not wait for the answer, or took nothing of a large one. */
  'left',
] as const;
export type QueryResultKind = (typeof OUTCOMES)[number];

/** Who was asked: nobody, a bot that runs, or the query program of one that does not. */
const WAYS = ['none', 'bot', 'run'] as const;
export type QueryWay = (typeof WAYS)[number];

/** Upper bounds of what is counted together, in seconds; what took longer is in one more. */
export const QUERY_BUCKETS_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const BOUNDS_MS = QUERY_BUCKETS_S.map((seconds) => seconds * 1000);

/*
 * in flight | ended: none × outcomes, bot × outcomes, run × outcomes | took: bot: sum, buckets; run: sum, buckets
 */
const ENDED_AT = 1;
const TOOK_AT = ENDED_AT + WAYS.length * OUTCOMES.length;
const TOOK_CELLS = BOUNDS_MS.length + 2;
const CELLS = TOOK_AT + 2 * TOOK_CELLS;

const PLACE_OF_WAY: Readonly<Record<QueryWay, number>> = { none: 0, bot: 1, run: 2 };
const LEFT = OUTCOMES.indexOf('left');
const PLACE_OF_STATUS: Readonly<Record<StatusLine, number>> = {
  '200 OK': OUTCOMES.indexOf('ok'),
  '400 Bad Request': OUTCOMES.indexOf('bad-request'),
  '401 Unauthorized': OUTCOMES.indexOf('unauthorized'),
  '404 Not Found': OUTCOMES.indexOf('not-found'),
  '405 Method Not Allowed': OUTCOMES.indexOf('bad-request'),
  '413 Content Too Large': OUTCOMES.indexOf('too-large'),
  '500 Internal Server Error': OUTCOMES.indexOf('failed'),
  '503 Service Unavailable': OUTCOMES.indexOf('busy'),
};

/** What front ends have counted since the runtime began. */
export interface QueryFigures {
  readonly inFlight: number;
  readonly ended: readonly { readonly way: QueryWay; readonly outcome: QueryResultKind; readonly count: number }[];
  /** How long they took from the first byte of the question to the end, where somebody was asked. */
  readonly took: readonly QueryTimes[];
  /** Query threads that died and were replaced. */
  readonly threadsReplaced: number;
}

export interface QueryTimes {
  readonly way: QueryWay;
  readonly sumSeconds: number;
  /** One more than there are bounds; each query is in one. */
  readonly buckets: readonly number[];
}

/**
 * What one thread counts, in memory that it shares with the main thread: it adds to numbers in an array, the main thread reads
 * them when somebody asks, and neither sends anything. A thread that takes the place of a dead one goes on with its numbers.
 */
export class QueryTally {
  readonly #cells: Float64Array;

  /** @param memory from {@link QueryTally.memory} */
  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory);
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT);
  }

  /** A query was let in; it will be `ended`. */
  entered(): void {
    this.#add(0, 1);
  }

  /** @param status null: it was not answered */
  ended(way: QueryWay, status: StatusLine | null, tookMs: number): void {
    this.#add(0, -1);
    const place = PLACE_OF_WAY[way];
    const outcome = status === null ? LEFT : PLACE_OF_STATUS[status];
    this.#add(ENDED_AT + place * OUTCOMES.length + outcome, 1);
    if (place === 0) return;
    const sumAt = TOOK_AT + (place - 1) * TOOK_CELLS;
    let bucket = 0;
    while (tookMs > (BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#add(sumAt, tookMs);
    this.#add(sumAt + 1 + bucket, 1);
  }

  /** One that was not let in. */
  refused(status: StatusLine): void {
    this.#add(ENDED_AT + PLACE_OF_STATUS[status], 1);
  }

  /** The thread that counted here is gone, and with it what was in flight there. */
  threadDied(): void {
    this.#cells[0] = 0;
  }

  #add(cell: number, amount: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + amount;
  }

  static figures(tallies: readonly QueryTally[], threadsReplaced: number): QueryFigures {
    const sum = (cell: number): number => tallies.reduce((total, tally) => total + (tally.#cells[cell] ?? 0), 0);
    const tookBy = (way: QueryWay): QueryTimes => {
      const sumAt = TOOK_AT + (PLACE_OF_WAY[way] - 1) * TOOK_CELLS;
      const buckets = Array.from({ length: BOUNDS_MS.length + 1 }, (_, bucket) => sum(sumAt + 1 + bucket));
      return { way, sumSeconds: sum(sumAt) / 1000, buckets };
    };
    return {
      inFlight: sum(0),
      ended: WAYS.flatMap((way) =>
        OUTCOMES.map((outcome, at) => ({
          way,
          outcome,
          count: sum(ENDED_AT + PLACE_OF_WAY[way] * OUTCOMES.length + at),
        })),
      ).filter(({ count }) => count > 0),
      took: [tookBy('bot'), tookBy('run')],
      threadsReplaced,
    };
  }
}
