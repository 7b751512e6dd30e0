import * as v from 'valibot';
import { bodyOf, type ObjectPlace, type ObjectStore } from '../storage/object-store.ts';

/** Beside the states: whoever may remove these may write it. No bot has such a name (contract 4.5), and no reader looks there. */
const KEY = '.the0-gc/orphans.json';
/** A name has at most 1,024 bytes; far fewer in practice. */
const MOST_BYTES = 64 * 1024 * 1024;

const ledger = v.object({
  format: v.literal(1),
  /** By bot id: when it was first found orphaned; milliseconds since 1970. */
  bots: v.record(v.string(), v.number()),
  /** By name: when it was first found unused. */
  credentials: v.record(v.string(), v.number()),
});

/** What earlier sweeps saw. A sweep may be a process of its own, so it is kept in the store. */
export interface Seen {
  readonly bots: ReadonlyMap<string, number>;
  readonly credentials: ReadonlyMap<string, number>;
}

const NOTHING: Seen = { bots: new Map(), credentials: new Map() };

export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export class OrphanLedger {
  readonly #store: ObjectStore;
  readonly #place: ObjectPlace;

  constructor(store: ObjectStore, stateBucket: string) {
    this.#store = store;
    this.#place = { bucket: stateBucket, key: KEY };
  }

  /** `etag` null: there is none yet. @throws StoreError, LedgerUnusable */
  async read(signal: AbortSignal | undefined): Promise<{ readonly seen: Seen; readonly etag: string | null }> {
    const content = await this.#store.read(this.#place, signal === undefined ? {} : { signal });
    if (content === null) return { seen: NOTHING, etag: null };
    if (content.info.size > MOST_BYTES) {
      await content.body[Symbol.asyncIterator]().return?.();
      throw this.#unusable('is larger than it can be');
    }
    const chunks: Buffer[] = [];
    for await (const chunk of content.body) chunks.push(Buffer.from(chunk));
    return { seen: this.#parse(Buffer.concat(chunks).toString('utf8')), etag: content.info.etag };
  }

  /** @throws StoreError `changed` when another sweep wrote it meanwhile */
  async write({ bots, credentials }: Seen, etag: string | null, signal: AbortSignal | undefined): Promise<void> {
    const content = { format: 1, bots: Object.fromEntries(bots), credentials: Object.fromEntries(credentials) };
    const body = bodyOf(Buffer.from(JSON.stringify(content)));
    await this.#store.write(this.#place, body, {
      condition: etag === null ? { ifAbsent: true } : { ifMatch: etag },
      contentType: 'application/json',
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #parse(text: string): Seen {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#unusable('is not JSON');
    }
    const { success, output } = v.safeParse(ledger, value);
    if (!success) throw this.#unusable('is of a newer version of the runtime, or not of the runtime at all');
    const { bots, credentials } = output;
    return { bots: new Map(Object.entries(bots)), credentials: new Map(Object.entries(credentials)) };
  }

  #unusable(what: string): LedgerUnusable {
    const { bucket, key } = this.#place;
    return new LedgerUnusable(
      `${bucket}/${key}, where sweeps keep which bots they found orphaned and since when, ${what}`,
      'Remove it, and the grace of every orphan begins anew; or sweep with the version that wrote it.',
    );
  }
}
