import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { probePort } from '../../src/query/port-probe.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const INSTALL_DEADLINE_MS = 600_000;
const ANSWER_DEADLINE_MS = 120_000;
const END_DEADLINE_MS = 60_000;
const OUTPUT_CHARACTERS = 200_000;
const run = promisify(execFile);

export interface Newcomer {
  readonly commit: string;
  readonly cloneMs: number;
  readonly installMs: number;
  /** From `npm start` until the printed curl line was answered. */
  readonly answerMs: number;
}

/** Does what the README says, in a clone of its own. @throws when a step fails, with what it printed */
export async function newcomer(): Promise<Newcomer> {
  const root = await mkdtemp(join(tmpdir(), 'the0-newcomer-'));
  const clone = join(root, 'clone');
  // Only the port differs from what a newcomer does: the usual one may be in use here.
  const env = { ...freshEnvironment(), QUERY_SERVER_PORT: String(await probePort('127.0.0.1', 0)) };
  try {
    const begun = performance.now();
    await run('git', ['clone', '--quiet', PROJECT, clone], { env });
    const cloned = performance.now();
    await run('npm', ['ci'], { cwd: clone, env, timeout: INSTALL_DEADLINE_MS });
    const installed = performance.now();
    await firstAnswer(clone, env);
    const answered = performance.now();
    const { stdout: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: clone, env });
    return {
      commit: commit.trim(),
      cloneMs: cloned - begun,
      installMs: installed - cloned,
      answerMs: answered - installed,
    };
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a benchmark run by npm inherits is not what a newcomer has: npm's own variables, and this project's Node first. */
function freshEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE|THE0_)/.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !part.includes('node_modules'));
  return { ...Object.fromEntries(own), PATH: path.join(delimiter) };
}

async function firstAnswer(clone: string, env: NodeJS.ProcessEnv): Promise<void> {
  // In a process group of its own, as a terminal gives it, so that Ctrl-C reaches npm and the runtime.
  const start = spawn('npm', ['start'], { cwd: clone, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [start.stdout, start.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-OUTPUT_CHARACTERS);
    });
  }
  try {
    const deadline = performance.now() + ANSWER_DEADLINE_MS;
    while (!(await isAnswered(output, env))) {
      if (start.exitCode !== null) throw new Error(`npm start ended with ${start.exitCode}:\n${output}`);
      if (performance.now() > deadline) throw new Error(`no answer in ${ANSWER_DEADLINE_MS / 1000} s:\n${output}`);
      await pause(20);
    }
  } finally {
    await interrupt(start);
  }
}

async function isAnswered(output: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const line = /^ +(curl .*)\n/m.exec(output)?.[1];
  if (line === undefined) return false;
  const { stdout } = await run('sh', ['-c', line], { env });
  if (!stdout.includes('"status":"ok"')) throw new Error(`the printed curl line was answered with: ${stdout}`);
  return true;
}

async function interrupt(start: ChildProcess): Promise<void> {
  if (start.pid === undefined || start.exitCode !== null || start.signalCode !== null) return;
  const ended = once(start, 'exit');
  process.kill(-start.pid, 'SIGINT');
  const late = setTimeout(() => process.kill(-(start.pid ?? 0), 'SIGKILL'), END_DEADLINE_MS);
  await ended;
  clearTimeout(late);
}
