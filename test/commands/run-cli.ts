import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../src/commands/bin.cjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface CliOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Another Node than the one that runs the tests. */
  readonly node?: string;
}

/** The real program in a process of its own, its output in pipes. */
export function startCli(words: readonly string[], options: CliOptions = {}) {
  const child = spawn(options.node ?? process.execPath, [BIN, ...words], {
    cwd: options.cwd,
    // The options of this Node: with them its sources are stripped of types once for all tests.
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '',
      TZ: 'UTC',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const result = once(child, 'close').then((): CliResult => ({ code: child.exitCode, stdout, stderr }));
  return { child, stdout: () => stdout, stderr: () => stderr, result };
}

export function runCli(words: readonly string[], options?: CliOptions): Promise<CliResult> {
  return startCli(words, options).result;
}
