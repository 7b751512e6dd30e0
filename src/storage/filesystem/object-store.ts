import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { ContentBody } from '../content-body.ts';
import { checkBucket, checkKey } from '../object-key.ts';
import { checkMetadata } from '../object-metadata.ts';
import type {
  Body,
  ListedObject,
  ObjectContent,
  ObjectInfo,
  ObjectPlace,
  ObjectStore,
  Piece,
  PieceLimits,
  ReadOptions,
  WriteCondition,
  WriteOptions,
} from '../object-store.ts';
import { checkPieces } from '../piece-check.ts';
import { refuseAborted, type StoreCall, storeFailure } from '../store-failure.ts';
import { fileFailure } from './object-failure.ts';
import { fileBytes, type ObjectFile, openObject } from './object-file.ts';
import { listDirectory } from './object-listing.ts';
import { lockObject } from './object-lock.ts';
import { directoryPath, KEEP, objectPath, temporaryPath } from './object-path.ts';
import { encodeTrailer } from './object-trailer.ts';
import { makeDirectories, removeAbandoned, removeEmpty, syncDirectory } from './unfinished-objects.ts';

export interface FilesystemStoreLimits {
  /** How long a writer waits for its turn at an object; longer than `lockStaleMs`. */
  readonly lockWaitMs: number;
  /** After so long without a change the holder of a lock counts as dead: it is held for a check and a rename. */
  readonly lockStaleMs: number;
}

export const DEFAULT_FILESYSTEM_LIMITS: FilesystemStoreLimits = { lockWaitMs: 20_000, lockStaleMs: 5_000 };

/** Others may remove an empty directory just when it is to be used. */
const DIRECTORY_ATTEMPTS = 5;
/** Directories of which this process remembers that it has looked for left-overs. */
const MOST_SWEPT = 1_000;

const PIECES: PieceLimits = { minPieceBytes: 0, maxPieceBytes: Number.MAX_SAFE_INTEGER, mostPieces: 10_000 };

type Content = AsyncIterable<Buffer> | Iterable<Buffer>;

/**
 * The port on a directory, for any number of processes that see it. A version is written whole beside the object, brought
 * to disk, and takes its name in one step.
 */
export class FilesystemObjectStore implements ObjectStore {
  readonly pieces = PIECES;
  readonly #root: string;
  readonly #limits: FilesystemStoreLimits;
  readonly #swept = new Set<string>();

  constructor(root: string, limits: FilesystemStoreLimits = DEFAULT_FILESYSTEM_LIMITS) {
    this.#root = resolve(root);
    this.#limits = limits;
  }

