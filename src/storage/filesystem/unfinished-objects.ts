import { lstat, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { TEMPORARY } from './object-path.ts';

/** No write takes this long, so an unfinished file that was not touched since belongs to a process that died. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Removes what a crash left. */
export async function removeAbandoned(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(directory, name);
    try {
      if ((await lstat(path)).mtimeMs < now - ABANDONED_MS) await rm(path, { force: true });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** Makes the directories from the bucket's down to this one, so that they survive a power cut. The bucket's must be there. */
export async function makeDirectories(bucketDirectory: string, directory: string): Promise<void> {
  if (directory === bucketDirectory) return;
  try {
    await mkdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeDirectories(bucketDirectory, dirname(directory));
    await mkdir(directory).catch((late: unknown) => {
      if (errnoOf(late) !== 'EEXIST') throw late;
    });
  }
  await syncDirectory(dirname(directory));
}

/** Removes directories that became empty, up to the bucket's. */
export async function removeEmpty(bucketDirectory: string, directory: string): Promise<void> {
  for (let at = directory; at !== bucketDirectory; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      // Not empty, gone already, or mounted somewhere: all of them reasons to leave it.
      if (errnoOf(error) !== null) return;
      throw error;
    }
  }
}

/** A new name in a directory is on disk only after this. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
