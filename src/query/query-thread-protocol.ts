import type { Route } from '../../actors/route.ts';
import type { QueryOutcome, QueryQuestion } from './ephemeral/query-question.ts';
import type { QueryLimits, QueryRefusal } from './query-front-end.ts';

/*
 * Between the main thread and a query thread:
 *
 *     main                         thread
 *      │── routes (whole table) ────►│
 *      │── listen ──────────────────►│
 *      │◄───────────── listening ────│   or not-listening
 *      │── routes (changes) ────────►│   one post per turn
 *      │◄──────────────────── ask ───│
 *      │── explanation ─────────────►│   after all routes published before it
 *      │◄──────────────────── run ───│
 *      │◄────────────────── leave ───│   nobody waits for it any more; `ran` may come all the same
 *      │── ran ─────────────────────►│
 *      │── close ───────────────────►│   the thread ends by itself; never `terminate` it (services.md)
 */
export type ToQueryThread =
  | { readonly kind: 'routes'; readonly changes: readonly RouteChange[] }
  | { readonly kind: 'listen'; readonly host: string; readonly port: number }
  | { readonly kind: 'explanation'; readonly askId: number; readonly refusal: QueryRefusal | null }
  | { readonly kind: 'ran'; readonly runId: number; readonly outcome: QueryOutcome }
  | { readonly kind: 'crash' }
  | { readonly kind: 'close'; readonly graceMs: number };

export type FromQueryThread =
  | { readonly kind: 'listening' }
  | { readonly kind: 'not-listening' }
  | { readonly kind: 'ask'; readonly askId: number; readonly botId: string; readonly deadlineMs: number }
  | { readonly kind: 'run'; readonly runId: number; readonly question: QueryQuestion }
  | { readonly kind: 'leave'; readonly runId: number };

export type RouteChange = readonly [botId: string, route: Route | null];

/** For all query threads. */
export interface QueryThreadSettings {
  readonly token: string | null;
  readonly limits: QueryLimits;
}

/** Given to a query thread when it starts. */
export interface QueryThreadStart extends QueryThreadSettings {
  /** Of a `QueryTally`. */
  readonly tally: SharedArrayBuffer;
}
