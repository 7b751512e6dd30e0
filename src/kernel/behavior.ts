/**
 * The actor kernel's words.
 *
 * - An *actor* is an id, a state and a bounded *mailbox*; what it does is a {@link Behavior} shared by all actors of a shard.
 * - A *shard* is a set of actors with one dispatcher, on a worker thread of its own or in the caller's thread.
 * - An *effect* is what an actor asks for. The kernel keeps timers itself; every other effect leaves the shard in batches.
 * - The kernel knows nothing of bots.
 */
export interface Behavior<State, Message, Effect extends { readonly kind: string }> {
  /** State of an actor before its first message. Must not allocate much: there may be a hundred thousand. */
  initial(id: string): State;
  /** Pure: takes a message, gives the next state and what is asked for. Never waits, never touches the world. */
  receive(state: State, message: Message, now: number): Step<State, Effect>;
  /** Joins two observations that the actor has not seen yet; the mailbox keeps one slot for them. */
  coalesce(older: Message, newer: Message): Message;
  /**
   * `receive` threw (or `snapshot`, or an effect could not be carried out); `state` is the one before that message, which is
   * dropped. Must not throw: the actor would be lost, see {@link Undelivered}.
   * @param exhausted the actor threw too often (the restart budget is spent); give a state that rests until told otherwise
   */
  recover(state: State, error: Error, now: number, exhausted: boolean): Step<State, Effect>;
  /** A plain copy of what outsiders may see of an actor (structured-clonable). */
  snapshot(state: State, now: number): unknown;
}

export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** Effects the kernel carries out itself. An effect of kind `ended` makes the kernel forget the actor, and is passed on. */
export type KernelEffect<Message> =
  | { readonly kind: 'timer'; readonly key: string; readonly at: number; readonly message: Message }
  | { readonly kind: 'cancel-timer'; readonly key: string };

/** `system` goes before `observation`, that before `user`. Observations are not queued: one coalescing slot per actor. */
export type Lane = 'system' | 'user' | 'observation';

/**
 * A message on its way to an actor. An envelope with `spawn` creates the actor if it does not exist; the message that created it
 * is the first it sees, whatever its lane. A message is never `undefined`.
 */
export interface Envelope<Message> {
  readonly to: string;
  readonly lane: Lane;
  readonly message: Message;
  readonly spawn?: boolean;
}

/**
 * A message that did not reach its actor; the shard reports it in its next batch.
 *
 * - `mailbox-full`: the actor is too far behind. Only messages of the same lane are in its way.
 * - `no-such-actor`: it was never spawned, or it has ended (then the rest of its mailbox is reported as well).
 * - `actor-lost`: the actor was forgotten, because `recover` (or `initial`) threw `error`. Reported for the message at hand and
 *   for all that were waiting, so its owner always hears of it and may spawn it anew.
 * - `unusable`: `error` says why the message cannot be cloned into the shard's thread, or not be joined with a newer observation.
 */
export interface Undelivered<Message> {
  readonly envelope: Envelope<Message>;
  readonly cause: 'mailbox-full' | 'no-such-actor' | 'actor-lost' | 'unusable';
  readonly error?: Error;
}
