import type { Readable } from 'node:stream';
import { Pauses } from '../../pause.ts';
import { detailOf, isTimeout } from './docker-errors.ts';
import { type ContainerEvent, LineSplitter, parseEvent } from './event-stream.ts';

/** Longest document taken from the stream, in characters; one holds all labels of a container. */
const LARGEST_EVENT = 1024 * 1024;
/** Docker's list lags behind its events by some 50 ms: what changed just before the subscription is found by a second look. */
const SECOND_LOOK_MS = 2_000;

/** An open subscription; `ended` resolves with the cause of its end. */
interface Connection {
  readonly ended: Promise<unknown>;
}

/** In milliseconds. */
export interface WatchIntervals {
  readonly resyncMs: number;
  /** Between attempts to connect again: the first pause, and the longest. */
  readonly reconnect: { readonly firstMs: number; readonly capMs: number };
}

export interface WatchDuties {
  /** Subscribes. */
  readonly connect: () => Promise<Readable>;
  /**
   * Lists and compares; one call at a time on a connection.
   * @param first whether this is the first list on this connection
   * @param lost aborted when the connection is: then the next one's first list tells everything, and this one may end
   */
  readonly compare: (first: boolean, lost: AbortSignal) => Promise<void>;
  readonly changed: (event: ContainerEvent) => void;
  /** Whether Docker says anything at all. */
  readonly answers: () => Promise<boolean>;
  /** Called at a loss, and again when what keeps it from coming back is something else. */
  readonly lost: (error: unknown) => void;
}

/**
 * Keeps one subscription alive for ever: subscribe, list, then follow; when the stream ends, the same again.
 *
 *     connect ──► compare(first) ──► follow … compare every resyncMs … ──► ended
 *        ▲                                                                   │ lost
 *        └──────────────────── pause, doubling every time ◄──────────────────┘
 *
 * Nothing is buffered: events are applied as they come, also while a list is under way, and the comparison leaves alone
 * what changed after it was asked for.
 */
export class EventWatch {
  readonly #duties: WatchDuties;
  readonly #intervals: WatchIntervals;
  #stream: Readable | null = null;
  /** The first list of this connection has been compared. */
  #isOpen = false;
  #isAsking = false;
  readonly #closing = new AbortController();

  constructor(duties: WatchDuties, intervals: WatchIntervals) {
    this.#duties = duties;
    this.#intervals = intervals;
  }

  /** Resolves after the first list. @throws what `connect` or `compare` threw, and then does not go on */
  async start(): Promise<void> {
    void this.#keepOpen(await this.#open());
  }

  /**
   * A call found Docker unreachable: look again from the start, so that everybody learns when it is back. If the call only had
   * no answer in time, that may be one container's trouble, and Docker is asked first. While it is being looked from the
   * start nothing is in doubt: that very look will tell.
   */
  doubt(error: Error): void {
    const stream = this.#stream;
    if (stream === null || !this.#isOpen || this.#isAsking) return;
    if (!isTimeout(error)) {
      stream.destroy(error);
      return;
    }
    this.#isAsking = true;
    void this.#duties
      .answers()
      .then(
        (answers) => {
          if (!answers) stream.destroy(error);
        },
        () => stream.destroy(error),
      )
      .finally(() => {
        this.#isAsking = false;
      });
  }

  close(): void {
    this.#closing.abort();
    this.#stream?.destroy();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #keepOpen(first: Connection): Promise<void> {
    let connection: Connection | null = first;
    while (connection !== null) {
      const error = await connection.ended;
      this.#isOpen = false;
      if (this.#isClosed) return;
      this.#duties.lost(error);
      connection = await this.#reopen(error);
    }
  }

  /** @param cause of the loss @returns null when closed meanwhile */
  async #reopen(cause: unknown): Promise<Connection | null> {
    const { firstMs, capMs } = this.#intervals.reconnect;
    const pauses = new Pauses(firstMs, capMs);
    let told = detailOf(cause);
    while (!this.#isClosed) {
      try {
        return await this.#open();
      } catch (error) {
        // That it lasts is no news.
        if (!this.#isClosed && detailOf(error) !== told) this.#duties.lost(error);
        told = detailOf(error);
        await pauses.wait(this.#closing.signal);
      }
    }
    return null;
  }

  async #open(): Promise<Connection> {
    const stream = await this.#duties.connect();
    this.#stream = stream;
    if (this.#isClosed) stream.destroy();
    const lost = new AbortController();
    stream.once('close', () => lost.abort());
    const ended = this.#follow(stream);
    try {
      await Promise.race([this.#duties.compare(true, lost.signal), ended.then((error) => Promise.reject(error))]);
    } catch (error) {
      stream.destroy();
      throw error;
    }
    this.#isOpen = !stream.destroyed;
    this.#compareNowAndThen(stream, lost.signal);
    return { ended };
  }

  #follow(stream: Readable): Promise<unknown> {
    const lines = new LineSplitter(LARGEST_EVENT);
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const line of lines.push(chunk)) {
          const event = parseEvent(line);
          if (event !== null) this.#duties.changed(event);
        }
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    return new Promise((resolve) => {
      stream.once('error', resolve);
      stream.once('close', () => resolve(new Error('Docker ended the event stream')));
      stream.once('end', () => stream.destroy());
    });
  }

  #compareNowAndThen(stream: Readable, lost: AbortSignal): void {
    let timer: NodeJS.Timeout | undefined;
    const next = (afterMs: number) => {
      if (stream.destroyed) return;
      timer = setTimeout(() => {
        this.#duties.compare(false, lost).then(
          () => next(this.#intervals.resyncMs),
          (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
        );
      }, afterMs);
    };
    next(Math.min(SECOND_LOOK_MS, this.#intervals.resyncMs));
    stream.once('close', () => clearTimeout(timer));
  }
}
