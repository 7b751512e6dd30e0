/**
 * Words of this folder: a *driver* runs programs written with the SDK of one language. The *programs* (fixtures/<language>)
 * do the same things in each language, so one suite serves all of them; it talks to them by environment, files, standard
 * output and error, and HTTP only.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');
const FIXTURES = join(import.meta.dirname, 'fixtures');
/** Other interpreters than the usual ones, to try the SDKs on each version they promise. */
const PYTHON = process.env['TEST_PYTHON'] ?? 'python3';
const NODE = process.env['TEST_NODE'] ?? process.execPath;

export interface SdkDriver {
  readonly language: 'Python' | 'Node';
  /** Why its programs cannot run here; false when they can. As `skip` of node:test. */
  readonly skip: string | false;
  /** Command and arguments that run the program of this name. */
  command(program: string): readonly [string, ...string[]];
  /** What makes the SDK importable, given a directory of the test's own. */
  environment(scratch: string): Record<string, string>;
}

const python: SdkDriver = {
  language: 'Python',
  skip: spawnSync(PYTHON, ['-c', 'pass']).status === 0 ? false : 'there is no python3 on this machine',
  command: (program) => [PYTHON, '-B', existsSync(program) ? program : join(FIXTURES, 'python', `${program}.py`)],
  environment: () => ({ PYTHONPATH: join(ROOT, 'images/sdk/python') }),
};

const node: SdkDriver = {
  language: 'Node',
  skip: false,
  command: (program) => [NODE, existsSync(program) ? program : join(FIXTURES, 'node', `${program}.js`)],
  environment: (scratch) => {
    // The layout of the image: a node_modules folder beside the bot's code.
    const scope = join(scratch, 'node_modules/@alexanderwanyoike');
    if (!existsSync(scope)) {
      mkdirSync(scope, { recursive: true });
      symlinkSync(join(ROOT, 'images/sdk/nodejs'), join(scope, 'the0-node'));
    }
    return { NODE_PATH: join(scratch, 'node_modules') };
  },
};

export const SDK_DRIVERS: readonly SdkDriver[] = [python, node];

/** A directory that is gone after the test. */
export function scratchDirectory(t: TestContext): string {
  const scratch = mkdtempSync(join(tmpdir(), 'the0-sdk-'));
  t.after(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
  return scratch;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. It is killed after the test if it is still there. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  output(): { readonly stdout: string; readonly stderr: string };
}

export function startProgram(
  t: TestContext,
  driver: SdkDriver,
  program: string,
  options: { readonly scratch: string; readonly env?: Record<string, string>; readonly args?: readonly string[] },
): RunningProgram {
  const [command, ...args] = driver.command(program);
  const { PATH, HOME } = process.env;
  const spawnOptions: SpawnOptions = {
    cwd: options.scratch,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...(PATH !== undefined && { PATH }),
      ...(HOME !== undefined && { HOME }),
      STATE_DIR: stateDirectory(options.scratch),
      ...driver.environment(options.scratch),
      ...options.env,
    },
  };
  const child = spawn(command, [...args, ...(options.args ?? [])], spawnOptions);
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exit = once(child, 'close').then(
    (): Exit => ({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
  );
  return { child, exit, output: () => ({ stdout, stderr }) };
}

export function stateDirectory(scratch: string): string {
  return join(scratch, 'state', '.the0-state');
}

export type Call = readonly [name: string, ...args: unknown[]];
export type Outcome = { readonly value: unknown } | { readonly error: string; readonly message: string };

/** Makes calls to the SDK in one process and returns what each of them gave. */
export async function makeCalls(
  t: TestContext,
  driver: SdkDriver,
  calls: readonly Call[],
  options: { readonly scratch: string; readonly env?: Record<string, string> },
): Promise<Exit & { readonly outcomes: Outcome[] }> {
  const report = join(options.scratch, 'report.json');
  rmSync(report, { force: true });
  const program = startProgram(t, driver, 'calls', {
    scratch: options.scratch,
    args: [JSON.stringify(calls)],
    env: { REPORT: report, ...options.env },
  });
  const exit = await program.exit;
  return { ...exit, outcomes: existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : [] };
}

/** Polls until `done` is true. */
export async function until(done: () => boolean | Promise<boolean>, what: string, deadlineMs = 60_000): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs;
  while (!(await done())) {
    if (Date.now() > giveUpAt) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
