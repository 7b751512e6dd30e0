import type { ChangeStream, ChangeStreamDocument, Collection, Document } from 'mongodb';
import { Pauses, pause } from '../../pause.ts';
import { isUnsupported } from './mongo-error.ts';

export interface ChangeStreamListener {
  /** The stream sees everything from now on; what was before must be read. */
  opened(): void;
  /** A document may have changed; `botId` is the id it has now, if it has one. */
  changed(key: unknown, botId: unknown): void;
  /** Which document changed is not known. */
  changedSomewhere(): void;
  /** It is tried again; until then nothing is seen. */
  broken(error: unknown): void;
  /** The server has none, or none in its set-up (a single server without a replica set). */
  unsupported(): void;
}

export interface ChangeStreamOptions {
  readonly retryMs: number;
  readonly longestRetryMs: number;
  /** How often a server without change streams is asked again. */
  readonly supportCheckMs: number;
  /**
   * MongoDB itself answers a read of a stream when there is something, or after a second. Servers that only speak its protocol
   * may answer at once that there is nothing; so long is waited before the next read then, and longer and longer as long as
   * nothing comes.
   */
  readonly emptyPauseMs: number;
  readonly longestEmptyPauseMs: number;
}

/** Only who, never what: the document is read again, without its large parts. */
const WHO = [{ $project: { operationType: 1, documentKey: 1, 'fullDocument._id': 1, 'fullDocument.id': 1 } }];

/**
 * Keeps a change stream of a collection open. The driver itself resumes it after a short failure without a loss; after a
 * longer one it is opened anew, and the listener is told to read everything.
 */
export class BotChangeStream {
  readonly #collection: Collection<Document>;
  readonly #listener: ChangeStreamListener;
  readonly #options: ChangeStreamOptions;
  readonly #closing = new AbortController();
  readonly #firstTry = Promise.withResolvers<void>();
  #stream: ChangeStream | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(collection: Collection<Document>, listener: ChangeStreamListener, options: ChangeStreamOptions) {
    this.#collection = collection;
    this.#listener = listener;
    this.#options = options;
  }

  /** Resolves when it is open, or the first try failed. */
  async start(): Promise<void> {
    this.#running = this.#run();
    await this.#firstTry.promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#closeStream();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const pauses = new Pauses(this.#options.retryMs, this.#options.longestRetryMs);
    while (!signal.aborted) {
      try {
        await this.#follow(pauses);
        // An invalidated stream ends by itself: the collection was dropped or renamed.
        await pauses.wait(signal);
      } catch (error) {
        if (signal.aborted) break;
        const supported = !isUnsupported(error);
        if (supported) this.#listener.broken(error);
        else this.#listener.unsupported();
        this.#firstTry.resolve();
        await (supported ? pauses.wait(signal) : pause(this.#options.supportCheckMs, signal));
      } finally {
        await this.#closeStream();
      }
    }
    this.#firstTry.resolve();
  }

  async #follow(pauses: Pauses): Promise<void> {
    const stream = this.#collection.watch<Document, ChangeStreamDocument>(WHO, { fullDocument: 'updateLookup' });
    this.#stream = stream;
    // Nothing is asked of the server before the first read.
    const first = await stream.tryNext();
    pauses.reset();
    this.#listener.opened();
    this.#firstTry.resolve();
    if (first !== null) this.#tell(first);
    const { emptyPauseMs, longestEmptyPauseMs } = this.#options;
    const whileEmpty = new Pauses(emptyPauseMs, longestEmptyPauseMs);
    const { signal } = this.#closing;
    while (!stream.closed && !signal.aborted) {
      const askedAt = performance.now();
      const event = await stream.tryNext();
      if (event !== null) {
        whileEmpty.reset();
        this.#tell(event);
      } else if (performance.now() - askedAt < longestEmptyPauseMs) await whileEmpty.wait(signal);
    }
  }

  #tell(event: ChangeStreamDocument): void {
    const key: unknown = 'documentKey' in event ? event.documentKey?._id : undefined;
    const full: unknown = 'fullDocument' in event ? event.fullDocument : undefined;
    const document = typeof full === 'object' && full !== null ? full : {};
    const known = key ?? ('_id' in document ? document._id : undefined);
    if (known === undefined) this.#listener.changedSomewhere();
    else this.#listener.changed(known, 'id' in document ? document.id : undefined);
  }

  async #closeStream(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    try {
      await stream?.close();
    } catch (error) {
      // The server is gone, and the cursor with it.
      if (!(error instanceof Error)) throw error;
    }
  }
}
