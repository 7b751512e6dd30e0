import type { NatsConnection } from 'nats';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { LinkedAbort } from '../../linked-abort.ts';
import { Pauses, pause } from '../../pause.ts';
import type { EventFeed, EventFeedListener, EventTally, RefusedChange } from '../event-feed.ts';
import type { EventStore } from '../event-store.ts';
import { type ServiceState, USABLE, unusable } from '../service-state.ts';
import { ToldTroubles } from '../told-troubles.ts';
import { CoreFollower, type CoreOptions } from './core-follower.ts';
import { type ApplierOptions, EventApplier } from './event-applier.ts';
import { EventRecord, type RecordOptions } from './event-record.ts';
import { FeedError, meaningOf } from './feed-error.ts';
import { type ConnectionLimits, connectNats } from './nats-servers.ts';
import { StreamFollower, type StreamOptions } from './stream-follower.ts';
import { DURABLES, STREAM } from './subjects.ts';

/** Longest wait for the server's word on how far the feed is behind. */
const ASK_MS = 1_500;

export interface NatsFeedOptions extends ConnectionLimits, ApplierOptions, StreamOptions, CoreOptions, RecordOptions {
  /** Addresses as contract 1.2 has them; may hold a password. */
  readonly servers: string;
  readonly kinds: readonly BotKind[];
  /** How long the start waits for a connection … */
  readonly connectWaitMs: number;
  /** … and then for all events that waited to be applied. */
  readonly backlogWaitMs: number;
  /** When the store has not taken an event for this long, the feed counts as not usable. */
  readonly heldToldMs: number;
}

/**
 * Lifecycle events from NATS (contract 3). From the stream that the API makes, with a durable consumer for each kind;
 * while there is none, from the subjects themselves. Never from both at once.
 */
export class NatsFeed implements EventFeed {
  readonly #store: EventStore;
  readonly #options: NatsFeedOptions;
  readonly #closing = new AbortController();
  readonly #record: EventRecord;
  readonly #connected = Promise.withResolvers<void>();
  /** Kinds whose waiting events are not all applied yet. */
  readonly #behind = new Map<BotKind, PromiseWithResolvers<void>>();
  /** Those of the connection there is now. */
  readonly #appliers = new Map<BotKind, EventApplier>();
  /** Kinds that follow the subjects themselves: what comes while NATS is away is lost to them. */
  readonly #unkept = new Set<BotKind>();
  /** Of these, those for which NATS was away, until it is told. */
  readonly #deaf = new Set<BotKind>();
  /** How often the connection broke. */
  #breaks = 0;
  #isUp = false;
  /** Aborted and made anew when the connection comes back: everything is looked at again then. */
  #round = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #listener: EventFeedListener | null = null;
  #connection: NatsConnection | null = null;
  #redelivered = 0;

  constructor(store: EventStore, options: NatsFeedOptions) {
    this.#store = store;
    this.#options = options;
    this.#record = new EventRecord(options);
    for (const kind of options.kinds) this.#behind.set(kind, Promise.withResolvers());
  }

