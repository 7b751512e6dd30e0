import * as query from './query.js';
import * as state from './state.js';

export { query, state };

/** What the bot was started with. */
export interface BotInput<T = Record<string, unknown>> {
  id: string;
  config: T;
}

/** What `success` and `error` write. */
export interface BotResult {
  status: 'success' | 'error';
  message: string;
  data?: Record<string, unknown>;
}

export type LogLevel = 'info' | 'warn' | 'error';

/**
 * The bot's id and config, from `BOT_ID` and `BOT_CONFIG`.
 * @throws Error when one of them is unset or empty, or when the config is not JSON
 */
export declare function parse<T = Record<string, unknown>>(): BotInput<T>;

/** Writes a result that says the run went well. The program goes on. */
export declare function success(message: string, data?: Record<string, unknown>): void;

/** Writes a result that says the run failed, and exits with code 1. */
export declare function error(message: string, data?: Record<string, unknown>): never;

/** Writes `resultData` as the result of the run. Each call overwrites the one before. */
export declare function result(resultData: Record<string, unknown>): void;

/** Writes one metric line to standard output. `data` may override `_metric`, never `timestamp`. */
export declare function metric(type: string, data: Record<string, unknown>): void;

/** Writes one log line to standard error: `log('text')`, `log('text', 'warn')`, `log('text', {…}, 'error')`. */
export declare function log(message: string, dataOrLevel?: Record<string, unknown> | LogLevel, level?: LogLevel): void;

/** Resolves after `ms` milliseconds. */
export declare function sleep(ms: number): Promise<void>;

declare const the0: {
  parse: typeof parse;
  success: typeof success;
  error: typeof error;
  result: typeof result;
  metric: typeof metric;
  log: typeof log;
  sleep: typeof sleep;
  state: typeof state;
  query: typeof query;
};
export default the0;
