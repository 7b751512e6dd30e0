import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlockDeflater } from './block-deflater.ts';
import { MEMBER_HEADER_BYTES, type Member, memberHeader, memberTrailer } from './gzip-member.ts';
import type { Spool } from './spool.ts';
import { encodeTarHeader } from './tar-encode.ts';
import { paddingOf, type TarEntry } from './tar-entry.ts';

/** So much is compressed in one go, of which nothing else in the process gets a turn (about 6 ms). */
const BLOCK_BYTES = 256 * 1024;

/** A file did not have as many bytes as was said. */
export class ContentChanged extends Error {
  override readonly name = 'ContentChanged';
}

type Zlib = typeof import('node:zlib');

/**
 * Appends an entry's member to the spool. When it throws, the spool is as it was.
 *
 * @param content its bytes; a chunk is done with when the next one is asked for
 * @returns where it is in the spool
 * @throws ContentChanged when there are not exactly `entry.size` of them; what `content` and the spool throw
 */
export async function packMember(spool: Spool, entry: TarEntry, content: Iterable<Buffer>): Promise<Member> {
  const zlib = await import('node:zlib');
  const header = encodeTarHeader(entry);
  const offset = spool.length;
  try {
    spool.append(memberHeader(0));
    const block = spool.scratch(blockBytes(entry, header));
    const end = await drain(compressed(zlib, entry, header, content, block), (bytes) => spool.append(bytes));
    spool.append(memberTrailer(end.crc, end.plainBytes));
    const length = spool.length - offset;
    spool.patch(offset, memberHeader(length));
    return { offset, length };
  } catch (error) {
    spool.truncate(offset);
    throw error;
  }
}

/**
 * The same for what is too large to lie in a spool: it is compressed to see how much that gives, and once more whenever it
 * is read.
 *
 * @param again the same bytes; when they are others, reading the spool throws ContentChanged
 */
export async function packLater(
  spool: Spool,
  entry: TarEntry,
  content: Iterable<Buffer>,
  again: () => Iterable<Buffer>,
): Promise<Member> {
  const zlib = await import('node:zlib');
  const header = encodeTarHeader(entry);
  let bodyBytes = 0;
  const scratch = spool.scratch(blockBytes(entry, header));
  const first = await drain(compressed(zlib, entry, header, content, scratch), (bytes) => {
    bodyBytes += bytes.length;
  });
  const trailer = memberTrailer(first.crc, first.plainBytes);
  const length = MEMBER_HEADER_BYTES + bodyBytes + trailer.length;
  function* read(): Generator<Buffer> {
    yield memberHeader(length);
    const block = Buffer.allocUnsafeSlow(blockBytes(entry, header));
    const body = compressed(zlib, entry, header, again(), block);
    try {
      let left = bodyBytes;
      let step = body.next();
      for (; step.done !== true; step = body.next()) {
        left -= step.value.length;
        if (left < 0) throw new ContentChanged(`${entry.name} has changed`);
        yield step.value;
      }
      if (left > 0 || step.value.crc !== first.crc) throw new ContentChanged(`${entry.name} has changed`);
    } finally {
      body.return(first); // Whoever reads may stop in the middle; what is open must be closed.
    }
    yield trailer;
  }
  return { offset: spool.appendLater(length, read), length };
}

function blockBytes(entry: TarEntry, header: Buffer): number {
  return Math.min(BLOCK_BYTES, header.length + entry.size + paddingOf(entry.size));
}

interface End {
  readonly crc: number;
  readonly plainBytes: number;
}

/** The deflate stream of an entry: what it yields is overwritten when the next is asked for. */
function* compressed(
  zlib: Zlib,
  entry: TarEntry,
  header: Buffer,
  content: Iterable<Buffer>,
  block: Buffer,
): Generator<Buffer, End> {
  const plainBytes = header.length + entry.size + paddingOf(entry.size);
  const written: Buffer[] = [];
  const deflater = new BlockDeflater(zlib, (bytes) => written.push(bytes));
  let held = 0;
  let crc = 0;
  let seen = 0;
  const put = (last: boolean) => {
    const bytes = block.subarray(0, held);
    crc = zlib.crc32(bytes, crc);
    deflater.put(bytes, last);
    held = 0;
    return written.splice(0);
  };
  for (const chunk of partsOf(header, content, paddingOf(entry.size))) {
    seen += chunk.length;
    if (seen > plainBytes) break;
    for (let done = 0; done < chunk.length; ) {
      if (held === block.length) yield* put(false);
      const copied = chunk.copy(block, held, done);
      done += copied;
      held += copied;
    }
  }
  if (seen !== plainBytes) throw new ContentChanged(`${entry.name} has not ${entry.size} bytes any more`);
  yield* put(true);
  return { crc, plainBytes };
}

function* partsOf(header: Buffer, content: Iterable<Buffer>, padding: number): Generator<Buffer> {
  yield header;
  yield* content;
  yield Buffer.alloc(padding);
}

/** Takes all, and lets others have a turn after each block. */
async function drain(body: Generator<Buffer, End>, take: (bytes: Buffer) => void): Promise<End> {
  let taken = 0;
  for (let step = body.next(); ; step = body.next()) {
    if (step.done === true) return step.value;
    take(step.value);
    taken += step.value.length;
    if (taken < BLOCK_BYTES) continue;
    taken = 0;
    await nextTurn();
  }
}
