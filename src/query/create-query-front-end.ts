import { type Clock, systemClock } from '../kernel/clock.ts';
import { LocalFrontEnd } from './local-front-end.ts';
import type { AskWhy, QueryFrontEnd, QueryLimits, RunQuery } from './query-front-end.ts';
import { ThreadedFrontEnd } from './threaded-front-end.ts';

export interface QueryFrontEndOptions {
  /** An address of this machine, for example `127.0.0.1` or `0.0.0.0`. */
  readonly host: string;
  /** 0 takes a free one; see `address` after `start`. */
  readonly port: number;
  /** 0: in this thread. Otherwise so many worker threads share the port. */
  readonly threads: number;
  /** Every query must carry it as bearer token; null lets everyone ask. `/health` is always open. */
  readonly token: string | null;
  readonly limits: QueryLimits;
  readonly askWhy: AskWhy;
  readonly runQuery: RunQuery;
  /** Time for the replacement of threads. */
  readonly clock?: Clock;
  /** What goes wrong without stopping the front end, in sentences: a thread that died and is replaced. */
  readonly onTrouble?: (sentence: string) => void;
  /** How long `close` waits for queries in flight. */
  readonly closeGraceMs?: number;
}

/** The front end of contract 8.1; it listens after `start`. Routes may be set before. */
export function createQueryFrontEnd(options: QueryFrontEndOptions): QueryFrontEnd {
  const { host, port, threads, token, limits, askWhy, runQuery, clock = systemClock, closeGraceMs = 1000 } = options;
  if (threads === 0) return new LocalFrontEnd(host, port, { token, limits, askWhy, runQuery }, closeGraceMs);
  const onTrouble = options.onTrouble ?? ((sentence) => console.error(sentence));
  return new ThreadedFrontEnd({
    host,
    port,
    threads,
    settings: { token, limits },
    askWhy,
    runQuery,
    clock,
    closeGraceMs,
    onTrouble,
  });
}
