import { passed } from '../s3-api/transfer-garbage.ts';
import type { BodyLength } from './answer-head.ts';
import type { ByteChannel } from './byte-channel.ts';
import { ConnectionFailure } from './connection-failure.ts';
import { readLine } from './lines.ts';
import type { Patience } from './patience.ts';

/** The body of one answer, cut out of the connection's bytes. @throws ConnectionFailure when it ends early */
export async function* answerBody(
  channel: ByteChannel,
  length: BodyLength,
  patience: Patience,
): AsyncGenerator<Buffer> {
  if (length === 'chunked') yield* chunkedBody(channel, patience);
  else if (length === 'until-end') {
    for (let chunk = await channel.read(patience); chunk !== null; chunk = await channel.read(patience)) yield chunk;
  } else yield* exactly(channel, length, patience);
}

async function* exactly(channel: ByteChannel, bytes: number, patience: Patience): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0; ) {
    const chunk = await channel.read(patience);
    if (chunk === null) throw new ConnectionFailure(`the answer ended ${left} bytes early`);
    channel.unread(chunk.subarray(left));
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    yield part;
    passed(part.length);
  }
}

const LONGEST_SIZE_LINE = 1024;
const MOST_TRAILER_LINES = 32;

/** RFC 9112, 7.1. Extensions and trailers are read over. */
async function* chunkedBody(channel: ByteChannel, patience: Patience): AsyncGenerator<Buffer> {
  for (;;) {
    const digits = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(
      await readLine(channel, patience, LONGEST_SIZE_LINE),
    )?.[1];
    if (digits === undefined) throw new ConnectionFailure('the answer has a chunk without a size');
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    yield* exactly(channel, size, patience);
    if ((await readLine(channel, patience, LONGEST_SIZE_LINE)) !== '') {
      throw new ConnectionFailure('a chunk of the answer is longer than its size');
    }
  }
  for (let lines = 0; (await readLine(channel, patience, LONGEST_SIZE_LINE)) !== ''; lines += 1) {
    if (lines === MOST_TRAILER_LINES) throw new ConnectionFailure('the trailer of the answer is too long');
  }
}