  async head(place: ObjectPlace, signal?: AbortSignal): Promise<ObjectInfo | null> {
    const call = this.#call('head', place, signal);
    return await guarded(call, async () => {
      const object = await openObject(call, this.#path(place));
      await object?.file.close();
      return object?.info ?? null;
    });
  }

  async read(place: ObjectPlace, options: ReadOptions = {}): Promise<ObjectContent | null> {
    const call = this.#call('get', place, options.signal);
    return await guarded(call, async () => {
      const object = await openObject(call, this.#path(place));
      if (object === null) return null;
      try {
        return content(call, object, options);
      } catch (error) {
        await object.file.close();
        throw error;
      }
    });
  }

  async write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
    const call = this.#call('put', place, options.signal);
    const bytes = () => bodyBytes(call, body);
    return await this.#replace(call, bytes, options, options.condition);
  }

  async rewrite(
    place: ObjectPlace,
    etag: string,
    pieces: readonly Piece[],
    options: Omit<WriteOptions, 'condition'>,
  ): Promise<string> {
    const call = this.#call('rewrite', place, options.signal);
    checkPieces(call, pieces, PIECES);
    return await guarded(call, async () => {
      const object = await openObject(call, this.#path(place));
      if (object === null) throw storeFailure('missing', call, 'there is no such object');
      try {
        if (object.info.etag !== etag) throw changed(call);
        return await this.#replace(call, () => pieceBytes(call, object, pieces), options, { ifMatch: etag });
      } finally {
        await object.file.close();
      }
    });
  }

  async remove(place: ObjectPlace, signal?: AbortSignal): Promise<void> {
    const call = this.#call('delete', place, signal);
    const path = this.#path(place);
    await guarded(call, async () => {
      if (!(await exists(path))) return;
      await this.#locked(call, path, temporaryPath(path, randomUUID()), async () => {
        await rm(path, { force: true });
        await syncDirectory(dirname(path));
      });
      await removeEmpty(this.#bucket(place.bucket), dirname(path));
    });
  }

  async *list(bucket: string, prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    const call = { operation: 'list', bucket, key: '' };
    checkBucket(call);
    refuseAborted(call, signal);
    try {
      yield* listDirectory(this.#bucket(bucket), '', Buffer.from(prefix).toString('latin1'), signal);
    } catch (error) {
      throw fileFailure(call, error);
    }
    refuseAborted(call, signal);
  }

  async bucketExists(bucket: string, signal?: AbortSignal): Promise<boolean> {
    const call = { operation: 'head', bucket, key: '' };
    checkBucket(call);
    refuseAborted(call, signal);
    return await guarded(call, () => exists(this.#bucket(bucket)));
  }

  async createBucket(bucket: string, signal?: AbortSignal): Promise<void> {
    const call = { operation: 'create bucket', bucket, key: '' };
    checkBucket(call);
    refuseAborted(call, signal);
    await guarded(call, () => mkdir(this.#bucket(bucket), { recursive: true }));
  }

  /**
   * The directory that holds exactly the objects whose keys begin with `prefix`, to be mounted where only those may be
   * seen. It is made, and stays when it is empty.
   * @param prefix of whole segments, ending in a slash: `b1/`
   */
  async directoryOf(bucket: string, prefix: string): Promise<string> {
    const call = { operation: 'mount', bucket, key: prefix };
    checkBucket(call);
    checkKey(call);
    const directory = join(this.#bucket(bucket), directoryPath(prefix));
    return await guarded(call, async () => {
      await makeDirectories(this.#bucket(bucket), directory);
      await writeFile(join(directory, KEEP), '');
      return directory;
    });
  }

  /** Nothing is kept open. */
  close(): void {}

  #call(operation: string, { bucket, key }: ObjectPlace, signal: AbortSignal | undefined): StoreCall {
    const call = { operation, bucket, key };
    checkBucket(call);
    checkKey(call);
    refuseAborted(call, signal);
    return call;
  }

  #bucket(bucket: string): string {
    return join(this.#root, bucket);
  }

  #path({ bucket, key }: ObjectPlace): string {
    return join(this.#bucket(bucket), objectPath(key));
  }

  async #replace(
    call: StoreCall,
    bytes: () => Content,
    options: Omit<WriteOptions, 'condition'>,
    condition: WriteCondition,
  ): Promise<string> {
    const { contentType, metadata = {}, signal } = options;
    checkMetadata(call, metadata);
    const path = this.#path(call);
    const etag = randomUUID().replaceAll('-', '');
    return await guarded(call, async () => {
      const unfinished = temporaryPath(path, randomUUID());
      const file = await this.#create(call, unfinished);
      try {
        try {
          for await (const chunk of bytes()) {
            refuseAborted(call, signal);
            await file.writeFile(chunk);
          }
          await file.writeFile(encodeTrailer({ etag, contentType, metadata }));
          await file.sync();
        } finally {
          await file.close();
        }
        refuseAborted(call, signal);
        await this.#locked(call, path, unfinished, async () => {
          if (condition !== null) await checkCondition(call, path, condition);
          await rename(unfinished, path).catch((error: unknown) => {
            if (errnoOf(error) !== 'ENOENT') throw error;
            throw storeFailure(
              'busy',
              call,
              'another writer has taken the turn of this one, which was too slow',
              error,
            );
          });
          await syncDirectory(dirname(path));
        });
        return etag;
      } finally {
        await rm(unfinished, { force: true });
      }
    });
  }

  async #create(call: StoreCall, unfinished: string): Promise<FileHandle> {
    const bucket = this.#bucket(call.bucket);
    const directory = dirname(unfinished);
    if (!(await exists(bucket))) throw storeFailure('missing', call, 'there is no such bucket');
    for (let attempt = 1; ; attempt += 1) {
      try {
        await makeDirectories(bucket, directory);
        await this.#sweep(directory);
        return await open(unfinished, 'wx');
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || attempt === DIRECTORY_ATTEMPTS) throw error;
      }
    }
  }

  async #sweep(directory: string): Promise<void> {
    if (this.#swept.has(directory)) return;
    if (this.#swept.size >= MOST_SWEPT) this.#swept.clear();
    this.#swept.add(directory);
    await removeAbandoned(directory, Date.now());
  }

  async #locked(call: StoreCall, path: string, unfinished: string, work: () => Promise<void>): Promise<void> {
    const lock = await lockObject(path, unfinished, this.#limits);
    if (lock === null) throw storeFailure('busy', call, 'other writers leave it no turn');
    try {
      await work();
    } finally {
      await lock.release();
    }
  }
}

async function guarded<Value>(call: StoreCall, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw fileFailure(call, error);
  }
}

function content(call: StoreCall, { info, file }: ObjectFile, options: ReadOptions): ObjectContent {
  const { range, ifMatch, signal } = options;
  if (ifMatch !== undefined && ifMatch !== info.etag) throw changed(call);
  const from = range?.from ?? 0;
  const to = Math.min(range?.to ?? info.size, info.size);
  if (range !== undefined && (from < 0 || to <= from)) {
    throw storeFailure('refused', call, `there is no range from ${range.from} to ${range.to}`);
  }
  const body = new ContentBody(heeding(call, fileBytes(call, file, from, to), signal), {
    // Nothing was written, so closing has nothing to say.
    end: () => void file.close().catch(() => {}),
    failure: (error) => fileFailure(call, error),
  });
  return { info, body };
}

async function* heeding(
  call: StoreCall,
  bytes: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    refuseAborted(call, signal);
    yield chunk;
  }
}

async function checkCondition(call: StoreCall, path: string, condition: NonNullable<WriteCondition>): Promise<void> {
  const current = await openObject(call, path);
  await current?.file.close();
  if ('ifAbsent' in condition) {
    if (current !== null) throw changed(call);
    return;
  }
  if (current === null) throw storeFailure('missing', call, 'there is no such object');
  if (current.info.etag !== condition.ifMatch) throw changed(call);
}

function changed(call: StoreCall): Error {
  return storeFailure('changed', call, 'another version is current');
}

/** @throws StoreError when it has not the size it promised */
async function* bodyBytes(call: StoreCall, body: Body): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of body.read()) {
      bytes += chunk.length;
      if (bytes > body.size) break;
      yield chunk;
    }
  } catch (error) {
    throw storeFailure('refused', call, 'the bytes to write cannot be read', error);
  }
  if (bytes !== body.size) throw storeFailure('refused', call, `the body promised ${body.size} bytes and has others`);
}

async function* pieceBytes(call: StoreCall, object: ObjectFile, pieces: readonly Piece[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if (piece.kind === 'new') yield* bodyBytes(call, piece.body);
    else if (piece.range.to > object.info.size)
      throw storeFailure('refused', call, 'a kept piece is not in the object');
    else yield* fileBytes(call, object.file, piece.range.from, piece.range.to);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
