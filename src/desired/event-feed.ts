import type { BotKind } from '../../actors/bot-spec.ts';
import type { ServiceState } from './service-state.ts';

/**
 * Port: who brings lifecycle events into an `EventStore`. Called by the adapter of the desired state that reads that store,
 * which starts its feeds before it reads and closes them before itself.
 */
export interface EventFeed {
  /**
   * Resolves when all events that there were have been applied, or when it is no use to wait longer (then with a
   * `trouble`); it goes on with those in any case. Called once.
   */
  start(listener: EventFeedListener): Promise<void>;
  /** Nothing is applied and nothing told after it resolved. */
  close(): Promise<void>;
  state(): ServiceState;
  /** Asks how many events wait to be applied, by kind; nothing of a kind of which that is not known. Bounded, never throws. */
  pending(): Promise<readonly { readonly kind: BotKind; readonly count: number }[]>;
  /** Events that came more than once since the start. */
  readonly redelivered: number;
  /** Since the start. */
  readonly tally: EventTally;
  /** What happened in the last hours that may have left bots as they were before, for people; a few sentences. */
  readonly told: readonly string[];
  /** Why the last change of this bot was not applied; null: it was, or that is hours ago. */
  refusalOf(botId: string): RefusedChange | null;
}

export interface EventTally {
  /** `stale`: something later had been applied before. `missed`: never read, as far as that is known. */
  readonly events: Readonly<Record<'applied' | 'stale' | 'refused' | 'missed', number>>;
  /** See {@link GapCause}: how often. */
  readonly gaps: Readonly<Record<GapCause, number>>;
}

/**
 * Why events were never read. `expired`: the stream had dropped them. `replaced`: it was made anew, or went back to an older
 * state. `unheard`: there was no stream to keep them, and NATS was away.
 */
export type GapCause = 'expired' | 'replaced' | 'unheard';

export interface RefusedChange {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Holds nothing of the event's content. */
  readonly reason: string;
}

export interface EventFeedListener {
  /** The bot's document was written just now: whoever reads it may look at once. */
  applied(botId: string): void;
  /** Shown to people; holds nothing of an event's content. */
  trouble(error: Error): void;
}
