import { closeSync, constants, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { LastWords } from '../../actors/observation.ts';
import { within } from '../within.ts';
import { messageOf } from './agent-error.ts';
import { logLine } from './agent-line.ts';
import type { AgentSettings } from './agent-settings.ts';
import type { Tee } from './tee.ts';

/** A block of any file system; words are far shorter. */
const ROOM_BYTES = 4_096;

/**
 * The agent's last act: one JSON line, the last on its stderr, and in the termination log where there is one (design 6).
 * Resolves when the reader has it, or did not take it in time. Nothing may be written to stderr afterwards.
 */
export async function sayLastWords(
  words: LastWords,
  settings: Pick<AgentSettings, 'terminationLog'>,
  tee: Tee | null,
  deadlineMs: number,
): Promise<void> {
  const line = `${JSON.stringify(words)}\n`;
  if (settings.terminationLog !== null) writeTerminationLog(settings.terminationLog, line);
  await within(said(line, tee), deadlineMs);
}

/**
 * A blank termination log says that words would come here: who finds it blank after an exit need not look elsewhere. The
 * blanks take the room for the words, which so find their place on a full disk too.
 */
export function promiseLastWords({ terminationLog }: Pick<AgentSettings, 'terminationLog'>): void {
  if (terminationLog !== null) writeTerminationLog(terminationLog, ' '.repeat(ROOM_BYTES));
}

async function said(line: string, tee: Tee | null): Promise<void> {
  await tee?.flush();
  await new Promise<void>((resolve) => {
    // A reader that is gone: there is nobody left to tell.
    process.stderr.once('error', () => resolve());
    process.stderr.write(line, () => resolve());
  });
}

function writeTerminationLog(path: string, line: string): void {
  try {
    // Over what is there, not instead of it: that would give the room away first.
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      writeSync(file, line);
      ftruncateSync(file, Buffer.byteLength(line));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    process.stderr.write(logLine('warn', `cannot write the last words to ${path}: ${messageOf(error)}`));
    breakPromise(path);
  }
}

/** Left blank, it would say that there were no words; without it they are looked for elsewhere. */
function breakPromise(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It cannot be made, so there is nothing that could mislead anybody; why was said above.
  }
}
