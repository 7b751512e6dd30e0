import { createHash } from 'node:crypto';
import { storeFailure } from '../store-failure.ts';
import type { S3Request } from './s3-client.ts';
import { passed } from './transfer-garbage.ts';

const HASH_OF_NOTHING = createHash('sha256').digest('hex');

/**
 * SHA-256 of the body, which the store compares with what arrives: bytes that were garbled, or that changed since, never
 * become current. It costs a second reading; 2 GB/s.
 *
 * @returns in hex
 * @throws StoreError `refused` when the body cannot be read or has not the size it promised
 */
export async function payloadHash(request: S3Request): Promise<string> {
  const { body } = request;
  if (body === undefined) return HASH_OF_NOTHING;
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of bodyChunks(request)) {
    bytes += chunk.length;
    hash.update(chunk);
    if (bytes > body.size) break;
  }
  if (bytes !== body.size) throw wrongSize(request, bytes);
  return hash.digest('hex');
}

/** The body's bytes. @throws StoreError `refused` when it throws; `unreachable` when the call is aborted */
export async function* bodyChunks(request: S3Request): AsyncGenerator<Buffer> {
  if (request.body === undefined) return;
  try {
    for await (const chunk of request.body.read()) {
      if (request.signal?.aborted) break;
      yield chunk;
      passed(chunk.length);
    }
  } catch (error) {
    throw storeFailure('refused', request, 'the bytes to send cannot be read', error);
  }
  if (request.signal?.aborted) throw storeFailure('unreachable', request, 'aborted', request.signal.reason);
}

export function wrongSize(request: S3Request, bytes: number): Error {
  const promised = request.body?.size ?? 0;
  const found = bytes > promised ? 'more' : `only ${bytes}`;
  return storeFailure('refused', request, `the body promised ${promised} bytes and has ${found}`);
}
