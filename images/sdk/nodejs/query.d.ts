/** Questions about a bot, answered by read-only handlers over HTTP. */

export { ReadOnlyStateError } from './state.js';

/** What a handler is given. */
export interface QueryRequest {
  path: string;
  /** Strings in a query server; in a single query whatever JSON types the caller used, so convert what you read. */
  params: Record<string, string>;
  get(key: string): string | undefined;
  get(key: string, defaultValue: string): string;
  get(key: string, defaultValue?: string): string | undefined;
}

export type QueryHandler = (req: QueryRequest) => unknown | Promise<unknown>;

/** `fn` answers queries for exactly `path`. The last one for a path counts. */
export declare function handler(path: string, fn: QueryHandler): void;

/** `fn` is called when the query server was told to stop and has sent its last answer. */
export declare function onStop(fn: () => unknown | Promise<unknown>): void;

/** A copy of the parameters of the query that is being answered. */
export declare function getParams(): Record<string, string>;

/** A copy of the bot's config. */
export declare function getConfig(): Record<string, unknown>;

/** Whether the program was started to answer a single query. */
export declare function isQueryMode(): boolean;

/** Answers: one query and resolves, or a server that runs until it is told to stop and then exits with code 0. */
export declare function run(): Promise<void>;
