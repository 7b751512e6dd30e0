import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The program of the host a runtime needs (contract 6.5). Compiled bots need none. */
const PROGRAM_OF_RUNTIME: Readonly<Record<string, string>> = {
  'python3.11': 'python3',
  nodejs20: 'node',
  dotnet8: 'dotnet',
  scala3: 'java',
};

/** Finds the interpreters of bots in a search path. */
export class Programs {
  readonly #searchPath: string;
  readonly #missingForMs: number;
  readonly #found = new Set<string>();
  readonly #missingUntil = new Map<string, number>();

  /** @param missingForMs how long a program that was not found is not looked for again */
  constructor(searchPath: string, missingForMs: number) {
    this.#searchPath = searchPath;
    this.#missingForMs = missingForMs;
  }

  /** @returns the name of the program this runtime needs and the host lacks, or null */
  async missingFor(runtime: string): Promise<string | null> {
    const program = PROGRAM_OF_RUNTIME[runtime];
    if (program === undefined || this.#found.has(program)) return null;
    if ((this.#missingUntil.get(program) ?? 0) > Date.now()) return program;
    for (const directory of this.#searchPath.split(delimiter)) {
      if (directory !== '' && (await isProgram(join(directory, program)))) {
        this.#found.add(program);
        return null;
      }
    }
    this.#missingUntil.set(program, Date.now() + this.#missingForMs);
    return program;
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there or not ours to run: either way it is not a program for us, and the next directory may have one.
    return false;
  }
}
