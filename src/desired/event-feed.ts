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
}

export interface EventFeedListener {
  /** The bot's document was written just now: whoever reads it may look at once. */
  applied(botId: string): void;
  /** Shown to people; holds nothing of an event's content. */
  trouble(error: Error): void;
}