  async start(listener: EventFeedListener): Promise<void> {
    this.#listener = listener;
    this.#running = this.#run({
      applied: (botId) => this.#listener?.applied(botId),
      trouble: (error) => this.#listener?.trouble(error),
    });
    const { connectWaitMs, backlogWaitMs } = this.#options;
    if (!(await inTime(this.#connected.promise, connectWaitMs, this.#closing.signal))) return;
    const caughtUp = Promise.all([...this.#behind.values()].map(({ promise }) => promise));
    if (await inTime(caughtUp, backlogWaitMs, this.#closing.signal)) return;
    if (!this.#closing.signal.aborted) this.#listener?.trouble(notCaughtUp(backlogWaitMs));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#round.abort();
    await this.#running;
    this.#listener = null;
  }

  state(): ServiceState {
    if (!this.#isUp) return unusable('NATS is not connected');
    if (this.#behind.size > 0) return unusable('lifecycle events that waited in NATS are still being applied');
    const held = this.#longestHeld;
    if (held !== null && held.forMs >= this.#options.heldToldMs) {
      return unusable(`lifecycle events are held for ${Math.round(held.forMs / 1000)} s now (${held.cause})`);
    }
    const { told } = this.#record;
    return told.length === 0 ? USABLE : { usable: true, remark: told.join(' ') };
  }

  get #longestHeld(): EventApplier['held'] {
    const all = [...this.#appliers.values()].flatMap(({ held }) => (held === null ? [] : [held]));
    return all.sort((a, b) => b.forMs - a.forMs)[0] ?? null;
  }

  get told(): readonly string[] {
    return this.#record.told;
  }

  get tally(): EventTally {
    return this.#record.tally;
  }

  refusalOf(botId: string): RefusedChange | null {
    return this.#record.refusalOf(botId);
  }

  get redelivered(): number {
    return this.#redelivered;
  }

  async pending(): Promise<{ readonly kind: BotKind; readonly count: number }[]> {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return [];
    const asked = this.#options.kinds.map(async (kind) => {
      // Without the check, which asks for the account's limits and fails where that is not allowed.
      const manager = await connection.jetstreamManager({ checkAPI: false, timeout: ASK_MS });
      const { num_pending, num_ack_pending } = await manager.consumers.info(STREAM, DURABLES[kind]);
      return { kind, count: num_pending + num_ack_pending };
    });
    // There is no consumer yet, or no stream, or no answer.
    return (await Promise.allSettled(asked)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async #run(listener: EventFeedListener): Promise<void> {
    const { signal } = this.#closing;
    const troubles = new ToldTroubles((error) => listener.trouble(error));
    const pauses = new Pauses(this.#options.reconnectMs, 10 * this.#options.reconnectMs);
    while (!signal.aborted) {
      try {
        const connection = await connectNats(this.#options.servers, 'the0-runtime', this.#options);
        troubles.mended('connection');
        pauses.reset();
        await this.#use(connection, listener, troubles);
      } catch (error) {
        troubles.tell('connection', unreachable(error));
      }
      this.#isUp = false;
      if (!signal.aborted) await pauses.wait(signal);
    }
  }

  /** Resolves when the connection is closed for good, or this is. */
  async #use(connection: NatsConnection, listener: EventFeedListener, troubles: ToldTroubles): Promise<void> {
    this.#isUp = true;
    this.#connection = connection;
    const lost = new LinkedAbort([this.#closing.signal]);
    // Not waited for: the client does not always end it with the connection.
    void this.#watch(connection, troubles);
    void connection.closed().then(() => {
      this.#broke();
      lost.abort();
      this.#round.abort();
    });
    this.#connected.resolve();
    try {
      await Promise.all(this.#options.kinds.map((kind) => this.#follow(kind, connection, listener, lost.signal)));
    } finally {
      lost.release();
      this.#connection = null;
      await connection.close();
    }
  }

  async #watch(connection: NatsConnection, troubles: ToldTroubles): Promise<void> {
    for await (const { type } of connection.status()) {
      if (connection.isClosed() || this.#closing.signal.aborted) return;
      if (type === 'disconnect') {
        this.#isUp = false;
        this.#broke();
        troubles.tell('connection', unreachable(new Error('the connection broke')));
      } else if (type === 'reconnect') {
        this.#isUp = true;
        troubles.mended('connection');
        for (const kind of this.#unkept) this.#tellDeaf(kind);
        this.#round.abort();
      }
    }
  }

  #broke(): void {
    this.#breaks += 1;
    for (const kind of this.#unkept) this.#deaf.add(kind);
  }

  /** NATS is heard again. */
  #tellDeaf(kind: BotKind): void {
    // The same for all kinds.
    if (this.#deaf.delete(kind)) this.#appliers.get(kind)?.gap(`break ${this.#breaks}`, 'unheard', unheard(), null);
  }

  async #follow(
    kind: BotKind,
    connection: NatsConnection,
    listener: EventFeedListener,
    signal: AbortSignal,
  ): Promise<void> {
    const applier = new EventApplier(kind, this.#store, listener, this.#record, signal, this.#options);
    this.#appliers.set(kind, applier);
    const streamed = new StreamFollower(connection, applier, this.#options, () => {
      this.#redelivered += 1;
    });
    const pauses = new Pauses(this.#options.retryMs, this.#options.longestRetryMs);
    const caughtUp = () => {
      pauses.reset();
      applier.mended('stream');
      this.#tellDeaf(kind);
      this.#behind.get(kind)?.resolve();
      this.#behind.delete(kind);
    };
    while (!signal.aborted) {
      const round = this.#newRound(signal);
      try {
        const stream = await streamed.findStream();
        if (stream !== null) {
          await streamed.follow(stream, caughtUp, round.signal);
        } else {
          const core = new CoreFollower(connection, applier, this.#options);
          const listening = () => {
            this.#unkept.add(kind);
            caughtUp();
          };
          const hasStream = async () => {
            try {
              const found = await streamed.findStream();
              applier.mended('stream');
              return found !== null;
            } catch (error) {
              // The subjects are followed on meanwhile: what came in a pause would be lost.
              if (this.#isUp) applier.trouble('stream', streamUnusable(error));
              return false;
            }
          };
          await core.follow(listening, hasStream, signal).finally(() => this.#unkept.delete(kind));
        }
        // Not at once: a stream that is removed and made again and again must not become a loop.
        await pause(this.#options.retryMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        // While the connection is away this is no news.
        if (this.#isUp) applier.trouble('stream', streamUnusable(error));
        await pauses.wait(signal);
      } finally {
        round.release();
      }
    }
  }

  #newRound(signal: AbortSignal): LinkedAbort {
    if (this.#round.signal.aborted) this.#round = new AbortController();
    return new LinkedAbort([signal, this.#round.signal]);
  }
}

/** @returns whether it was settled before the time was over */
async function inTime(promise: Promise<unknown>, ms: number, signal: AbortSignal): Promise<boolean> {
  const over = new LinkedAbort([signal]);
  const late = pause(ms, over.signal).then(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    over.abort();
  }
}

function unreachable(cause: unknown): FeedError {
  return new FeedError(
    'nats-unreachable',
    `NATS cannot be reached (${meaningOf(cause)}); changes of bots are not heard of`,
    'It is tried for ever. Is NATS up, and is its address right (NATS_URL)?',
  );
}

function notCaughtUp(ms: number): FeedError {
  return new FeedError(
    'nats-backlog-not-reached',
    `the lifecycle events that waited in NATS were not all applied within ${Math.round(ms / 1000)} s; bots are started from what MongoDB holds now`,
    'They are applied as soon as possible, and bots are changed then.',
  );
}

function unheard(): FeedError {
  return new FeedError(
    'nats-events-unheard',
    'lifecycle events that came while NATS was away, or the way to it, are lost: there is no stream that keeps them',
    'Bots that were changed in that time may still run as before: save them once more where they come from.',
  );
}

function streamUnusable(cause: unknown): FeedError {
  return new FeedError(
    'nats-stream-unusable',
    `the stream of lifecycle events cannot be followed (${meaningOf(cause)})`,
    'It is tried again and again. May the user of NATS_URL use JetStream and make consumers?',
  );
}
