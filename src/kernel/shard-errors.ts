/** The shard has ended: its thread died, or it was stopped. What was asked of it will not be answered. */
export class ShardGone extends Error {
  override readonly name = 'ShardGone';
  readonly code = 'shard-gone';
  readonly shardId: string;
  readonly hint = 'Actors of a shard that died are placed on another one and asked there.';

  constructor(shardId: string, what: string, options?: ErrorOptions) {
    super(`Shard ${shardId} is gone: ${what}`, options);
    this.shardId = shardId;
  }
}

/** The shard did not answer in time. It is overloaded, or an actor on it never returns from `receive`. */
export class ShardTimeout extends Error {
  override readonly name = 'ShardTimeout';
  readonly code = 'shard-timeout';
  readonly shardId: string;
  readonly deadlineMs: number;
  readonly hint = 'Ask again, or replace the shard when it keeps silent.';

  constructor(shardId: string, what: string, deadlineMs: number) {
    super(`Shard ${shardId} did not answer within ${deadlineMs} ms: ${what}`);
    this.shardId = shardId;
    this.deadlineMs = deadlineMs;
  }
}

/** The shard never came to life; `cause` says why. */
export class ShardStartFailed extends Error {
  override readonly name = 'ShardStartFailed';
  readonly code = 'shard-start-failed';
  readonly shardId: string;
  readonly hint = 'Most likely its behavior module is missing, does not parse, or threw while it was loaded.';

  constructor(shardId: string, cause: Error) {
    super(`Shard ${shardId} could not be started: ${cause.message}`, { cause });
    this.shardId = shardId;
  }
}

/** What was thrown, as an Error. */
export function errorFrom(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`Something that is no Error was thrown: ${String(thrown)}`);
}
