import type { AgentArguments } from '../agent-arguments.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { logLine } from '../agent-line.ts';
import { daemonInit } from './daemon-init.ts';
import { daemonSync } from './daemon-sync.ts';

/** `daemon init` and `daemon sync` (contract 7): for containers beside the bot's. @returns the exit code */
export async function runDaemon(
  args: Exclude<AgentArguments, { command: 'execute' | 'version' }>,
  secrets: ReadonlyMap<string, string>,
): Promise<number> {
  try {
    await (args.command === 'daemon init' ? daemonInit(args, secrets) : daemonSync(args, secrets));
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    process.stderr.write(logLine('error', messageOf(error)));
    return 1;
  }
}
