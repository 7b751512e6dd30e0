/**
 * The port *object store*: named bytes in buckets, as S3 has them (contract 4). Adapters: `s3/` (light, for the agent)
 * and `minio/` (for the control plane), both on `s3-api/`, and `filesystem/`. One conformance suite runs on all (test/conformance/storage).
 *
 * Loaded by the agent, once per bot: types and constants only.
 */

/** Where an object is. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  /** Changes with every change of the content; opaque, without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970, as the store's clock has it; whole seconds on S3. */
  readonly modifiedAt: number;
  /** User metadata, names in lower case; values in ASCII. At most 2,048 bytes of both (object-metadata.ts). */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: number;
}

/** From the first byte up to, not including, the last; in bytes from the object's start. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export interface ReadOptions {
  /** What lies beyond the end is left out; StoreError `refused` when nothing is left. `info.size` stays that of the whole. */
  readonly range?: ByteRange;
  /** Only this version: StoreError `changed` when it is another. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

/** `body` must be read to its end, or ended with `return()`; it throws a StoreError, also when fewer bytes come than promised. */
export interface ObjectContent {
  readonly info: ObjectInfo;
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Bytes of known length. `read` may be called more than once: a request that failed is made again. What it gives may be
 * overwritten when the next chunk is asked for.
 */
export interface Body {
  readonly size: number;
  read(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** A version that must be the current one, or that there is none; null: whatever there is. */
export type WriteCondition = { readonly ifMatch: string } | { readonly ifAbsent: true } | null;

export interface WriteOptions {
  readonly condition: WriteCondition;
  readonly contentType: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A part of an object's next version: a range of its present one, copied inside the store, or new bytes. */
export type Piece =
  | { readonly kind: 'kept'; readonly range: ByteRange }
  | { readonly kind: 'new'; readonly body: Body };

/**
 * Every method throws StoreError, and is bounded in time by the adapter's settings. None of them tries again by itself
 * what may have had an effect. An aborted signal ends a call with StoreError `unreachable`.
 *
 * A key is Unicode, 1 to 1,024 bytes. All stores take letters, digits, `-`, `_`, `.` and `/` between non-empty segments of
 * at most 255 bytes; some refuse others, such as `..`.
 */
export interface ObjectStore {
  /**
   * What `rewrite` accepts: every piece but the last has at least `minPieceBytes`, each at most `maxPieceBytes`, and there
   * are at most `mostPieces`.
   */
  readonly pieces: PieceLimits;

  /** Null when there is no such object or bucket. */
  head(place: ObjectPlace, signal?: AbortSignal): Promise<ObjectInfo | null>;
  /** Null when there is no such object or bucket. */
  read(place: ObjectPlace, options?: ReadOptions): Promise<ObjectContent | null>;
  /** All or nothing: readers see the version before or this one. @returns the new ETag */
  write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string>;
  /**
   * The next version of an object, made of parts of the version `etag` and of new bytes; all or nothing. Kept parts do not
   * travel. StoreError `changed` when another version is current, at the start or at the end.
   * @returns the new ETag
   */
  rewrite(
    place: ObjectPlace,
    etag: string,
    pieces: readonly Piece[],
    options: Omit<WriteOptions, 'condition'>,
  ): Promise<string>;
  /** Of what is not there: nothing. */
  remove(place: ObjectPlace, signal?: AbortSignal): Promise<void>;
  /** In the order of their keys; nothing when there is no such bucket. */
  list(bucket: string, prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject>;
  bucketExists(bucket: string, signal?: AbortSignal): Promise<boolean>;
  /** That it exists already is no error. */
  createBucket(bucket: string, signal?: AbortSignal): Promise<void>;
  /** Ends kept connections. */
  close(): void;
}

export interface PieceLimits {
  readonly minPieceBytes: number;
  readonly maxPieceBytes: number;
  readonly mostPieces: number;
}

/**
 * - `changed`: the condition does not hold (412), or two writers met (409)
 * - `missing`: the bucket, or the object that a condition or a copy names, is not there
 * - `denied`: credentials are wrong or not enough (401, 403)
 * - `unreachable`: no connection, a broken one, silence, or somebody else answers; the effect of a write is then unknown
 * - `busy`: the store asks to come again (429, 500, 502, 503, 504)
 * - `full`: no room in the store (507, ENOSPC)
 * - `refused`: whatever else it does not accept
 */
export type StoreTrouble = 'changed' | 'missing' | 'denied' | 'unreachable' | 'busy' | 'full' | 'refused';

/** The message names operation, bucket, key and what the store said; never a credential. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly trouble: StoreTrouble;

  constructor(trouble: StoreTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}

/** Buckets by what they hold (contract 4.1, 4.2). */
export interface Buckets {
  readonly code: string;
  readonly state: string;
  readonly logs: string;
  readonly queryResults: string;
}

export const DEFAULT_BUCKETS: Buckets = {
  code: 'custom-bots',
  state: 'bot-state',
  logs: 'bot-logs',
  queryResults: 'query-results',
};

export function bodyOf(bytes: Buffer): Body {
  return { size: bytes.length, read: () => [bytes] };
}
