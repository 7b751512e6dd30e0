import type { Envelope, Undelivered } from './behavior.ts';

/**
 * A shard as its owner sees it, the same for a shard on a thread of its own and for one in this thread.
 *
 * Guarantees: envelopes to one actor are delivered in the order posted, per lane; effects of one actor arrive in the order
 * in which it gave them; nothing arrives after `dead` was called.
 */
export interface Shard<Message> {
  readonly id: string;
  /**
   * Posts with the next flush, at the end of this turn of the event loop.
   * @returns `full` when the shard is too far behind (the bound is counted in unhandled envelopes); observations are never
   * refused but coalesced on this side until there is room. Once the shard is being stopped or has ended, always `full`.
   */
  post(envelope: Envelope<Message>): 'accepted' | 'full';
  /**
   * Snapshots of the given actors, or of all. Actors that do not exist are left out. What was posted shortly before may or may
   * not be in it.
   * @throws ShardGone when the shard dies meanwhile; ShardTimeout when it does not answer within `deadlineMs`
   */
  snapshot(ids: readonly string[] | null, deadlineMs?: number): Promise<unknown[]>;
  /**
   * Ends the shard after what it has been given so far is handled and the listener has all effects of it. `dead` is not called.
   * @throws ShardTimeout when that takes longer than `deadlineMs`; the shard is then ended as it is. ShardGone when it dies meanwhile
   */
  stop(deadlineMs?: number): Promise<void>;
  /** Ends the shard at once, as a crash would. For tests and for a shard that hangs. */
  kill(): void;
}

export interface ShardListener<Message, Effect> {
  /** Effects of one turn, in order. */
  effects(batch: readonly ShardEffect<Effect>[]): void;
  undelivered(batch: readonly Undelivered<Message>[]): void;
  /** The shard ended without being asked to. Called once; nothing else is called afterwards. */
  dead(error: Error): void;
}

export interface ShardEffect<Effect> {
  readonly from: string;
  readonly effect: Effect;
}
