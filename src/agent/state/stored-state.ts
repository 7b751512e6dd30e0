import type { ArchiveIndex } from '../../storage/archive/archive-index.ts';
import { type ArchiveLimits, readArchive } from '../../storage/archive/read-archive.ts';
import { type Stamp, stampMetadata, stampOfMetadata } from '../../storage/archive/stamp.ts';
import { piecesOf, type UploadSources, wholeBody } from '../../storage/archive/upload-pieces.ts';
import type { UploadPlan } from '../../storage/archive/upload-plan.ts';
import { countedBody } from '../../storage/counted-body.ts';
import {
  type Body,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  StoreError,
  type WriteCondition,
} from '../../storage/object-store.ts';
import { withSpooled } from '../../storage/spooled-body.ts';

const CONTENT_TYPE = 'application/gzip';

/** What the store is known to hold. */
export type Known =
  | { readonly kind: 'nothing' }
  /** The index is empty and not addressable when somebody else wrote it. */
  | { readonly kind: 'archive'; readonly etag: string; readonly index: ArchiveIndex };

/** How the object stands to this writer (design 8, fencing). */
export type Standing =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'superseded'; readonly epoch: number }
  | { readonly kind: 'mine'; readonly etag: string; readonly stamp: Stamp }
  | { readonly kind: 'older'; readonly etag: string; readonly stamp: Stamp }
  | { readonly kind: 'foreign'; readonly etag: string };

export interface StoredStateOptions {
  readonly store: ObjectStore;
  readonly place: ObjectPlace;
  readonly epoch: number;
  /** Of this process; what its nonces begin with. */
  readonly writer: string;
  /** Whether the store honours conditions on writes; if not, the version is compared right before each. */
  readonly fencing: boolean;
  readonly limits: ArchiveLimits;
  /** For what must be brought together before it is sent. */
  readonly spoolDirectory: string;
}

export interface PreparedUpload {
  /** What will travel. */
  readonly bytes: number;
  /** What the store will copy by itself. */
  readonly copiedBytes: number;
  /** What has travelled so far, of all its tries together. */
  readonly sentBytes: number;
  /** @returns the new ETag @throws StoreError; unless it is `changed`, `missing` or the like, the effect may be unknown */
  send(signal: AbortSignal | undefined): Promise<string>;
}

/** The object in the store, as one of several writers sees it. */
export class StoredState {
  readonly #options: StoredStateOptions;
  #seq = 0;

  constructor(options: StoredStateOptions) {
    this.#options = options;
  }

  /** @throws StoreError, ArchiveError `newer-format` */
  async standing(signal?: AbortSignal): Promise<Standing> {
    const { store, place } = this.#options;
    const info = await store.head(place, signal);
    return info === null ? { kind: 'nothing' } : this.standingOf(info.etag, info.metadata);
  }

  /** @throws ArchiveError `newer-format` */
  standingOf(etag: string, metadata: Readonly<Record<string, string>>): Standing {
    const stamp = stampOfMetadata(metadata);
    if (stamp === null) return { kind: 'foreign', etag };
    this.#seq = Math.max(this.#seq, stamp.seq);
    const { epoch, writer } = this.#options;
    if (stamp.epoch > epoch) return { kind: 'superseded', epoch: stamp.epoch };
    return { kind: stamp.nonce.startsWith(`${writer}-`) ? 'mine' : 'older', etag, stamp };
  }

  /** The next upload comes after this one. */
  continueAfter(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
  }

  /** The stamp of the next upload. */
  nextStamp(): Stamp {
    this.#seq += 1;
    const { epoch, writer } = this.#options;
    return { epoch, seq: this.#seq, nonce: `${writer}-${this.#seq}` };
  }

  /** Reads all of this version to see what it holds. @throws StoreError, `changed` when it is another; ArchiveError */
  async readIndex(etag: string, signal?: AbortSignal): Promise<ArchiveIndex> {
    const nowhere = { begin() {}, data() {}, end() {} };
    const { index } = await readArchive(this.bytes(etag, signal), nowhere, this.#options.limits);
    return index;
  }

  async *bytes(etag: string, signal?: AbortSignal, range?: { from: number; to: number }): AsyncGenerator<Buffer> {
    const { store, place } = this.#options;
    const content = await store.read(place, {
      ifMatch: etag,
      ...(signal === undefined ? {} : { signal }),
      ...(range === undefined ? {} : { range }),
    });
    if (content === null) throw new StoreError('changed', `${place.key} was removed while it was read`);
    yield* content.body;
  }

  /** Lays the upload out; `send` makes it. */
  prepare(
    known: Known,
    plan: UploadPlan,
    stamp: Stamp,
    { spool, end }: Pick<UploadSources, 'spool' | 'end'>,
  ): PreparedUpload {
    const { store } = this.#options;
    const etag = known.kind === 'archive' ? known.etag : null;
    let signal: AbortSignal | undefined;
    const object: UploadSources['object'] = (range) => this.bytes(etag ?? '', signal, range);
    const pieces = piecesOf(plan.segments, store.pieces, { object, spool, end });
    let sentBytes = 0;
    const onSent = (bytes: number) => {
      sentBytes += bytes;
    };
    return {
      get sentBytes() {
        return sentBytes;
      },
      bytes: pieces.reduce((sum, piece) => sum + (piece.kind === 'new' ? piece.body.size : 0), 0),
      copiedBytes: pieces.reduce(
        (sum, piece) => sum + (piece.kind === 'kept' ? piece.range.to - piece.range.from : 0),
        0,
      ),
      send: (aborting) => {
        signal = aborting;
        return this.#send(etag, pieces, stampMetadata(stamp), onSent, aborting);
      },
    };
  }

  async #send(
    etag: string | null,
    pieces: readonly Piece[],
    metadata: Readonly<Record<string, string>>,
    onSent: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<string> {
    const { store, place, fencing, spoolDirectory } = this.#options;
    const options = { contentType: CONTENT_TYPE, metadata, ...(signal === undefined ? {} : { signal }) };
    if (!fencing) await this.#compare(etag, signal);
    const whole = wholeBody(pieces);
    if (whole === null) {
      if (etag === null) throw new TypeError('nothing can be kept of what is not there');
      const counted = pieces.map((piece) =>
        piece.kind === 'new' ? { ...piece, body: countedBody(piece.body, onSent) } : piece,
      );
      return await store.rewrite(place, etag, counted, options);
    }
    const unchanged: WriteCondition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
    const send = (body: Body) =>
      this.#write(countedBody(body, onSent), { ...options, condition: fencing ? unchanged : null });
    return etag === null ? send(whole) : withSpooled(whole, spoolDirectory, send);
  }

  /** The bucket is made when it is first needed (contract 4.1). */
  async #write(body: Body, options: Parameters<ObjectStore['write']>[2]): Promise<string> {
    const { store, place } = this.#options;
    try {
      return await store.write(place, body, options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.trouble !== 'missing') throw error;
      if (await store.bucketExists(place.bucket, options.signal)) throw error;
      await store.createBucket(place.bucket, options.signal);
      return await store.write(place, body, options);
    }
  }

  async #compare(etag: string | null, signal?: AbortSignal): Promise<void> {
    const { store, place } = this.#options;
    const info = await store.head(place, signal);
    if ((info?.etag ?? null) !== etag) throw new StoreError('changed', `${place.key} is another version`);
  }
}
