import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlockDeflater } from './block-deflater.ts';
import { type Member, memberHeader, memberTrailer } from './gzip-member.ts';
import type { Spool } from './spool.ts';
import { encodeTarHeader } from './tar-encode.ts';
import { paddingOf, type TarEntry } from './tar-entry.ts';

/** So much is compressed in one go, of which nothing else in the process gets a turn (about 6 ms). */
const BLOCK_BYTES = 256 * 1024;

/** A file did not have as many bytes as was said. */
export class ContentChanged extends Error {
  override readonly name = 'ContentChanged';
}

/**
 * Appends an entry's member to the spool. When it throws, the spool is as it was.
 *
 * @param content its bytes; a chunk is done with when the next one is asked for
 * @returns where it is in the spool
 * @throws ContentChanged when there are not exactly `entry.size` of them; what `content` and the spool throw
 */
export async function packMember(spool: Spool, entry: TarEntry, content: Iterable<Buffer>): Promise<Member> {
  const zlib = await import('node:zlib');
  const deflater = new BlockDeflater(zlib, (bytes) => spool.append(bytes));
  const offset = spool.length;
  const header = encodeTarHeader(entry);
  const plainBytes = header.length + entry.size + paddingOf(entry.size);
  const block = spool.scratch(Math.min(BLOCK_BYTES, plainBytes));
  let held = 0;
  let crc = 0;
  const put = (last: boolean) => {
    const bytes = block.subarray(0, held);
    crc = zlib.crc32(bytes, crc);
    deflater.put(bytes, last);
    held = 0;
  };
  try {
    spool.append(memberHeader(0));
    let seen = 0;
    for (const chunk of partsOf(header, content, paddingOf(entry.size))) {
      seen += chunk.length;
      if (seen > plainBytes) break;
      for (let done = 0; done < chunk.length; ) {
        if (held === block.length) {
          put(false);
          await nextTurn();
        }
        const copied = chunk.copy(block, held, done);
        done += copied;
        held += copied;
      }
    }
    if (seen !== plainBytes) throw new ContentChanged(`${entry.name} has not ${entry.size} bytes any more`);
    put(true);
    spool.append(memberTrailer(crc, plainBytes));
    const length = spool.length - offset;
    spool.patch(offset, memberHeader(length));
    return { offset, length };
  } catch (error) {
    spool.truncate(offset);
    throw error;
  }
}

function* partsOf(header: Buffer, content: Iterable<Buffer>, padding: number): Generator<Buffer> {
  yield header;
  yield* content;
  yield Buffer.alloc(padding);
}
