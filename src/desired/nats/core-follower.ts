import type { NatsConnection } from 'nats';
import { pause } from '../../pause.ts';
import type { EventApplier } from './event-applier.ts';
import { FeedError, meaningOf } from './feed-error.ts';
import { QUEUE_GROUP, SUBJECTS } from './subjects.ts';

export interface CoreOptions {
  /** How often a stream is looked for. */
  readonly streamLookMs: number;
  /** Messages, and bytes of them, that may wait to be written; what comes on top is dropped. */
  readonly mostWaiting: number;
  readonly mostWaitingBytes: number;
}

interface Waiting {
  readonly subject: string;
  readonly data: Uint8Array;
}

/**
 * Follows the subjects themselves where nobody keeps a stream, as the Go runtime does: what is published while this is not
 * connected is lost. Never answers: the reply subject of an event waits for the stream's own answer.
 */
export class CoreFollower {
  readonly #connection: NatsConnection;
  readonly #applier: EventApplier;
  readonly #options: CoreOptions;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #wake: () => void = () => {};

  constructor(connection: NatsConnection, applier: EventApplier, options: CoreOptions) {
    this.#connection = connection;
    this.#applier = applier;
    this.#options = options;
  }

  /**
   * Resolves when `hasStream` says yes, after everything that had come was applied, or when `signal` is aborted.
   * @param caughtUp called when nothing that is published from now on is missed
   */
  async follow(caughtUp: () => void, hasStream: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const subscription = this.#connection.subscribe(SUBJECTS[this.#applier.kind], {
      queue: QUEUE_GROUP,
      callback: (error, { subject, data }) => {
        if (error === null) this.#add({ subject, data });
        else this.#applier.trouble('subscription', notSubscribed(error));
      },
    });
    try {
      await this.#connection.flush();
      caughtUp();
      const stop = new AbortController();
      const writing = this.#write(stop.signal, signal);
      try {
        do await pause(this.#options.streamLookMs, signal);
        while (!signal.aborted && !this.#connection.isClosed() && !(await hasStream()));
      } finally {
        subscription.unsubscribe();
        stop.abort();
        this.#wake();
        await writing;
      }
    } finally {
      subscription.unsubscribe();
    }
  }

  #add(message: Waiting): void {
    const size = this.#bytes + message.data.length;
    if (this.#waiting.length >= this.#options.mostWaiting || size > this.#options.mostWaitingBytes) {
      this.#applier.dropped('overflow', tooMany());
      return;
    }
    this.#bytes = size;
    this.#waiting.push(message);
    this.#wake();
  }

  /** One after the other, until there is nothing left after `stop`, or at once after `closing`: then the rest is lost. */
  async #write(stop: AbortSignal, closing: AbortSignal): Promise<void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#bytes -= next.data.length;
        const { is } = closing.aborted ? { is: 'held' } : await this.#applier.apply(next.subject, next.data, null);
        if (is === 'held') this.#applier.dropped('unwritten', notWritten());
      } else if (closing.aborted) {
        return;
      } else if (stop.aborted) {
        return;
      } else {
        this.#applier.mended('overflow');
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

function tooMany(): FeedError {
  return dropped('too many came while they could not be stored');
}

function notWritten(): FeedError {
  return dropped('the feed ended before they could be stored');
}

function dropped(why: string): FeedError {
  return new FeedError(
    'nats-events-dropped',
    `lifecycle events were dropped: ${why}, and there is no stream that keeps them`,
    'Save the bots that were changed in that time once more where they come from.',
  );
}

function notSubscribed(cause: unknown): FeedError {
  return new FeedError(
    'nats-stream-unusable',
    `lifecycle events cannot be subscribed to (${meaningOf(cause)})`,
    'May the user of NATS_URL subscribe to the0.bot.* and the0.bot-schedule.*?',
  );
}
