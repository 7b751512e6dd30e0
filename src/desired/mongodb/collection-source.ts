import type { Abortable, Document, FindOptions, MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { Pauses, pause } from '../../pause.ts';
import type { DesiredStateListener } from '../desired-state.ts';
import { type ServiceState, USABLE, unusable } from '../service-state.ts';
import type { ToldTroubles } from '../told-troubles.ts';
import { botIdOf, defineBot, NOT_READ } from './bot-document.ts';
import { BotChangeStream, type ChangeStreamOptions } from './change-stream.ts';
import { botsOf, collectionName } from './collections.ts';
import { HeldBots } from './held-bots.ts';
import { cannot, MongoTroubleError } from './mongo-error.ts';

export interface CollectionSourceOptions extends ChangeStreamOptions {
  /** How often all documents are read again while there is no change stream … */
  readonly rereadMs: number;
  /** … and while there is one. */
  readonly watchedRereadMs: number;
  /** Documents that a server sends at once. */
  readonly batch: number;
  /** Of a read of single bots; others wait for it, and a connection may have died without a word. */
  readonly readMs: number;
  /** Bots that wait to be read again, at most; with more everything is read. */
  readonly mostHints: number;
  /** How long changes of which only the collection is known are gathered before everything is read. */
  readonly gatherMs: number;
}

/** What it tells; bots of the other collection may have the same ids, which is not its business. */
export type CollectionListener = Pick<DesiredStateListener, 'changed' | 'removed'>;

/** The rest of the interval is for what follows from what was read. */
const SHARE_UNTIL_READ = 0.95;

/**
 * Follows one collection. Two things read it: a *list* of everything, and *re-reads* of bots that something was heard of.
 *
 *     change stream ──► hint ──► re-read ─┐
 *     lifecycle event ─► hint ──►         ├──► what differs from what is held is told
 *     interval, reopened stream ──► list ─┘
 *
 * A re-read is newer than the page of a list that may be on its way, so a list does not touch what was re-read meanwhile.
 */
export class CollectionSource {
  readonly #kind: BotKind;
  readonly #client: MongoClient;
  readonly #options: CollectionSourceOptions;
  readonly #listener: CollectionListener;
  readonly #troubles: ToldTroubles;
  readonly #stream: BotChangeStream;
  readonly #held = new HeldBots();
  readonly #closing = new AbortController();
  readonly #hints = new Set<string>();
  /** Bots that were re-read since the list that is under way began; null when none is. */
  #reread: Set<string> | null = null;
  #rereading: Promise<void> | null = null;
  /** The last of the reads of single bots, each of which waits for the one before. */
  #reading: Promise<void> = Promise.resolve();
  #listing: Promise<void> = Promise.resolve();
  #listSoon = new AbortController();
  /** What the last list took. */
  #listMs = 0;
  #started = false;
  #live = false;
  #failure: string | null = 'it was not read yet';

  constructor(
    kind: BotKind,
    client: MongoClient,
    listener: CollectionListener,
    troubles: ToldTroubles,
    options: CollectionSourceOptions,
  ) {
    this.#kind = kind;
    this.#client = client;
    this.#options = options;
    this.#listener = listener;
    this.#troubles = troubles;
    this.#stream = this.#changeStream();
  }

  /** Reads everything once, then goes on by itself. @throws when it cannot be read */
  async start(): Promise<void> {
    await this.#stream.start();
    this.#started = true;
    await this.#list();
    this.#listing = this.#keepListing();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#listSoon.abort();
    await this.#stream.close();
    await this.#rereading;
    await this.#listing;
  }

  has(botId: string): boolean {
    return this.#held.has(botId);
  }

  /** Something was heard of this bot: reads it again, soon. Never waits. */
  hint(botId: string): void {
    // Before the first list there is nothing to add to: it will read this bot too.
    if (!this.#started || this.#closing.signal.aborted) return;
    if (this.#hints.size >= this.#options.mostHints) {
      this.#hints.clear();
      this.#listSoon.abort();
      return;
    }
    this.#hints.add(botId);
    this.#rereading ??= this.#rereadHinted();
  }

  /** Reads these bots now; when that fails, it is told and tried again like a hint. */
  async look(botIds: readonly string[]): Promise<void> {
    if (!this.#started || this.#closing.signal.aborted) return;
    try {
      await this.#readInTurn(botIds);
    } catch {
      for (const botId of botIds) this.hint(botId);
    }
  }

  /** What is held of this bot counts no more: the next look tells it again. */
  forget(botId: string): void {
    this.#held.release(botId);
  }

  state(): ServiceState {
    return this.#failure === null ? USABLE : unusable(`${collectionName(this.#kind)}: ${this.#failure}`);
  }

  #changeStream(): BotChangeStream {
    return new BotChangeStream(
      botsOf(this.#client, this.#kind),
      {
        opened: () => {
          this.#live = true;
          this.#troubles.mended(`stream of ${this.#kind}`);
          this.#listSoon.abort();
        },
        changed: (key, botId) => {
          const before = this.#held.idOfDocument(key);
          if (before !== undefined) this.hint(before);
          if (typeof botId === 'string') this.hint(botId);
          else if (typeof key === 'string') this.hint(key);
          else if (before === undefined) this.#listSoon.abort();
        },
        changedSomewhere: () => this.#listSoon.abort(),
        broken: (error) => {
          this.#live = false;
          this.#troubles.tell(`stream of ${this.#kind}`, streamBroken(this.#kind, error));
        },
        unsupported: () => {
          this.#live = false;
        },
      },
      this.#options,
    );
  }

  async #keepListing(): Promise<void> {
    const { signal } = this.#closing;
    const pauses = new Pauses(this.#options.retryMs, this.#options.longestRetryMs);
    while (!signal.aborted) {
      await pause(this.#untilNextList(), this.#listSoon.signal);
      await pause(this.#options.gatherMs, signal);
      while (!signal.aborted && !(await this.#tryToList())) await pauses.wait(signal);
      pauses.reset();
    }
  }

  /** So that what is written right after one list began is known when the next one ends, and acted on within the interval. */
  #untilNextList(): number {
    const { watchedRereadMs, rereadMs, gatherMs } = this.#options;
    const intervalMs = this.#live ? watchedRereadMs : rereadMs;
    return Math.max(intervalMs / 2, SHARE_UNTIL_READ * intervalMs - gatherMs - 2 * this.#listMs);
  }

  async #tryToList(): Promise<boolean> {
    const begun = performance.now();
    try {
      await this.#list();
      this.#listMs = performance.now() - begun;
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** @throws when it fails in the middle; then nothing was removed */
  async #list(): Promise<void> {
    this.#listSoon = new AbortController();
    const reread = new Set<string>();
    const seen = new Set<string>();
    const faulty = new Set<string>();
    this.#reread = reread;
    try {
      // A re-read that was sent before must not come after this list. Later ones are newer than it, and may have no end.
      // That it failed is told where it was asked for.
      await this.#reading.catch(() => {});
      // In the order of `_id`: the first of duplicates wins, always the same.
      const { batch: batchSize } = this.#options;
      const cursor = botsOf(this.#client, this.#kind).find({}, { projection: NOT_READ, sort: { _id: 1 }, batchSize });
      for await (const document of cursor) {
        if (this.#closing.signal.aborted) return;
        this.#take(document, seen, (id) => reread.has(id), faulty);
      }
      this.#troubles.onlyThese(this.#faultsBegin, faulty);
      for (const id of [...this.#held.ids()]) if (!seen.has(id) && !reread.has(id)) this.#remove(id);
      this.#worked();
    } finally {
      this.#reread = null;
    }
  }

  async #rereadHinted(): Promise<void> {
    const { signal } = this.#closing;
    const pauses = new Pauses(this.#options.retryMs, this.#options.longestRetryMs);
    while (this.#hints.size > 0 && !signal.aborted) {
      const ids = [...this.#hints].slice(0, this.#options.batch);
      for (const id of ids) this.#hints.delete(id);
      try {
        await this.#readInTurn(ids);
        pauses.reset();
      } catch (error) {
        for (const id of ids) this.#hints.add(id);
        this.#failed(error);
        await pauses.wait(signal);
      }
    }
    // In the same turn as the look at what is hinted at: a hint in between would wait for the next one.
    this.#rereading = null;
  }

  /** Of two at the same time the older one might be told last. @throws what the driver throws */
  #readInTurn(ids: readonly string[]): Promise<void> {
    const read = this.#reading.catch(() => {}).then(() => this.#read(ids));
    this.#reading = read;
    return read;
  }

  async #read(ids: readonly string[]): Promise<void> {
    const listed = this.#reread;
    const filter: Document = { $or: [{ id: { $in: ids } }, { _id: { $in: ids } }] };
    const options: FindOptions & Abortable = {
      projection: NOT_READ,
      sort: { _id: 1 },
      signal: AbortSignal.timeout(this.#options.readMs),
    };
    const found = botsOf(this.#client, this.#kind).find(filter, options);
    const documents = await found.toArray();
    if (this.#closing.signal.aborted) return;
    this.#worked();
    const wanted = new Set(ids);
    const seen = new Set<string>();
    const faulty = new Set<string>();
    for (const document of documents) this.#take(document, seen, (id) => !wanted.has(id), faulty);
    for (const id of ids) {
      if (!faulty.has(this.#duplicates(id))) this.#troubles.mended(this.#duplicates(id));
      listed?.add(id);
      if (!seen.has(id)) this.#remove(id);
    }
  }

  /** What troubles of single documents begin with. */
  get #faultsBegin(): string {
    return `document of ${this.#kind} `;
  }

  #duplicates(id: string): string {
    return `${this.#faultsBegin}duplicate ${id}`;
  }

  /** @param faulty gets the topics of documents that are no bots */
  #take(document: Document, seen: Set<string>, isSkipped: (id: string) => boolean, faulty: Set<string>): void {
    const id = botIdOf(document);
    const refuse = (topic: string, error: Error): void => {
      faulty.add(topic);
      this.#troubles.tell(topic, error);
    };
    if (id === null) {
      const key: unknown = document['_id'];
      refuse(`${this.#faultsBegin}without id ${String(key)}`, withoutId(this.#kind, key));
      return;
    }
    if (isSkipped(id)) return;
    if (seen.has(id)) {
      refuse(this.#duplicates(id), duplicate(this.#kind, id));
      return;
    }
    seen.add(id);
    const definition = defineBot(this.#kind, id, document);
    if (this.#held.hold(definition, document['_id'])) this.#listener.changed(definition);
  }

  #remove(id: string): void {
    if (this.#held.release(id)) this.#listener.removed(id);
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const trouble = cannot('be read', error);
    this.#failure = trouble.message;
    this.#troubles.tell('reading', trouble);
  }

  #worked(): void {
    this.#failure = null;
    this.#troubles.mended('reading');
  }
}

function withoutId(kind: BotKind, key: unknown): MongoTroubleError {
  return new MongoTroubleError(
    'bot-document-without-id',
    `a document of ${collectionName(kind)} has no id that can be used (its _id is ${String(key).slice(0, 64)})`,
    'It is not run. An id is a text of 1 to 64 letters, digits, "-" or "_"; correct or remove the document.',
  );
}

function duplicate(kind: BotKind, id: string): MongoTroubleError {
  return new MongoTroubleError(
    'bot-document-duplicate',
    `${collectionName(kind)} holds several documents with the id ${id}; the one with the smallest _id counts`,
    'Remove the others.',
  );
}

function streamBroken(kind: BotKind, error: unknown): MongoTroubleError {
  return new MongoTroubleError(
    'mongodb-change-stream',
    `changes of ${collectionName(kind)} cannot be watched (${cannot('be read', error).message})`,
    'Until they can, changes are seen when the collection is read again.',
    { cause: error },
  );
}
