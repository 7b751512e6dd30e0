import type { BotKind } from '../../../actors/bot-spec.ts';
import { Pauses } from '../../pause.ts';
import type { EventFeedListener, GapCause } from '../event-feed.ts';
import { EventRefused, type EventStore } from '../event-store.ts';
import type { StreamPlace } from '../lifecycle-event.ts';
import { ToldTroubles } from '../told-troubles.ts';
import { botIdIn, parseEvent } from './event-payload.ts';
import type { EventRecord } from './event-record.ts';
import { FeedError, meaningOf } from './feed-error.ts';
import { changeOf } from './subjects.ts';

export interface ApplierOptions {
  /** Pauses between tries to write an event while the store cannot. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

/** `held`: this feed is closing; the event was not written. */
export type Applied =
  | { readonly is: 'done' }
  | { readonly is: 'refused'; readonly reason: string }
  | { readonly is: 'held' };

interface Held {
  /** When the first try failed, ms of a clock that only goes forward. */
  readonly since: number;
  /** Why the last try failed; for people. */
  cause: string;
}

/** Writes messages into the store; holds on to each until it is written, refused for good, or the feed closes. */
export class EventApplier {
  readonly kind: BotKind;
  readonly store: EventStore;
  readonly #options: ApplierOptions;
  readonly #listener: EventFeedListener;
  readonly #record: EventRecord;
  readonly #troubles: ToldTroubles;
  readonly #closing: AbortSignal;
  readonly #held = new Set<Held>();

  constructor(
    kind: BotKind,
    store: EventStore,
    listener: EventFeedListener,
    record: EventRecord,
    closing: AbortSignal,
    options: ApplierOptions,
  ) {
    this.kind = kind;
    this.store = store;
    this.#options = options;
    this.#listener = listener;
    this.#record = record;
    this.#troubles = new ToldTroubles((error) => listener.trouble(error));
    this.#closing = closing;
  }

  /** Never throws. */
  async apply(subject: string, payload: Uint8Array, place: StreamPlace | null): Promise<Applied> {
    try {
      const change = changeOf(subject);
      if (change === null) throw new EventRefused('its subject is none of a lifecycle event');
      const event = { ...parseEvent(this.kind, change, payload), kind: this.kind, place };
      const outcome = await this.persist(() => this.store.apply(event));
      if (outcome === null) return { is: 'held' };
      this.#record.done(event.botId, place, outcome === 'outdated');
      if (outcome === 'applied') this.#listener.applied(event.botId);
      return { is: 'done' };
    } catch (error) {
      if (!(error instanceof EventRefused)) throw error;
      this.refused(subject, payload, place, error.message);
      return { is: 'refused', reason: error.message };
    }
  }

  /** @param reason holds nothing of the payload */
  refused(subject: string, payload: Uint8Array, place: StreamPlace | null, reason: string): void {
    const which = place === null ? '' : ` (number ${place.sequence} of the stream)`;
    const message = `a message on ${subject}${which} was not applied: ${reason}`;
    const hint = 'It is not tried again. Save the bot once more where it comes from.';
    this.#record.refused(botIdIn(payload), place, reason, message);
    this.#listener.trouble(new FeedError('nats-event-refused', message, hint));
  }

  /** Events were never read. @param missed how many at most; null: nobody knows */
  gap(topic: string, cause: GapCause, error: FeedError, missed: number | null): void {
    this.#record.gap(topic, cause, error, missed);
    this.#troubles.tell(topic, error);
  }

  /** One event was not kept. */
  dropped(topic: string, error: FeedError): void {
    this.#record.dropped(error);
    this.#troubles.tell(topic, error);
  }

  trouble(topic: string, error: Error): void {
    this.#troubles.tell(topic, error);
  }

  mended(topic: string): void {
    this.#troubles.mended(topic);
  }

  /** What the store does not take for the longest time; null: it takes everything. `cause` is for people. */
  get held(): { readonly forMs: number; readonly cause: string } | null {
    const [oldest] = this.#held;
    return oldest === undefined ? null : { forMs: performance.now() - oldest.since, cause: oldest.cause };
  }

  /** Tries until it works. @returns null when the feed closes first @throws EventRefused */
  async persist<Result>(write: () => Promise<Result>): Promise<Result | null> {
    const pauses = new Pauses(this.#options.retryMs, this.#options.longestRetryMs);
    let held: Held | null = null;
    try {
      while (!this.#closing.aborted) {
        try {
          const result = await write();
          this.#troubles.mended('store');
          return result;
        } catch (error) {
          if (error instanceof EventRefused) throw error;
          held ??= { since: performance.now(), cause: '' };
          held.cause = meaningOf(error);
          this.#held.add(held);
          this.#troubles.tell('store', heldBack(error));
          await pauses.wait(this.#closing);
        }
      }
      return null;
    } finally {
      if (held !== null) this.#held.delete(held);
    }
  }
}

function heldBack(cause: unknown): FeedError {
  return new FeedError(
    'nats-event-held',
    `a lifecycle event cannot be stored now (${meaningOf(cause)}); it and those after it are held`,
    'It is tried until it works. Is MongoDB up?',
  );
}
