import { spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import type { LastWords } from '../../actors/observation.ts';
import { AgentError, messageOf } from './agent-error.ts';
import { readSettings } from './agent-settings.ts';
import { LineAssembler } from './line-assembler.ts';
import { openStore } from './open-store.ts';
import type { RunContext } from './run-context.ts';
import type { Restored } from './state/restore-state.ts';
import { RestoredReader, restoredLines } from './state/restored-lines.ts';
import { sessionFile } from './sync/sync-settings.ts';

/**
 * Fetching code and state is an *errand*: a process of its own, the same program, that ends when it is done. What it takes
 * (HTTP, cryptography, inflating; 2 to 40 MB that never come back) would otherwise be the agent's for as long as its bot runs.
 *
 *   agent ──► agent prepare code state     descriptor 3: credentials; stdin: ends it when the agent is gone
 *         ◄── lines of JSON: an error, or what is known of the restored state
 */
export const PREPARE = 'prepare';

export interface Errand {
  readonly code: boolean;
  /** `copy`: only to read in it, so that it does not matter whose the stored state is, and nobody may take it for the bot's own. */
  readonly state: 'own' | 'copy' | null;
}

const STATE_TASKS = { own: 'state', copy: 'state-copy' } as const;
const SECRETS_FD = 3;
/** A name has at most 4,096 bytes; the rest are numbers. */
const MOST_LINE_BYTES = 1024 * 1024;

/** What an errand may say that went wrong. */
const CODES = [
  'code-missing',
  'code-archive-bad',
  'code-too-large',
  'code-unavailable',
  'state-unreadable',
  'store-denied',
  'store-unreachable',
  'environment-incomplete',
] as const satisfies readonly LastWords['code'][];

/**
 * Has code and state fetched. A stop ends it early, without an error.
 * @returns what became of the state; null: it was not asked for, or there was a stop
 * @throws AgentError
 */
export async function sendErrand(
  { env, secrets, settings, stop }: RunContext,
  errand: Errand,
): Promise<Restored | null> {
  const [, program] = process.argv;
  if (program === undefined) throw new Error('the agent does not know its own program');
  const tasks = [...(errand.code ? ['code'] : []), ...(errand.state === null ? [] : [STATE_TASKS[errand.state]])];
  const child = spawn(process.execPath, [...process.execArgv.filter(isForErrands), program, PREPARE, ...tasks], {
    // Where nobody gave a number, both must have the same.
    env: { ...env, THE0_INCARNATION: String(settings.incarnation), THE0_SECRETS_FD: String(SECRETS_FD) },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  // What it leaves half-done the next one clears away.
  const forget = stop.onRequest(() => child.kill('SIGKILL'));
  try {
    const answer = new Answer();
    child.stdout?.on('data', (chunk: Buffer) => answer.push(chunk));
    const pipe = child.stdio[SECRETS_FD];
    if (!(pipe instanceof Writable)) throw new Error('there is no pipe for the credentials');
    // It may be gone before it read them, or stopped; its end says so.
    for (const stream of [pipe, child.stdin]) stream?.on('error', () => undefined);
    pipe.end([...secrets].map(([name, value]) => `${name}=${value}\n`).join(''));
    const end = await new Promise<string | null>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('close', (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)));
    });
    if (stop.requested) return null;
    if (end !== null) throw answer.error ?? unexpected(end);
    return errand.state === null ? null : answer.restored();
  } finally {
    forget();
  }
}

/**
 * Most flags keep a process small that runs for long, and any of them makes Node compile its own modules again, where it
 * would have them compiled: 15 ms of a start.
 */
function isForErrands(flag: string): boolean {
  return flag.startsWith('--max-old-space-size') || flag.startsWith('--v8-pool-size');
}

/** The errand itself. @returns the exit code */
export async function runErrand(tasks: readonly string[], secrets: ReadonlyMap<string, string>): Promise<number> {
  process.stdin.once('end', () => process.exit(1)).resume();
  try {
    const settings = readSettings(process.env);
    const store = await openStore(secrets, process.env, settings.limits);
    if (store === null) throw new Error('there is no object store');
    const { fetchCodeFile, fetchStoredState } = await import('./fetch-stored.ts');
    // Both at once: a bot waits for them.
    const state = tasks.includes(STATE_TASKS.own)
      ? fetchStoredState(store, { ...settings, sessionFile: sessionFile(settings) })
      : tasks.includes(STATE_TASKS.copy)
        ? fetchStoredState(store, { ...settings, incarnation: Number.MAX_SAFE_INTEGER, sessionFile: null })
        : null;
    state?.catch(() => undefined); // Said where it is awaited.
    if (tasks.includes('code')) await fetchCodeFile(store, settings);
    if (state !== null) for (const line of restoredLines(await state)) await write(line);
    return 0;
  } catch (error) {
    const { code, facts } =
      error instanceof AgentError ? error : { code: 'code-unavailable', facts: { detail: messageOf(error) } };
    await write(`${JSON.stringify({ error: { code, facts, message: messageOf(error) } })}\n`);
    return 1;
  }
}

function write(line: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(line, () => resolve()));
}

/** Both ends are the same program; all the same, what comes is looked at before it is believed. */
class Answer {
  readonly #lines = new LineAssembler(MOST_LINE_BYTES);
  readonly #reader = new RestoredReader();
  error: AgentError | null = null;
  #fault: unknown = null;

  push(chunk: Buffer): void {
    const block = this.#lines.push(chunk);
    if (block === null || this.#fault !== null) return;
    try {
      for (const line of block.toString('utf8').trimEnd().split('\n')) this.#take(line);
    } catch (fault) {
      this.#fault = fault;
    }
  }

  /** @throws AgentError `state-unreadable` */
  restored(): Restored {
    try {
      if (this.#fault !== null) throw this.#fault;
      return this.#reader.result();
    } catch (error) {
      const detail = messageOf(error);
      throw new AgentError('state-unreadable', `the stored state cannot be used: ${detail}`, { detail });
    }
  }

  #take(line: string): void {
    if (line.startsWith('{"error":')) this.error = errorIn(JSON.parse(line));
    else this.#reader.push(line);
  }
}

function errorIn(value: unknown): AgentError | null {
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : null;
  if (typeof error !== 'object' || error === null) return null;
  if (!('code' in error) || !('message' in error) || !('facts' in error)) return null;
  const code = CODES.find((known) => known === error.code);
  if (code === undefined || typeof error.message !== 'string') return null;
  return new AgentError(code, error.message, factsOf(error.facts));
}

function factsOf(value: unknown): LastWords['facts'] {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (fact): fact is [string, string | number] => typeof fact[1] === 'string' || typeof fact[1] === 'number',
    ),
  );
}

function unexpected(end: string): AgentError {
  const detail = `what fetches it ended unexpectedly (${end})`;
  return new AgentError('code-unavailable', `cannot fetch the code or the state of the bot: ${detail}`, { detail });
}
