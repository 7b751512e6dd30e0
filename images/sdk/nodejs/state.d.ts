/** A key/value store of JSON files that survives restarts of the bot. Synchronous; each write replaces a value as a whole. */

/**
 * The value of `key`, or `defaultValue` (undefined without one) when it cannot be read.
 * @throws Error on a bad key, like all functions with a key
 */
export declare function get<T>(key: string): T | undefined;
export declare function get<T>(key: string, defaultValue: T): T;
export declare function get<T>(key: string, defaultValue?: T): T | undefined;

/**
 * Stores `value` under `key`. The old value stays when JSON cannot hold the new one.
 * @throws ReadOnlyStateError inside a query, like `remove` and `clear`
 */
export declare function set<T>(key: string, value: T): void;

/** Removes `key`. False when there was none. */
export declare function remove(key: string): boolean;
export { remove as delete };

/** All keys, in no particular order. */
export declare function list(): string[];

/** Removes all keys. Other files in the directory stay. */
export declare function clear(): void;

export declare function exists(key: string): boolean;

/** State was to be changed while a query is answered. */
export declare class ReadOnlyStateError extends Error {
  constructor(message?: string);
}
