import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  nanos,
  type StreamInfo,
} from 'nats';
import type { ReachedPlace } from '../event-store.ts';
import { applyBacklog, type BacklogOptions, isNotFound, storedMessage } from './backlog.ts';
import type { EventApplier } from './event-applier.ts';
import { FeedError } from './feed-error.ts';
import { type Resumption, resume } from './stream-life.ts';
import { DURABLES, STREAM, SUBJECTS } from './subjects.ts';

export interface StreamOptions extends BacklogOptions {
  /** After this long without a sign of life a message counts as lost on its way, and is sent again. */
  readonly ackWaitMs: number;
  /** How often it is noted how far all events were applied. */
  readonly noteMs: number;
  /** How long the store remembers a deletion; an event that is kept for longer can bring a deleted bot back. */
  readonly deletionsKeptMs: number;
}

/**
 * Follows the stream of events with a durable consumer. One message at a time is on its way (`max_ack_pending` 1), so the
 * order holds also when one must be held, or the runtime ends in the middle of one.
 */
export class StreamFollower {
  readonly #connection: NatsConnection;
  readonly #applier: EventApplier;
  readonly #options: StreamOptions;
  readonly #redelivered: () => void;

  /** @param redelivered called for each message that came before */
  constructor(connection: NatsConnection, applier: EventApplier, options: StreamOptions, redelivered: () => void) {
    this.#connection = connection;
    this.#applier = applier;
    this.#options = options;
    this.#redelivered = redelivered;
  }

