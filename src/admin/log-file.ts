import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errno.ts';
import { AdminRefusal } from './admin-errors.ts';

/** The bot's log of now, and the one before it was rotated (the agent renames, see the log budget of a bot). */
export const LOG_FILE = 'bot.log';
export const OLDER_LOG_FILE = 'bot.log.1';

const CHUNK_BYTES = 64 * 1024;

/**
 * A log opened for reading. The folder belongs to the bot, which may have put anything in the log's place: a link to a
 * secret, a pipe that never answers, a device. So links are not followed, opening never blocks, and only a regular file
 * is read.
 */
export class LogFile {
  readonly inode: number;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, inode: number) {
    this.#handle = handle;
    this.inode = inode;
  }

  /** @returns null when there is no such file. @throws AdminRefusal `log-unsafe`, `log-unreadable` */
  static async open(directory: string, name: string): Promise<LogFile | null> {
    let handle: FileHandle;
    try {
      handle = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      // A symbolic link; a socket.
      if (code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO') throw unsafe(name, { cause: error });
      throw new AdminRefusal(500, 'log-unreadable', `${name} cannot be read (${code ?? String(error)})`, '', {
        cause: error,
      });
    }
    try {
      const stats = await handle.stat();
      if (stats.isFile()) return new LogFile(handle, stats.ino);
      throw unsafe(name);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Chunks from `from` on, up to `to` or, when that is infinite, to the end of what is there. */
  async *chunks(from: number, to: number): AsyncGenerator<Buffer> {
    for (let offset = from; offset < to; ) {
      const length = Math.min(CHUNK_BYTES, to - offset);
      const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, offset);
      if (bytesRead === 0) return;
      offset += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /**
   * Where the last `lines` lines of the first `end` bytes begin, and how many of them are not in this file.
   * @param searchBytes looking for them ends after so much, whatever the bot has put in the file
   */
  async startOfLast(lines: number, end: number, searchBytes: number): Promise<{ offset: number; missing: number }> {
    if (lines === 0) return { offset: end, missing: 0 };
    if (lines === Number.POSITIVE_INFINITY) return { offset: 0, missing: lines };
    let found = 0;
    const floor = Math.max(0, end - searchBytes);
    for (let chunkEnd = end; chunkEnd > floor; ) {
      const start = Math.max(floor, chunkEnd - CHUNK_BYTES);
      const { bytesRead, buffer } = await this.#handle.read(
        Buffer.allocUnsafe(chunkEnd - start),
        0,
        chunkEnd - start,
        start,
      );
      for (let index = bytesRead - 1; index >= 0; index--) {
        // The newline that ends the last line separates nothing.
        if (buffer[index] !== 0x0a || start + index === end - 1) continue;
        found++;
        if (found === lines) return { offset: start + index + 1, missing: 0 };
      }
      chunkEnd = start;
    }
    if (floor > 0) return { offset: floor, missing: 0 };
    return { offset: 0, missing: lines - found - (end > 0 ? 1 : 0) };
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function unsafe(name: string, options?: { cause?: unknown }): AdminRefusal {
  return new AdminRefusal(
    409,
    'log-unsafe',
    `${name} is not a regular file: the bot put something else (a link, a pipe, a device) in its place, so it was not read`,
    'stop the bot, remove that file from its log folder and start the bot again',
    options,
  );
}
