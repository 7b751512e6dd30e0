import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errno.ts';
import { pause } from '../pause.ts';
import { LOG_FILE, LogFile, OLDER_LOG_FILE } from './log-file.ts';

/** What somebody wants of a log. */
export interface LogOptions {
  /** How many of the last lines; `Infinity` for all there are. */
  readonly lines: number;
  /** Go on with what is written from now on, until `signal`. */
  readonly follow: boolean;
  readonly pollMs: number;
  /** How much of the log is searched for where these lines begin. */
  readonly searchBytes: number;
  readonly signal: AbortSignal;
}

export interface LogTailOptions extends LogOptions {
  /** The bot's log folder. */
  readonly directory: string;
}

/** The end of a bot's log, ready to be read once. */
export interface LogTail {
  chunks(): AsyncGenerator<Buffer>;
}

/**
 * Opens a bot's log. A bot that has not written yet has an empty one.
 *
 * Without `follow` it ends at the size the log had when it was opened, so a flood cannot make it endless. With `follow` it
 * goes on over rotation (the file was renamed: what is left of it is read first) and truncation. A reader so slow that the
 * log was rotated twice meanwhile finds a line that says so in place of what it missed.
 * @throws AdminRefusal `log-unsafe`, `log-unreadable`; `chunks` throws the same when the bot changes the file later
 */
export async function openLogTail(options: LogTailOptions): Promise<LogTail> {
  const current = await LogFile.open(options.directory, LOG_FILE);
  try {
    const end = current === null ? 0 : await current.size();
    const { offset, missing } =
      current === null
        ? { offset: 0, missing: options.lines }
        : await current.startOfLast(options.lines, end, options.searchBytes);
    const older = missing > 0 ? await openOlder(options, missing, current) : null;
    return { chunks: () => chunks(options, { older, current, offset, end }) };
  } catch (error) {
    await current?.close();
    throw error;
  }
}

interface Opened {
  readonly older: OlderPart | null;
  readonly current: LogFile | null;
  readonly offset: number;
  readonly end: number;
}

interface OlderPart {
  readonly file: LogFile;
  readonly offset: number;
  readonly end: number;
}

async function openOlder(
  { directory, searchBytes }: LogTailOptions,
  lines: number,
  current: LogFile | null,
): Promise<OlderPart | null> {
  const file = await LogFile.open(directory, OLDER_LOG_FILE);
  if (file === null) return null;
  try {
    // Rotated between the two opens: it is the file we already have.
    if (file.inode !== current?.inode) {
      const end = await file.size();
      return { file, offset: (await file.startOfLast(lines, end, searchBytes)).offset, end };
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

async function* chunks(options: LogTailOptions, { older, current, offset, end }: Opened): AsyncGenerator<Buffer> {
  let file = current;
  let position = offset;
  try {
    try {
      if (older !== null) yield* older.file.chunks(older.offset, older.end);
    } finally {
      await older?.file.close();
    }
    if (!options.follow) {
      if (file !== null) yield* file.chunks(position, end);
      return;
    }
    while (!options.signal.aborted) {
      if (file !== null) {
        // Shorter than what was read: emptied in place.
        if ((await file.size()) < position) position = 0;
        for await (const chunk of file.chunks(position, Number.POSITIVE_INFINITY)) {
          position += chunk.length;
          yield chunk;
        }
      }
      await pause(options.pollMs, options.signal);
      const inode = await inodeOf(options.directory, LOG_FILE);
      if (inode === null || inode === file?.inode) continue;
      if (file !== null) {
        yield* file.chunks(position, Number.POSITIVE_INFINITY);
        const rotatedTo = await inodeOf(options.directory, OLDER_LOG_FILE);
        if (rotatedTo !== null && rotatedTo !== file.inode) yield SKIPPED;
        await file.close();
      }
      file = null;
      file = await LogFile.open(options.directory, LOG_FILE);
      position = 0;
    }
  } finally {
    await file?.close();
  }
}

const SKIPPED = Buffer.from(
  '[the0] the log was rotated away before this could be shown; some lines are missing here\n',
);

async function inodeOf(directory: string, name: string): Promise<number | null> {
  try {
    return (await lstat(join(directory, name))).ino;
  } catch (error) {
    // Between the two halves of a rotation there is no file.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}
