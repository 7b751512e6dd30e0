import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { type Readable, Writable } from 'node:stream';
import { errorCodeOf, messageOf } from './agent-error.ts';
import { ErrandAnswer } from './errand-answer.ts';
import type { RunContext } from './run-context.ts';
import type { Restored } from './state/restore-state.ts';

/**
 * Fetching code and state is an *errand*: a process of its own, the same program, that ends when it is done. What it takes
 * (HTTP, cryptography, inflating; 2 to 40 MB that never come back) would otherwise be the agent's for as long as its bot runs.
 *
 *   agent ──► agent prepare code state     descriptor 3: credentials; stdin: ends it when the agent is gone
 *         ◄── lines of JSON: what is known of the restored state, and then that all is done; or an error
 *
 * In a container the launcher has already sent it when the agent starts, so that the two start side by side:
 *
 *   launcher ──► agent prepare launched code state ──┐    THE0_ERRAND="<descriptor> <pid> code state"
 *            ──► tini ──► agent ◄── the same lines ──┘    it ends with the container: there is no stdin to watch
 */
export const PREPARE = 'prepare';
export const LAUNCHED = 'launched';

export interface Errand {
  readonly code: boolean;
  /** `copy`: only to read in it, so that it does not matter whose the stored state is, and nobody may take it for the bot's own. */
  readonly state: 'own' | 'copy';
}

export const STATE_TASKS = { own: 'state', copy: 'state-copy' } as const;
const SECRETS_FD = 3;

/** An errand on its way. */
interface SentErrand {
  readonly lines: Readable;
  /** Resolves when nothing more comes, with how it ended. */
  readonly ended: Promise<string>;
  kill(): void;
}

/**
 * Has code and state fetched. A stop ends it early, without an error.
 * @returns what became of the state; null: there was a stop
 * @throws AgentError
 */
export async function sendErrand(context: RunContext, errand: Errand): Promise<Restored | null> {
  const { stop } = context;
  const tasks = [...(errand.code ? ['code'] : []), STATE_TASKS[errand.state]];
  const sent = launchedErrand(context.env['THE0_ERRAND'], tasks) ?? send(context, tasks);
  // What it leaves half-done the next one clears away.
  const forget = stop.onRequest(() => sent.kill());
  try {
    const answer = new ErrandAnswer();
    // Its last line counts, not its end: that takes a while, and the bot waits.
    const done = new Promise<string>((resolve) => {
      sent.lines.on('data', (chunk: Buffer) => {
        if (answer.push(chunk)) resolve('');
      });
    });
    const end = await Promise.race([done, sent.ended]);
    if (stop.requested) return null;
    answer.check(end);
    return answer.restored();
  } finally {
    forget();
  }
}

/** @param description what the launcher (images/runtime/launcher.sh) has said; null: it has sent none for these tasks */
function launchedErrand(description: string | undefined, tasks: readonly string[]): SentErrand | null {
  const [, fd, pid, its] = /^(\d{1,9}) (\d{1,9}) (.+)$/.exec(description ?? '') ?? [];
  if (its !== tasks.join(' ')) return null;
  const lines = new Socket({ fd: Number(fd), readable: true, writable: false });
  const ended = new Promise<string>((resolve) => {
    lines.once('error', (error) => resolve(messageOf(error))).once('close', () => resolve('it broke off'));
  });
  return { lines, ended, kill: () => kill(Number(pid)) };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCodeOf(error) !== 'ESRCH') throw error;
  }
}

function send({ env, secrets, settings }: RunContext, tasks: readonly string[]): SentErrand {
  const [, program] = process.argv;
  if (program === undefined) throw new Error('the agent does not know its own program');
  const child = spawn(process.execPath, [...process.execArgv.filter(isForErrands), program, PREPARE, ...tasks], {
    // Where nobody gave a number, both must have the same.
    env: { ...env, THE0_INCARNATION: String(settings.incarnation), THE0_SECRETS_FD: String(SECRETS_FD) },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const pipe = child.stdio[SECRETS_FD];
  if (!(pipe instanceof Writable) || child.stdout === null) throw new Error('there is no pipe to the errand');
  // It may be gone before it read them, or stopped; its end says so.
  for (const stream of [pipe, child.stdin]) stream?.on('error', () => undefined);
  pipe.end([...secrets].map(([name, value]) => `${name}=${value}\n`).join(''));
  return { lines: child.stdout, ended, kill: () => child.kill('SIGKILL') };
}

/**
 * Most flags keep a process small that runs for long, and any of them makes Node compile its own modules again, where it
 * would have them compiled: 15 ms of a start.
 */
function isForErrands(flag: string): boolean {
  return flag.startsWith('--max-old-space-size') || flag.startsWith('--v8-pool-size');
}
