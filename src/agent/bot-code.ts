import { chmodSync, statSync } from 'node:fs';
import { AgentError, errorCodeOf } from './agent-error.ts';
import type { BotCommand } from './bot-command.ts';
import { copyCode } from './code-copy.ts';
import { sendForCode } from './code-errand.ts';
import { namesStore } from './open-store.ts';
import type { RunContext } from './run-context.ts';

/**
 * Brings the code to CODE_PATH, when it is not there already: from where it is mounted, else from the object store.
 * @throws AgentError
 */
export async function fetchCode(context: RunContext): Promise<void> {
  const { codeSource, codePath, codeFile, limits } = context.settings;
  if (codeSource !== null) await copyCode(codeSource, codePath, limits, () => context.stop.requested);
  else if (codeFile !== null && namesStore(context.secrets, context.env)) await sendForCode(context);
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
