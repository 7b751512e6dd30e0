/**
 * Words of this folder: a *query* is a question over HTTP to one bot. The *front end* on :9477 holds the *route table*
 * (bot id → where its query server listens) and proxies; whatever has no route is an *ask* to the supervisor.
 */
import type { Route } from '../../actors/route.ts';
import type { QueryFigures } from './query-tally.ts';

export type { RunQuery } from './ephemeral/query-question.ts';

/** The front end as the supervisor sees it: one or more query threads, or this thread. */
export interface QueryFrontEnd {
  /** Where it listens; known after `start`. */
  readonly address: { readonly host: string; readonly port: number };
  /** @throws PortInUse (code `port-in-use`) when it cannot bind; the message names the port */
  start(): Promise<void>;
  setRoute(botId: string, route: Route | null): void;
  /** What it has counted, for metrics. Cheap. */
  figures(): QueryFigures;
  /** Ends a query thread as a crash would; it is replaced and gets the whole table again. For tests. */
  killThread(index: number): void;
  close(): Promise<void>;
}

/** Called on the supervisor's side for a bot without a route. Must answer within `deadlineMs`. */
export type AskWhy = (botId: string, deadlineMs: number) => Promise<QueryRefusal>;

/** Why a query cannot be proxied (contract 8.1: 404 with these very words, else 500), or what else to do. */
export type QueryRefusal =
  | { readonly kind: 'unknown-bot' }
  | { readonly kind: 'no-entrypoints' }
  | { readonly kind: 'no-query-entrypoint' }
  /** `sentence`: what state the bot is in and why, for people. */
  | { readonly kind: 'not-running'; readonly sentence: string }
  /**
   * It is not there to be asked, but its query program can be run for this question (ephemeral/).
   * `revision`: what it would run on; after a change the same question is another one.
   */
  | { readonly kind: 'runnable'; readonly revision: string }
  /** The bot runs, its route is on the way: look again. */
  | { readonly kind: 'route'; readonly route: Route };

/** All bounds hold for each query thread. */
export interface QueryLimits {
  /** Largest request body; above it 413. Bytes. */
  readonly requestBytes: number;
  /** Largest answer of a bot; above it an error that names the limit. Bytes. */
  readonly answerBytes: number;
  /** Large bodies (beyond 64 KiB) held at one time, of all queries together; above it 503. Bytes. */
  readonly heldBytes: number;
  readonly inFlightPerBot: number;
  readonly inFlightTotal: number;
  /** Used when the request names none. */
  readonly defaultTimeoutMs: number;
  /** A longer `timeout_sec` is cut to this. */
  readonly maxTimeoutMs: number;
  /** A running bot whose query server is not yet listening is tried again for this long. */
  readonly connectPatienceMs: number;
  /** Pause between these tries. */
  readonly connectRetryMs: number;
  /** An asker that takes nothing of its large answer for so long is cut off (uWebSockets.js does not). */
  readonly stalledReaderMs: number;
  /** Kept-alive connections to bots that wait for the next query; the longest idle goes first. */
  readonly idleConnections: number;
  /** An idle connection is closed within this, in its last quarter. Below the 5 s after which Node's own server closes its end. */
  readonly idleConnectionMs: number;
  /** Questions to the supervisor at one time; above it 503. */
  readonly asksInFlight: number;
  /** Longest wait for the supervisor's answer. */
  readonly askDeadlineMs: number;
  /** Questions to one bot that does not run, at one time, answered or waiting; above it 503. */
  readonly runAsksPerBot: number;
}
