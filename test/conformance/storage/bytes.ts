import { createHash } from 'node:crypto';
import type { Body, ObjectContent, StoreTrouble } from '../../../src/storage/object-store.ts';
import { StoreError } from '../../../src/storage/object-store.ts';

/** The same for the same seed; no two 4-byte words in a row are alike, so a shifted range is noticed. */
export function someBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed * 2_654_435_761;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** In chunks, so that it cannot be sent as one piece. */
export function chunked(bytes: Buffer, chunkBytes: number): Body {
  return {
    size: bytes.length,
    async *read() {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
  };
}

export async function bytesOf(content: ObjectContent | null): Promise<Buffer> {
  if (content === null) throw new Error('there is no such object');
  const chunks: Buffer[] = [];
  for await (const chunk of content.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** For assert.rejects. */
export function trouble(...expected: readonly StoreTrouble[]): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof StoreError && expected.includes(error.trouble)) return true;
    throw new Error(`expected a StoreError ${expected.join(' or ')}`, { cause: error });
  };
}
