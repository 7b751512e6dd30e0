import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../../errno.ts';
import type { ObjectInfo } from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import { readTrailer, TRAILER_BYTES } from './object-trailer.ts';

const CHUNK_BYTES = 128 * 1024;

/** One version of an object, open for reading; it stays readable when it is replaced or removed. */
export interface ObjectFile {
  readonly info: ObjectInfo;
  readonly file: FileHandle;
}

/** @returns null when there is none; else to be closed @throws StoreError, or the file system's error */
export async function openObject(call: StoreCall, path: string): Promise<ObjectFile | null> {
  let file: FileHandle;
  try {
    // Whoever can write here could put a link or a pipe in the place of a file.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) throw storeFailure('refused', call, 'its file is none');
    const trailer = await readTrailer(file, found.size);
    if (typeof trailer === 'string') throw storeFailure('refused', call, trailer);
    const { etag, metadata } = trailer;
    const info = { size: found.size - TRAILER_BYTES, etag, modifiedAt: Math.floor(found.mtimeMs), metadata };
    return { info, file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The bytes from `from` up to, not including, `to`. @throws StoreError when the file has fewer */
export async function* fileBytes(call: StoreCall, file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw storeFailure('unreachable', call, `its file ended ${to - at} bytes early`);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
