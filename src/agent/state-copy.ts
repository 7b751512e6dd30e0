import { constants, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AgentError, errorCodeOf, messageOf } from './agent-error.ts';

const ENTRIES_PER_TURN = 200;

/**
 * Copies a bot's state for a program that may only look at it (contract 6.7: what it changes is lost). The bot may be at
 * work in the original: what vanishes meanwhile is left out, and files are copied one after the other, so they are not of
 * one moment. What is no file, directory or link is no state.
 *
 * @param source that it is not there is a bot that has not kept anything yet
 * @throws AgentError `state-unreadable`: not readable, or larger than the limit
 */
export async function copyState(source: string, target: string, mostBytes: number): Promise<void> {
  let bytes = 0;
  let done = 0;
  // Depth first, without recursion: a hostile tree may be deep.
  const waiting = [source];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    const to = join(target, relative(source, from));
    try {
      const stat = lstatSync(from);
      if (stat.isDirectory()) {
        mkdirSync(to, { recursive: true });
        for (const name of readdirSync(from)) waiting.push(join(from, name));
      } else if (stat.isFile()) {
        bytes += stat.size;
        if (bytes > mostBytes) throw unreadable(`it is larger than ${mostBytes} bytes`);
        copyFileSync(from, to, constants.COPYFILE_FICLONE);
      } else if (stat.isSymbolicLink()) {
        symlinkSync(readlinkSync(from), to);
      }
    } catch (error) {
      if (error instanceof AgentError) throw error;
      if (errorCodeOf(error) !== 'ENOENT') throw unreadable(messageOf(error), error);
    }
    if (++done % ENTRIES_PER_TURN === 0) await nextTurn();
  }
}

function unreadable(detail: string, cause?: unknown): AgentError {
  return new AgentError('state-unreadable', `cannot copy the state of the bot: ${detail}`, { detail }, { cause });
}
