import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastWords } from '../../../actors/observation.ts';
import { LAST_WORDS_BYTES, parseLastWords } from '../last-words.ts';

/**
 * A file beside the bot's log in which the agent leaves its last words as well. Reading it takes less than a millisecond,
 * while Docker answers nothing about a container for some 50 ms after its `die` event, until it is cleaned up.
 */
export const TERMINATION_LOG = '.last-words';

/** What was in a termination log at one moment. */
export interface TerminationLog {
  /** Null: the agent ended without a word (the file is there from its start on, and blank). */
  readonly words: LastWords | null;
  /** Another after every write. A log that still has the version of the exit before was left by the run before. */
  readonly version: string;
}

/** Before a start whose exit could not be told from what an earlier run left there. */
export async function clearTerminationLog(logsDirectory: string): Promise<void> {
  await rm(join(logsDirectory, TERMINATION_LOG), { force: true });
}

/**
 * The bot can write there too, so neither links nor pipes are followed and no more than one line's worth is read.
 *
 * Read without waiting for the thread pool: a crash is answered within a few milliseconds, also while the pool's threads
 * copy or hash files.
 * @returns `unsupported` when the agent left no file: ask Docker for its log instead
 */
export function readTerminationLog(logsDirectory: string): TerminationLog | 'unsupported' {
  try {
    const file = openSync(
      join(logsDirectory, TERMINATION_LOG),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      const stats = fstatSync(file, { bigint: true });
      // Not the time of the last write, which the bot can set.
      const version = `${stats.ino} ${stats.ctimeNs}`;
      if (!stats.isFile()) return { words: null, version };
      const buffer = Buffer.alloc(LAST_WORDS_BYTES);
      const words = parseLastWords(buffer.toString('utf8', 0, readSync(file, buffer, 0, LAST_WORDS_BYTES, 0)));
      return { words, version };
    } finally {
      closeSync(file);
    }
  } catch {
    // Not there, or something else than a file: the container's log is the other place to look.
    return 'unsupported';
  }
}