  /** Null when there is no stream, or no JetStream at all. @throws NatsError */
  async findStream(): Promise<StreamInfo | null> {
    try {
      return await (await this.#manager()).streams.info(STREAM);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /**
   * Resolves when `signal` is aborted, or the stream or consumer is not there any more.
   * @param caughtUp called when everything that waited was applied
   * @throws NatsError when the server fails in the middle
   */
  async follow(stream: StreamInfo, caughtUp: () => void, signal: AbortSignal): Promise<void> {
    this.#tellShortMemory(stream.config.max_age / 1e6);
    const manager = await this.#manager();
    const place = await this.#catchUp(manager, signal);
    if (place === null) return;
    await this.#ensureConsumer(manager, place);
    caughtUp();
    const consumer = await this.#connection.jetstream().consumers.get(STREAM, DURABLES[this.#applier.kind]);
    const messages = await consumer.consume({ max_messages: 10, abort_on_missing_resource: true });
    const ended = new AbortController();
    const end = () => messages.stop();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    let done = place;
    const notes = this.#keepNotes(manager, () => done, messages, ended.signal);
    try {
      for await (const message of messages) {
        if (!(await this.#handle(message, place))) break;
        if (message.seq > done.sequence) {
          done = { ...place, sequence: message.seq, lastAt: Math.floor(message.info.timestampNanos / 1e6) };
        }
      }
    } finally {
      ended.abort();
      signal.removeEventListener('abort', end);
      messages.stop();
      await notes;
      await this.#noteEnd(done, place);
    }
  }

  /** So that the next start need not read again what came since the last note. */
  async #noteEnd(done: ReachedPlace, noted: ReachedPlace): Promise<void> {
    const { kind, store } = this.#applier;
    try {
      if (done.sequence > noted.sequence) await store.saveAppliedUpTo(kind, done);
    } catch (error) {
      // Then it reads it again, which does no harm.
      if (!(error instanceof Error)) throw error;
    }
  }

  async #manager(): Promise<JetStreamManager> {
    // Without the check, which asks for the account's limits and fails where that is not allowed.
    return await this.#connection.jetstreamManager({ checkAPI: false });
  }

  /** @returns up to where everything is applied; null when `signal` was aborted before, or the stream is gone */
  async #catchUp(manager: JetStreamManager, signal: AbortSignal): Promise<ReachedPlace | null> {
    const { kind, store } = this.#applier;
    const before = await this.#applier.persist(async () => ({ place: await store.appliedUpTo(kind) }));
    if (before === null) return null;
    const placeAt = await this.#timeOf(manager, before.place?.sequence ?? 0);
    // Looked at after the place was read: whoever noted it before had seen no more than this.
    const stream = await this.findStream();
    if (stream === null) return null;
    const created = Date.parse(stream.created);
    const { first_seq: first, last_seq: last, last_ts: lastTime } = stream.state;
    const resumption = resume(before.place, { created, first, last, placeAt, now: timeIn(stream) });
    this.#tellGap(before.place, resumption, stream);
    const { epoch, after, oldUntil, life } = resumption;
    if (life === 'anew' || life === 'back') {
      // Before anything of it: the next start must know this life by the same epoch.
      const begun = { epoch, sequence: after, created, lastAt: null, oldUntil };
      if ((await this.#note(begun)) === null) return null;
    }
    const backlog = { epoch, from: Math.max(first, after + 1, 1), to: last, oldUntil };
    const jetStream = this.#connection.jetstream();
    await applyBacklog(jetStream, manager, this.#applier, backlog, this.#options, signal);
    if (signal.aborted) return null;
    return await this.#note({ epoch, sequence: last, created, lastAt: Date.parse(lastTime), oldUntil: null });
  }

  async #note(place: ReachedPlace): Promise<ReachedPlace | null> {
    const { kind, store } = this.#applier;
    return await this.#applier.persist(async () => {
      await store.saveAppliedUpTo(kind, place);
      return place;
    });
  }

  /** When the event with this number came, ms since 1970; null when there is none. */
  async #timeOf(manager: JetStreamManager, sequence: number): Promise<number | null> {
    const message = sequence > 0 ? await storedMessage(manager, sequence) : null;
    return message?.time.getTime() ?? null;
  }

  /** What was lost with a former life of the stream, or dropped because of its age before it was read. */
  #tellGap(before: ReachedPlace | null, { life, epoch, after }: Resumption, { state }: StreamInfo): void {
    if (before === null) return;
    const hint =
      'Bots that were changed in that time may still run as before: save them once more where they come from.';
    const { first_seq: first, last_seq: last } = state;
    if (life === 'anew') {
      const message = `the stream ${STREAM} was made anew; events in the old one that were not read yet are lost`;
      this.#applier.gap(`epoch ${epoch}`, 'replaced', new FeedError('nats-stream-replaced', message, hint), null);
    } else if (life === 'back') {
      const message =
        `the stream ${STREAM} went back: it was restored from an older copy, or has lost what was written last (event ` +
        `${before.sequence} had been read, its last one now is ${last}); events in between that were not read yet are lost`;
      this.#applier.gap(`epoch ${epoch}`, 'replaced', new FeedError('nats-stream-replaced', message, hint), null);
    } else if (first > after + 1) {
      const missed = first - after - 1;
      const message = `up to ${missed} lifecycle events expired in the stream ${STREAM} before they were read`;
      const error = new FeedError('nats-events-missed', message, hint);
      this.#applier.gap(`gap before ${first} of ${epoch}`, 'expired', error, missed);
    }
  }

