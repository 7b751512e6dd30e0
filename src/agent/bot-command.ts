import { join } from 'node:path';
import type { AgentSettings } from './agent-settings.ts';

/** A program and its arguments, run with the code directory as working directory (contract 6.5). */
export interface BotCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The file of the bot that must exist, or null where `program` is looked up in PATH. */
  readonly file: string | null;
  /** The file is the program itself, so it must be executable. */
  readonly compiled: boolean;
}

type CommandSettings = Pick<AgentSettings, 'runtime' | 'codePath' | 'wrappersPath'>;

/** Interpreted bots run under a wrapper that calls their `main(bot_id, config)`. */
export function botCommand(settings: CommandSettings, entrypoint: string): BotCommand {
  const file = join(settings.codePath, entrypoint);
  switch (settings.runtime) {
    case 'python3.11':
      return interpreted('python3', join(settings.wrappersPath, 'python_bot.py'), file);
    case 'nodejs20':
      return interpreted('node', join(settings.wrappersPath, 'node_bot.js'), file);
    default:
      return queryCommand(settings, entrypoint);
  }
}

/** Query programs run as they are, in every language. */
export function queryCommand(settings: CommandSettings, entrypoint: string): BotCommand {
  const file = join(settings.codePath, entrypoint);
  switch (settings.runtime) {
    case 'python3.11':
      return interpreted('python3', entrypoint, file);
    case 'nodejs20':
      return interpreted('node', entrypoint, file);
    case 'dotnet8': {
      const args = entrypoint.endsWith('.dll') ? [entrypoint] : ['run', '--project', entrypoint];
      return { program: 'dotnet', args, file, compiled: false };
    }
    case 'scala3':
      return javaCommand(settings.codePath, entrypoint);
    case 'rust-stable':
    case 'gcc13':
    case 'cpp-gcc13':
    case 'ghc96':
      return { program: file, args: [], file, compiled: true };
    default:
      return { program: entrypoint, args: [], file: null, compiled: false };
  }
}

function interpreted(program: string, script: string, file: string): BotCommand {
  return { program, args: [script], file, compiled: false };
}

/** `some.jar`, or `some.jar:package.MainClass`; a colon before a backslash belongs to a path. */
function javaCommand(codePath: string, entrypoint: string): BotCommand {
  const colon = entrypoint.lastIndexOf(':');
  const hasClass = colon > 0 && entrypoint[colon + 1] !== '\\';
  const jar = hasClass ? entrypoint.slice(0, colon) : entrypoint;
  const args = hasClass ? ['-cp', jar, entrypoint.slice(colon + 1)] : ['-jar', jar];
  return { program: 'java', args, file: join(codePath, jar), compiled: false };
}
