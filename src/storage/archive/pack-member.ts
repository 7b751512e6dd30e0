import { setImmediate as nextTurn } from 'node:timers/promises';
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
 * Each block is compressed on its own and ends on a whole byte, so that their sequence is one deflate stream: this needs
 * no stream object, and no more memory than a block.
 *
 * @param content its bytes; no chunk may be changed after it was handed over
 * @returns where it is in the spool
 * @throws ContentChanged when there are not exactly `entry.size` of them; what `content` and the spool throw
 */
export async function packMember(spool: Spool, entry: TarEntry, content: Iterable<Buffer>): Promise<Member> {
  const { crc32, deflateRawSync, constants } = await import('node:zlib');
  const offset = spool.length;
  let crc = 0;
  let plainBytes = 0;
  const put = (block: Buffer, last: boolean) => {
    crc = crc32(block, crc);
    plainBytes += block.length;
    spool.append(deflateRawSync(block, { level: 1, finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH }));
  };
  try {
    spool.append(memberHeader(0));
    let held = encodeTarHeader(entry);
    let contentBytes = 0;
    for (const chunk of content) {
      contentBytes += chunk.length;
      if (held.length + chunk.length > BLOCK_BYTES) {
        put(held, false);
        held = chunk;
        await nextTurn();
      } else {
        held = Buffer.concat([held, chunk]);
      }
    }
    if (contentBytes !== entry.size)
      throw new ContentChanged(`${entry.name} has ${contentBytes} bytes, not ${entry.size}`);
    put(Buffer.concat([held, Buffer.alloc(paddingOf(entry.size))]), true);
    spool.append(memberTrailer(crc, plainBytes));
    const length = spool.length - offset;
    spool.patch(offset, memberHeader(length));
    return { offset, length };
  } catch (error) {
    spool.truncate(offset);
    throw error;
  }
}
