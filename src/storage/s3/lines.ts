import type { ByteChannel } from './byte-channel.ts';
import { ConnectionFailure } from './connection-failure.ts';
import type { Patience } from './patience.ts';

/** One line without its end. @throws ConnectionFailure when it is too long, or the connection ends in it */
export async function readLine(channel: ByteChannel, patience: Patience, mostBytes: number): Promise<string> {
  return (await readUntil(channel, patience, mostBytes, '\n')).replace(/\r?\n$/, '');
}

/** Status line and headers, without the blank line. @throws ConnectionFailure; `unanswered` when not a byte came */
export async function readHead(channel: ByteChannel, patience: Patience, mostBytes: number): Promise<string> {
  return (await readUntil(channel, patience, mostBytes, '\r\n\r\n')).slice(0, -4);
}

async function readUntil(channel: ByteChannel, patience: Patience, mostBytes: number, end: string): Promise<string> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await next(channel, patience, bytes.length === 0);
    if (chunk === null) {
      throw new ConnectionFailure('the answer ended in its head', { unanswered: bytes.length === 0 });
    }
    // The end may be cut in two.
    const from = Math.max(0, bytes.length - end.length + 1);
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const at = bytes.indexOf(end, from, 'latin1');
    if (at >= 0 && at + end.length <= mostBytes) {
      channel.unread(bytes.subarray(at + end.length));
      return bytes.toString('latin1', 0, at + end.length);
    }
    if (at >= 0 || bytes.length > mostBytes) {
      throw new ConnectionFailure(`the head or a line of the answer is longer than ${mostBytes} bytes`);
    }
  }
}

async function next(channel: ByteChannel, patience: Patience, isFirst: boolean): Promise<Buffer | null> {
  try {
    return await channel.read(patience);
  } catch (error) {
    if (!(error instanceof ConnectionFailure) || !isFirst || error.isSilence) throw error;
    throw new ConnectionFailure(error.message, { unanswered: true, cause: error.cause });
  }
}
