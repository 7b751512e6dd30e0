import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../errno.ts';
import type { ListedObject } from '../object-store.ts';
import { readName, type StoredName } from './object-path.ts';
import { TRAILER_BYTES } from './object-trailer.ts';

/** All objects below, in the order of their keys' bytes. Strings here have one character per byte of a key. */
export async function* listDirectory(
  directory: string,
  above: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject> {
  const found = (await entriesOf(directory)).flatMap((entry) => {
    const name = readName(entry.name, entry.isDirectory());
    if (name === null || !mayMatch(above + name.bytes, name, prefix)) return [];
    return [{ file: entry.name, name, key: above + name.bytes }];
  });
  // A directory's slash counts, so what is below it comes in its place. Of two that are alike the object is first.
  found.sort((a, b) => compare(a.key, b.key) || compare(b.name.kind, a.name.kind));
  for (const { file, name, key } of found) {
    if (signal?.aborted) return;
    const path = join(directory, file);
    if (name.kind === 'directory') yield* listDirectory(path, key, prefix, signal);
    else {
      const object = await listed(path, key);
      if (object !== null) yield object;
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mayMatch(key: string, name: StoredName, prefix: string): boolean {
  return key.startsWith(prefix) || (name.kind === 'directory' && prefix.startsWith(key));
}

/** Null when it was removed meanwhile, or is no object. */
async function listed(path: string, key: string): Promise<ListedObject | null> {
  try {
    const found = await lstat(path);
    const size = found.size - TRAILER_BYTES;
    return size < 0 || !found.isFile()
      ? null
      : { key: Buffer.from(key, 'latin1').toString(), size, modifiedAt: Math.floor(found.mtimeMs) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
