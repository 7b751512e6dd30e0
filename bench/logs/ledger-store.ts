import {
  type Body,
  type ListedObject,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  StoreError,
  type WriteOptions,
} from '../../src/storage/object-store.ts';

const MiB = 1024 * 1024;

interface Entry {
  readonly info: ObjectInfo;
  /** Null once it is so large that nobody reads it. */
  readonly bytes: Buffer | null;
}

/** A store that keeps small objects and only counts large ones: a day of a log would not fit into memory otherwise. */
export class LedgerStore implements ObjectStore {
  readonly pieces = { minPieceBytes: 5 * MiB, maxPieceBytes: 5 * 1024 * MiB, mostPieces: 10_000 };
  uploadedBytes = 0;
  copiedBytes = 0;
  readonly #entries = new Map<string, Entry>();
  #versions = 0;

  async head({ key }: ObjectPlace): Promise<ObjectInfo | null> {
    return this.#entries.get(key)?.info ?? null;
  }

  async read({ key }: ObjectPlace): Promise<ObjectContent | null> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.bytes === null) throw new StoreError('refused', `${key} is not kept`);
    return { info: entry.info, body: once(entry.bytes) };
  }

  async write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
    return this.#put(place, await this.#received(body), options, null);
  }

  async rewrite(
    place: ObjectPlace,
    etag: string,
    pieces: readonly Piece[],
    options: Omit<WriteOptions, 'condition'>,
  ): Promise<string> {
    if (this.#entries.get(place.key)?.info.etag !== etag) throw new StoreError('changed', `${place.key} is another`);
    let size = 0;
    for (const piece of pieces) {
      if (piece.kind === 'new') {
        size += (await this.#received(piece.body)).length;
      } else {
        const kept = piece.range.to - piece.range.from;
        this.copiedBytes += kept;
        size += kept;
      }
    }
    return this.#put(place, null, options, size);
  }

  async remove({ key }: ObjectPlace): Promise<void> {
    this.#entries.delete(key);
  }

  async *list(_bucket: string, prefix: string): AsyncIterable<ListedObject> {
    for (const [key, { info }] of this.#entries)
      if (key.startsWith(prefix)) yield { key, size: info.size, modifiedAt: 0 };
  }

  async bucketExists(): Promise<boolean> {
    return true;
  }

  async createBucket(): Promise<void> {}

  close(): void {}

  sizeOf(key: string): number {
    return this.#entries.get(key)?.info.size ?? 0;
  }

  #put(
    { key }: ObjectPlace,
    bytes: Buffer | null,
    { metadata = {} }: Pick<WriteOptions, 'metadata'>,
    size: number | null,
  ): string {
    this.#versions += 1;
    const etag = String(this.#versions);
    const info = { size: size ?? bytes?.length ?? 0, etag, modifiedAt: 0, metadata };
    this.#entries.set(key, { info, bytes });
    return etag;
  }

  async #received(body: Body): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of body.read()) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    this.uploadedBytes += bytes.length;
    return bytes;
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
