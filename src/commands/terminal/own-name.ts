import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** As texts name the command; right in the folder of the project only. */
const USUAL = 'npx the0-runtime';
const COMMANDS = dirname(dirname(fileURLToPath(import.meta.url)));

export interface Call {
  /** The script that Node was told to run. */
  readonly script: string;
  readonly workingDirectory: string;
  /** Where this project's commands are. */
  readonly commands: string;
}

/** How whoever has made this call can make another. */
export function ownName({ script, workingDirectory, commands }: Call): string {
  // In the image (images/runtime/launcher.sh).
  if (commands.startsWith('/app/services/')) return '/app/runtime';
  if (workingDirectory === dirname(dirname(commands))) return USUAL;
  return basename(script) === 'the0-runtime' ? 'the0-runtime' : join(commands, 'bin.cjs');
}

const CALLED = ownName({ script: process.argv[1] ?? '', workingDirectory: process.cwd(), commands: COMMANDS });

/** The text with the command named as it can be called from here. */
export function asCalledHere(text: string): string {
  return text.replaceAll(USUAL, CALLED);
}
