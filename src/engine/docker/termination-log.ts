import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastWords } from '../../../actors/observation.ts';
import { LAST_WORDS_BYTES, parseLastWords } from '../last-words.ts';

/**
 * A file beside the bot's log in which the agent leaves its last words as well. Reading it takes less than a millisecond,
 * while Docker answers nothing about a container for some 50 ms after its `die` event, until it is cleaned up.
 */
export const TERMINATION_LOG = '.last-words';

/** Before every start: what an earlier run left there is not this one's. */
export async function clearTerminationLog(logsDirectory: string): Promise<void> {
  await rm(join(logsDirectory, TERMINATION_LOG), { force: true });
}

/**
 * The bot can write there too, so neither links nor pipes are followed and no more than one line's worth is read.
 * @returns `unsupported` when the agent left no file: ask Docker for its log instead
 */
export async function readTerminationLog(logsDirectory: string): Promise<LastWords | null | 'unsupported'> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(logsDirectory, TERMINATION_LOG), flags);
    try {
      if (!(await file.stat()).isFile()) return null;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LAST_WORDS_BYTES), 0, LAST_WORDS_BYTES, 0);
      return parseLastWords(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    // Not there, or something else than a file: the container's log is the other place to look.
    return 'unsupported';
  }
}
