import { unlinkSync, writeFileSync } from 'node:fs';
import type { LastWords } from '../../actors/observation.ts';
import { messageOf } from './agent-error.ts';
import { logLine } from './agent-line.ts';
import type { AgentSettings } from './agent-settings.ts';
import type { Tee } from './tee.ts';

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
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  if (settings.terminationLog !== null) writeTerminationLog(settings.terminationLog, line);
  await Promise.race([deadline, said(line, tee)]);
  clearTimeout(timer);
}

/** An empty termination log says that words would come here: who finds it empty after an exit need not look elsewhere. */
export function promiseLastWords({ terminationLog }: Pick<AgentSettings, 'terminationLog'>): void {
  if (terminationLog !== null) writeTerminationLog(terminationLog, '');
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
    writeFileSync(path, line);
  } catch (error) {
    process.stderr.write(logLine('warn', `cannot write the last words to ${path}: ${messageOf(error)}`));
    breakPromise(path);
  }
}

/** Left empty by a full disk, it would say that there were no words; without it they are looked for elsewhere. */
function breakPromise(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It cannot be made, so there is nothing that could mislead anybody; why was said above.
  }
}
