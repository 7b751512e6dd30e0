import type { BotKind } from '../../actors/bot-spec.ts';
import type { LifecycleEvent, StreamPlace } from './lifecycle-event.ts';

/**
 * Port: where lifecycle events are written to.
 *
 * The caller writes the events of one bot one after the other, in their order; the store makes sure that an event which is
 * not later than what it holds changes nothing, so writing one twice, or an old one late, is harmless.
 */
export interface EventStore {
  /**
   * @throws EventRefused when this event can never be written
   * @throws Error for everything else: the store cannot do it now, and the event must be kept and tried again. Its message
   *   holds nothing of the event
   */
  apply(event: LifecycleEvent): Promise<EventOutcome>;
  /** Up to which place all events of this kind were applied; null when none ever was. @throws as `apply` */
  appliedUpTo(kind: BotKind): Promise<NotedPlace | null>;
  /** An earlier place than the one that is kept changes nothing. */
  saveAppliedUpTo(kind: BotKind, place: ReachedPlace): Promise<void>;
}

/** How far a stream was read, and how that stream is known again. */
export interface ReachedPlace extends StreamPlace {
  /** When the stream was made, by the clock of NATS, ms since 1970. */
  readonly created: number;
  /** When the event with this number came, by the same clock; null: not known. */
  readonly lastAt: number | null;
  /** Events behind this place that came until then were applied in an earlier life of the stream; null: there are none. */
  readonly oldUntil: number | null;
}

export interface NotedPlace extends ReachedPlace {
  /** By our clock, ms since 1970. */
  readonly notedAt: number;
}

/** `outdated`: something later had been applied before. `unchanged`: there was nothing to do. */
export type EventOutcome = 'applied' | 'unchanged' | 'outdated';

/** The event is no good. The message says why and holds nothing of its content. */
export class EventRefused extends Error {
  readonly code = 'event-refused';

  constructor(message: string) {
    super(message);
    this.name = 'EventRefused';
  }
}
