import { chmodSync, statSync } from 'node:fs';
import { AgentError, errorCodeOf } from './agent-error.ts';
import type { BotCommand } from './bot-command.ts';
import { copyCode } from './code-copy.ts';
import { namesStore } from './open-store.ts';
import { sendErrand } from './prepare-errand.ts';
import type { RunContext } from './run-context.ts';
import type { Restored } from './state/restore-state.ts';

/**
 * Brings code and state to their places, when they are not there already: code from where it is mounted, else from the
 * object store; state from the object store.
 * @param state `copy`: only to read in it
 * @returns what became of the state; null: there is no store, or a stop came first
 * @throws AgentError
 */
export async function fetchFiles(context: RunContext, state: 'own' | 'copy'): Promise<Restored | null> {
  const { codeSource, codePath, codeFile, limits } = context.settings;
  if (codeSource !== null) await copyCode(codeSource, codePath, limits, () => context.stop.requested);
  if (!namesStore(context.secrets, context.env)) return null;
  return sendErrand(context, { code: codeSource === null && codeFile !== null, state });
}

/**
 * Checks that what the command runs is there, and makes a compiled program executable: archives lose that (contract 6.2,
 * step 3; in every mode, 12.3 #53).
 * @throws AgentError `entrypoint-missing`
 */
export function prepareEntrypoint(command: BotCommand, entrypoint: string): void {
  if (command.file === null) return;
  try {
    const { mode } = statSync(command.file);
    // Writing the mode needs the owner's right even when nothing changes.
    if (command.compiled && (mode & 0o777) !== 0o755) chmodSync(command.file, 0o755);
  } catch (error) {
    const cause = errorCodeOf(error);
    if (cause === 'EPERM' || cause === 'EROFS') return; // executable or not, the start will show
    const hint = 'check entrypoints and the files of the bot';
    throw new AgentError(
      'entrypoint-missing',
      `the entry point ${entrypoint} is not among the files of the bot; ${hint}`,
      {
        path: entrypoint,
      },
    );
  }
}
