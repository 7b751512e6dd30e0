import { createHash, randomUUID } from 'node:crypto';
import {
  type Body,
  type ByteRange,
  type ListedObject,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  type PieceLimits,
  type ReadOptions,
  StoreError,
  type WriteCondition,
  type WriteOptions,
} from '../../src/storage/object-store.ts';

interface HeldObject {
  readonly bytes: Buffer;
  readonly info: ObjectInfo;
}

const CHUNK_BYTES = 64 * 1024;
const S3_PIECES: PieceLimits = { minPieceBytes: 5 * 1024 * 1024, maxPieceBytes: 5 * 1024 ** 3, mostPieces: 10_000 };

/** What travels. */
export interface Traffic {
  bytesUp: number;
  bytesDown: number;
  requests: number;
}

/** An object store in memory, as strict as S3, that counts what it is asked and can be made to fail. */
export class MemoryObjectStore implements ObjectStore {
  readonly pieces: PieceLimits;
  readonly traffic: Traffic = { bytesUp: 0, bytesDown: 0, requests: 0 };
  /** Called before an operation has its effect; what it throws is thrown. */
  before: (operation: string) => void = () => {};
  /** Called after it has had it. */
  after: (operation: string) => void = () => {};
  readonly #buckets = new Map<string, Map<string, HeldObject>>();

  constructor(pieces: PieceLimits = S3_PIECES) {
    this.pieces = pieces;
  }

  async head(place: ObjectPlace, signal?: AbortSignal): Promise<ObjectInfo | null> {
    this.#begin('head', signal);
    const info = this.#held(place)?.info ?? null;
    this.after('head');
    return info;
  }

  async read(place: ObjectPlace, options: ReadOptions = {}): Promise<ObjectContent | null> {
    this.#begin('read', options.signal);
    const held = this.#held(place);
    if (held === undefined) return null;
    if (options.ifMatch !== undefined && options.ifMatch !== held.info.etag) throw changed(place);
    const { from, to } = options.range ?? { from: 0, to: held.bytes.length };
    if (from > to || to > held.bytes.length) throw new StoreError('refused', `${place.key}: no such range`);
    return { info: held.info, body: this.#sent(held.bytes.subarray(from, to)) };
  }

  async write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
    this.#begin('write', options.signal);
    this.#check(place, options.condition);
    const bytes = await this.#received(body);
    this.#check(place, options.condition);
    const etag = this.#put(place, bytes, options.metadata);
    this.after('write');
    return etag;
  }

  async rewrite(
    place: ObjectPlace,
    etag: string,
    pieces: readonly Piece[],
    options: Omit<WriteOptions, 'condition'>,
  ): Promise<string> {
    this.#begin('rewrite', options.signal);
    this.#check(place, { ifMatch: etag });
    const { minPieceBytes, maxPieceBytes, mostPieces } = this.pieces;
    if (pieces.length === 0 || pieces.length > mostPieces) throw new StoreError('refused', 'number of pieces');
    const present = this.#held(place)?.bytes ?? Buffer.alloc(0);
    const parts: Buffer[] = [];
    for (const [position, piece] of pieces.entries()) {
      const part = piece.kind === 'new' ? await this.#received(piece.body) : keptPart(present, piece.range);
      const small = part.length < minPieceBytes && position < pieces.length - 1;
      if (small || part.length > maxPieceBytes) throw new StoreError('refused', `a piece of ${part.length} bytes`);
      parts.push(part);
    }
    this.#check(place, { ifMatch: etag });
    const next = this.#put(place, Buffer.concat(parts), options.metadata);
    this.after('rewrite');
    return next;
  }

  async remove(place: ObjectPlace, signal?: AbortSignal): Promise<void> {
    this.#begin('remove', signal);
    this.#buckets.get(place.bucket)?.delete(place.key);
    this.after('remove');
  }

  async *list(bucket: string, prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    this.#begin('list', signal);
    const objects = [...(this.#buckets.get(bucket) ?? [])].filter(([key]) => key.startsWith(prefix));
    objects.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const [key, { info }] of objects) yield { key, size: info.size, modifiedAt: info.modifiedAt };
  }

  async bucketExists(bucket: string, signal?: AbortSignal): Promise<boolean> {
    this.#begin('bucketExists', signal);
    return this.#buckets.has(bucket);
  }

  async createBucket(bucket: string, signal?: AbortSignal): Promise<void> {
    this.#begin('createBucket', signal);
    if (!this.#buckets.has(bucket)) this.#buckets.set(bucket, new Map());
  }

  close(): void {}

  /**
   * For tests: the next requests of one kind, or of any, fail so.
   * @param when `after`: only their answer is lost. Replaces what is in `before` or `after`, until the last has failed
   */
  failNext(
    times: number,
    error: StoreError,
    { operation, when = 'before' }: { readonly operation?: string; readonly when?: 'before' | 'after' } = {},
  ): void {
    let left = times;
    this[when] = (asked) => {
      if (operation !== undefined && asked !== operation) return;
      left -= 1;
      if (left <= 0) this[when] = () => {};
      throw error;
    };
  }

  /** For tests: the present bytes. */
  bytesOf(place: ObjectPlace): Buffer {
    const held = this.#held(place);
    if (held === undefined) throw new Error(`${place.key} is not there`);
    return held.bytes;
  }

  #begin(operation: string, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.traffic.requests += 1;
    this.before(operation);
  }

  #held({ bucket, key }: ObjectPlace): HeldObject | undefined {
    return this.#buckets.get(bucket)?.get(key);
  }

  #check(place: ObjectPlace, condition: WriteCondition): void {
    if (!this.#buckets.has(place.bucket)) throw new StoreError('missing', `no bucket ${place.bucket}`);
    if (condition === null) return;
    const etag = this.#held(place)?.info.etag;
    if ('ifAbsent' in condition) {
      if (etag !== undefined) throw changed(place);
    } else if (etag === undefined) {
      throw new StoreError('missing', `${place.key} is not there`);
    } else if (etag !== condition.ifMatch) {
      throw changed(place);
    }
  }

  #put(place: ObjectPlace, bytes: Buffer, metadata: Readonly<Record<string, string>> = {}): string {
    const etag = createHash('md5').update(bytes).digest('hex');
    const names = Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]);
    const info = {
      size: bytes.length,
      etag,
      modifiedAt: Math.floor(Date.now() / 1000) * 1000,
      metadata: Object.fromEntries(names),
    };
    this.#buckets.get(place.bucket)?.set(place.key, { bytes, info });
    return etag;
  }

  async #received(body: Body): Promise<Buffer> {
    const chunks: Buffer[] = [];
    // A chunk may be the sender's own, who uses it again.
    for await (const chunk of body.read()) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    if (bytes.length !== body.size) throw new StoreError('refused', `${bytes.length} bytes instead of ${body.size}`);
    this.traffic.bytesUp += bytes.length;
    return bytes;
  }

  async *#sent(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      this.traffic.bytesDown += chunk.length;
      yield Buffer.from(chunk);
    }
  }
}

function keptPart(present: Buffer, { from, to }: ByteRange): Buffer {
  if (from >= to || to > present.length) throw new StoreError('refused', 'no such range');
  return present.subarray(from, to);
}

function changed(place: ObjectPlace): StoreError {
  return new StoreError('changed', `${place.key} is another version`);
}

/** A name that no other test uses. */
export function newBucketName(): string {
  return `test-${randomUUID()}`;
}
