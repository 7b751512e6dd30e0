import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What this machine has for the rows. */
export interface Host {
  /** The interpreter itself, not a launcher for one of several; null: there is none. */
  readonly python3: string | null;
}

export async function lookAtHost(): Promise<Host> {
  const ask = promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable)']);
  return { python3: await ask.then(({ stdout }) => stdout.trim()).catch(() => null) };
}
