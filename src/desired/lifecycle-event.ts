import type { BotKind } from '../../actors/bot-spec.ts';
import type { Json } from './bot-definition.ts';

/**
 * What happened to a bot, as somebody else tells it: the *lifecycle events* of contract 3. An event is written into the
 * desired-state store, and only from there it becomes a definition.
 */
export type LifecycleEvent = LifecycleChange & {
  readonly kind: BotKind;
  readonly botId: string;
  /** Where in the stream it stands; null for one that was not kept in a stream. */
  readonly place: StreamPlace | null;
};

export type LifecycleChange =
  | { readonly change: 'created' | 'updated'; readonly content: BotContent }
  | { readonly change: 'deleted' };

/** What an event says of a bot; shape of a document of contract 2.2. Holds secrets: never logged. */
export interface BotContent {
  /** Null when the event had none. */
  readonly config: { readonly [key: string]: Json } | null;
  readonly custom: CustomContent;
}

export interface CustomContent {
  readonly version: string;
  readonly filePath: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly config: { readonly [key: string]: Json };
}

/** A place in a stream of events. Places of one epoch are in order of `sequence`; a later epoch is later as a whole. */
export interface StreamPlace {
  /**
   * Which life of the stream: when it was made, ms since 1970, or one more than the epoch before where that would not be
   * later. One that is made anew, or goes back to an older state, begins a new life: it gives numbers once more.
   */
  readonly epoch: number;
  readonly sequence: number;
}

/** Negative when `a` is earlier. */
export function comparePlaces(a: StreamPlace, b: StreamPlace): number {
  return a.epoch - b.epoch || a.sequence - b.sequence;
}
