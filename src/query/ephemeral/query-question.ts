/**
 * Words of this folder: a bot that does not run is asked by a *query run*: its query program is started for this one
 * question, leaves its answer and ends (contract 8.4). A run is shared by all who ask the same while it goes on; the decisions
 * are in actors/query-run.ts. A *runner* carries runs out; which engine it uses is not known here.
 */

/** What is asked of a bot that does not run. */
export interface QueryQuestion {
  readonly botId: string;
  /** Begins with `/`. */
  readonly path: string;
  /** JSON text of an object. */
  readonly params: string;
}

/** What came of a question; `result` is checked by whoever hands it on. */
export type QueryOutcome =
  | QueryRunEnd
  /** No room now, try again; a sentence without its end. */
  | { readonly kind: 'busy'; readonly why: string }
  /** The program could not be run at all: a sentence. */
  | { readonly kind: 'failed'; readonly error: string };

/** The program has ended by itself. */
export interface QueryRunEnd {
  readonly kind: 'ended';
  readonly exitCode: number;
  /** The end of what it wrote, where it failed. */
  readonly logTail: string;
  /** The bytes of its result file (contract 8.6); null when it left none. */
  readonly result: Uint8Array | null;
  /** Why there is no result although the program succeeded; a clause, without the name of the bot. */
  readonly resultTrouble: string | null;
}

/**
 * Runs a bot's query program for one question, or joins a run that is under way. Never rejects; an aborted signal (the asker
 * has hung up, its time is up) gives its share up, and what is answered then is of no use.
 */
export type RunQuery = (question: QueryQuestion, signal: AbortSignal) => Promise<QueryOutcome>;
