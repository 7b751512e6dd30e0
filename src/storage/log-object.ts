import { countedBody } from './counted-body.ts';
import {
  type Body,
  type ByteRange,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  StoreError,
} from './object-store.ts';
import { withSpooled } from './spooled-body.ts';

const CONTENT_TYPE = 'text/plain';

/** The version of a day's log that the next chunk goes behind; null: there is none yet. */
export interface LogVersion {
  readonly etag: string;
  readonly size: number;
  /** How far each writer has come; opaque here. */
  readonly offsets: string;
}

/** What an append cost, in bytes. */
export interface AppendResult {
  readonly version: LogVersion;
  /** Uploaded, and copied inside the store. */
  readonly movedBytes: number;
}

export interface AppendOptions {
  readonly offsets: string;
  readonly signal: AbortSignal;
  readonly spoolDirectory: string;
  readonly onSent?: (bytes: number) => void;
}

/** Metadata of a log: how far its writers have come. The format number is the value's first word. */
const OFFSETS = 'the0-log';

export async function logVersion(
  store: ObjectStore,
  place: ObjectPlace,
  signal: AbortSignal,
): Promise<LogVersion | null> {
  const info = await store.head(place, signal);
  return info === null ? null : { etag: info.etag, size: info.size, offsets: info.metadata[OFFSETS] ?? '' };
}

/**
 * Puts a chunk behind a log. Readers see the log before or after, never less (contract 4.7). A log of at least the smallest
 * piece is kept where it is and only the chunk travels; a smaller one, which the store cannot copy, is sent again with it.
 *
 * @param options.spoolDirectory where a small log waits that is sent again
 * @param options.onSent told what travels, also of an append that fails
 * @throws StoreError `changed` when `version` is not the current one; after `unreachable` and `busy` the chunk may or may
 *   not be there, and the offsets of the then current version tell
 */
export async function appendToLog(
  store: ObjectStore,
  place: ObjectPlace,
  version: LogVersion | null,
  chunk: Body,
  options: AppendOptions,
): Promise<AppendResult> {
  const write = { contentType: CONTENT_TYPE, metadata: { [OFFSETS]: options.offsets }, signal: options.signal };
  const { onSent = () => undefined } = options;
  const size = (version?.size ?? 0) + chunk.size;
  const written = (etag: string): AppendResult => ({
    version: { etag, size, offsets: options.offsets },
    movedBytes: size,
  });
  if (version === null || version.size === 0) {
    const condition = version === null ? ({ ifAbsent: true } as const) : { ifMatch: version.etag };
    return written(await store.write(place, countedBody(chunk, onSent), { ...write, condition }));
  }
  if (version.size < store.pieces.minPieceBytes) {
    const whole: Body = { size, read: () => bothOf(store, place, version.etag, chunk, options.signal) };
    const condition = { ifMatch: version.etag };
    return withSpooled(whole, options.spoolDirectory, async (body) =>
      written(await store.write(place, countedBody(body, onSent), { ...write, condition })),
    );
  }
  const kept = rangesOf(version.size, store.pieces.maxPieceBytes).map((range): Piece => ({ kind: 'kept', range }));
  return written(
    await store.rewrite(place, version.etag, [...kept, { kind: 'new', body: countedBody(chunk, onSent) }], write),
  );
}

async function* bothOf(
  store: ObjectStore,
  place: ObjectPlace,
  etag: string,
  chunk: Body,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const content = await store.read(place, { ifMatch: etag, signal });
  if (content === null) throw new StoreError('changed', `${place.bucket}/${place.key} was removed meanwhile`);
  yield* content.body;
  yield* chunk.read();
}

/** As few ranges as possible, none of them a small rest. */
function rangesOf(size: number, mostBytes: number): ByteRange[] {
  const count = Math.ceil(size / mostBytes);
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, index) => ({ from: index * each, to: Math.min(size, (index + 1) * each) }));
}
