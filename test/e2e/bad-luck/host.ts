import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import type { Engine } from './bad-luck.ts';

/** What not every machine has. */
export type Need = 'root' | 'python3';

/** What this machine has for the rows. */
export interface Host {
  readonly isRoot: boolean;
  /** The interpreter itself, not a launcher for one of several; null: there is none. */
  readonly python3: string | null;
}

export async function lookAtHost(): Promise<Host> {
  const ask = promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable)']);
  return {
    isRoot: process.getuid?.() === 0,
    python3: await ask.then(({ stdout }) => stdout.trim()).catch(() => null),
  };
}

/** @returns what is missing, in words; null when nothing is */
export function missing(needs: readonly Need[], host: Host, engine: Engine): string | null {
  if (needs.includes('root') && !host.isRoot) return 'only root can mount a disk or start as another user';
  // A container brings its own.
  if (needs.includes('python3') && host.python3 === null && engine === 'process') return 'there is no python3 here';
  return null;
}
