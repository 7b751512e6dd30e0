import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Body, type ObjectPlace, StoreError } from '../storage/object-store.ts';
import type { AgentStore } from './stored-code.ts';

const BLOCK_BYTES = 64 * 1024;

/**
 * Puts what a query program has left into the store, where whoever asked waits for it (contract 4.1). The bucket is made when
 * it is missing.
 * @throws StoreError; what the file system throws when the program has left nothing; Error when it is no file
 */
export async function uploadQueryResult({ store, buckets }: AgentStore, key: string, path: string): Promise<void> {
  const place: ObjectPlace = { bucket: buckets.queryResults, key };
  // The program is not to be trusted with a link to somewhere else, or a pipe that nobody writes to.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    const body: Body = { size: stat.size, read: () => bytesOf(file) };
    const write = () => store.write(place, body, { condition: null, contentType: 'application/json' });
    await write().catch(async (error: unknown) => {
      if (!(error instanceof StoreError) || error.trouble !== 'missing') throw error;
      await store.createBucket(place.bucket);
      await write();
    });
  } finally {
    closeSync(file);
    store.close();
  }
}

function* bytesOf(file: number): Generator<Buffer> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let at = 0; ; ) {
    const bytes = readSync(file, block, 0, block.length, at);
    if (bytes === 0) return;
    at += bytes;
    yield block.subarray(0, bytes);
  }
}