  /** @param eventsKeptMs 0: for ever */
  #tellShortMemory(eventsKeptMs: number): void {
    const topic = 'short memory';
    if (eventsKeptMs > 0 && eventsKeptMs <= this.#options.deletionsKeptMs) {
      this.#applier.mended(topic);
      return;
    }
    const kept = eventsKeptMs === 0 ? 'for ever' : `for ${inHours(eventsKeptMs)}`;
    const message =
      `the stream ${STREAM} keeps events ${kept}, but deletions of bots are remembered for ` +
      `${inHours(this.#options.deletionsKeptMs)} only; an old event that is read again could bring a deleted bot back`;
    const hint =
      'Let deletions be remembered for longer (THE0_TOMBSTONE_AGE, --tombstone-age), or the stream keep less.';
    this.#applier.trouble(topic, new FeedError('nats-events-outlive-deletions', message, hint));
  }

  /** One that stands right behind `place`: what was applied from the backlog is not sent again. */
  async #ensureConsumer(manager: JetStreamManager, place: ReachedPlace): Promise<void> {
    const name = DURABLES[this.#applier.kind];
    const found = await this.#consumerInfo(manager, name);
    const isBehind = found !== null && (found.num_pending > 0 || found.num_ack_pending > 0);
    // It has seen what the stream has lost, and would leave out what gets the same numbers.
    const isAhead = found !== null && found.delivered.stream_seq > place.sequence;
    const filter = SUBJECTS[this.#applier.kind];
    const ackWait = nanos(this.#options.ackWaitMs);
    const isAsWanted =
      found?.config.max_ack_pending === 1 &&
      found.config.ack_wait === ackWait &&
      found.config.filter_subject === filter &&
      found.config.filter_subjects === undefined;
    if (isAsWanted && !isBehind && !isAhead) return;
    if (found !== null) await manager.consumers.delete(STREAM, name);
    await manager.consumers.add(STREAM, {
      durable_name: name,
      description: 'the0 runtime',
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWait,
      max_ack_pending: 1,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: place.sequence + 1,
    });
  }

  async #consumerInfo(manager: JetStreamManager, name: string) {
    try {
      return await manager.consumers.info(STREAM, name);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** @returns false when the feed is closing */
  async #handle(message: JsMsg, place: ReachedPlace): Promise<boolean> {
    if (message.redelivered) this.#redelivered();
    if (message.seq <= place.sequence) {
      message.ack();
      return true;
    }
    const alive = setInterval(() => message.working(), this.#options.ackWaitMs / 3);
    try {
      const { epoch } = place;
      const applied = await this.#applier.apply(message.subject, message.data, { epoch, sequence: message.seq });
      switch (applied.is) {
        case 'done':
          message.ack();
          return true;
        case 'refused':
          message.term(applied.reason);
          return true;
        case 'held':
          return false;
      }
    } finally {
      clearInterval(alive);
    }
  }

  /**
   * Notes from time to time up to where all is applied, also past events of the other kind: so the next start reads little,
   * and a gap is seen for certain. Sees too when the stream was replaced, or has gone back.
   * @param done up to which place all was applied
   */
  async #keepNotes(
    manager: JetStreamManager,
    done: () => ReachedPlace,
    messages: ConsumerMessages,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind, store } = this.#applier;
    let busy: Promise<void> = Promise.resolve();
    let noted = 0;
    const note = async () => {
      const { epoch, created, sequence } = done();
      const stream = await this.findStream();
      const last = stream?.state.last_seq ?? 0;
      if (stream === null || Date.parse(stream.created) !== created || last < Math.max(sequence, noted)) {
        messages.stop();
        return;
      }
      // In this order: what came in between is pending.
      const consumer = await this.#consumerInfo(manager, DURABLES[kind]);
      if (consumer === null) messages.stop();
      else if (consumer.num_pending === 0 && consumer.num_ack_pending === 0) {
        const lastAt = Date.parse(stream.state.last_ts);
        await store.saveAppliedUpTo(kind, { epoch, sequence: last, created, lastAt, oldUntil: null });
        noted = last;
      }
    };
    const timer = setInterval(() => {
      // A server that is away is told of where events are read and written; here the next time is soon.
      busy = note().catch(() => {});
    }, this.#options.noteMs);
    timer.unref();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearInterval(timer);
    await busy;
  }
}

/** What the server's clock shows, ms since 1970; null when it does not say (before version 2.10). */
function timeIn(stream: StreamInfo): number | null {
  return 'ts' in stream && typeof stream.ts === 'string' ? Date.parse(stream.ts) : null;
}

function inHours(ms: number): string {
  return `${Math.round(ms / 3_600_000)} h`;
}
