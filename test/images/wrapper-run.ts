import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const IMAGES = fileURLToPath(new URL('../../images/', import.meta.url));

export interface WrapperRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Content of result.json, or null when there is none. */
  readonly result: unknown;
}

export interface WrapperOptions {
  readonly files: Readonly<Record<string, string>>;
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sent when the bot has printed `ready`. */
  readonly signal?: NodeJS.Signals;
}

/** Runs a bot under a wrapper the way the agent does: environment of contract 6.4, output in pipes, a directory of its own. */
export async function runWrapped(
  t: TestContext,
  wrapper: 'python' | 'node',
  options: WrapperOptions,
): Promise<WrapperRun> {
  const code = mkdtempSync(join(tmpdir(), 'the0-wrapper-'));
  t.after(() => rmSync(code, { recursive: true }));
  for (const [name, text] of Object.entries(options.files)) writeFileSync(join(code, name), text);
  const [program, script] =
    wrapper === 'python' ? ['python3', 'wrappers/python_bot.py'] : [process.execPath, 'wrappers/node_bot.js'];
  const child = spawn(program, [join(IMAGES, script)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 90_000,
    killSignal: 'SIGKILL',
    env: {
      PATH: process.env['PATH'],
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONPATH: join(IMAGES, 'sdk/python'),
      BOT_ID: 'bot-1',
      BOT_CONFIG: '{"n":1}',
      CODE_MOUNT_DIR: code.slice(1),
      SCRIPT_PATH: options.script,
      ...options.env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const before = stdout;
    stdout += chunk.toString('utf8');
    if (options.signal !== undefined && !before.includes('ready\n') && stdout.includes('ready\n'))
      child.kill(options.signal);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const [exitCode, signal] = await once(child, 'close');
  const resultFile = join(code, 'result.json');
  const result: unknown = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : null;
  return { code: exitCode, signal, stdout, stderr, result };
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
