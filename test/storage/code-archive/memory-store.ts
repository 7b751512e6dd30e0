import { createHash } from 'node:crypto';
import {
  type Body,
  type ListedObject,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPlace,
  type ObjectStore,
  type ReadOptions,
  StoreError,
  type StoreTrouble,
  type WriteOptions,
} from '../../../src/storage/object-store.ts';

/** A store in memory that fails on demand. */
export class MemoryStore implements ObjectStore {
  readonly pieces = { minPieceBytes: 1, maxPieceBytes: 1, mostPieces: 1 };
  readonly objects = new Map<string, { readonly bytes: Buffer; readonly metadata: Readonly<Record<string, string>> }>();
  readonly calls: string[] = [];
  /** What the next calls do instead of their work. */
  readonly troubles: StoreTrouble[] = [];
  /** The next reads break off after so many bytes. */
  readonly breaks: number[] = [];
  readonly buckets = new Set<string>(['custom-bots']);

  put(key: string, bytes: Buffer, metadata: Readonly<Record<string, string>> = {}): void {
    this.objects.set(key, { bytes, metadata });
  }

  async head({ key }: ObjectPlace): Promise<ObjectInfo | null> {
    this.#call(`head ${key}`);
    const object = this.objects.get(key);
    return object === undefined ? null : infoOf(object.bytes, object.metadata);
  }

  async read({ key }: ObjectPlace, options: ReadOptions = {}): Promise<ObjectContent | null> {
    const { from, to } = options.range ?? { from: 0, to: Number.POSITIVE_INFINITY };
    this.#call(`read ${key} from ${from}`);
    const object = this.objects.get(key);
    if (object === undefined) return null;
    const info = infoOf(object.bytes, object.metadata);
    if (options.ifMatch !== undefined && options.ifMatch !== info.etag) throw new StoreError('changed', 'another');
    const bytes = object.bytes.subarray(from, Math.min(to, object.bytes.length));
    return { info, body: pieces(bytes, this.breaks.shift()) };
  }

  async write({ key }: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
    this.#call(`write ${key}`);
    if (options.condition !== null && 'ifAbsent' in options.condition && this.objects.has(key)) {
      throw new StoreError('changed', 'it is there');
    }
    const chunks: Buffer[] = [];
    for await (const chunk of body.read()) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    this.put(key, bytes, options.metadata);
    return infoOf(bytes, {}).etag;
  }

  async rewrite(): Promise<string> {
    throw new StoreError('refused', 'not here');
  }
  async remove({ key }: ObjectPlace): Promise<void> {
    this.objects.delete(key);
  }
  async *list(): AsyncIterable<ListedObject> {}
  async bucketExists(bucket: string): Promise<boolean> {
    return this.buckets.has(bucket);
  }
  async createBucket(bucket: string): Promise<void> {
    this.buckets.add(bucket);
  }
  close(): void {}

  #call(call: string): void {
    this.calls.push(call);
    const trouble = this.troubles.shift();
    if (trouble !== undefined) throw new StoreError(trouble, `the store is ${trouble}`);
  }
}

function infoOf(bytes: Buffer, metadata: Readonly<Record<string, string>>): ObjectInfo {
  const etag = createHash('md5').update(bytes).digest('hex');
  return { size: bytes.length, etag, modifiedAt: 0, metadata };
}

async function* pieces(bytes: Buffer, breakAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100) {
    if (at >= breakAfter) throw new StoreError('unreachable', 'the connection broke');
    yield bytes.subarray(at, at + 100);
  }
}
