import { spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import type { LastWords } from '../../actors/observation.ts';
import { AgentError, messageOf } from './agent-error.ts';
import { readSettings } from './agent-settings.ts';
import { openStore } from './open-store.ts';
import type { RunContext } from './run-context.ts';
import { StopSignal } from './stop-signal.ts';

/**
 * Fetching code is an *errand*: a process of its own, the same program, that ends when it is done. What it takes (HTTP,
 * cryptography, inflating; 2 to 20 MB that never come back) would otherwise be the agent's for as long as its bot runs.
 *
 *   agent ──► agent fetch-code     descriptor 3: credentials; stdin: ends it when the agent is gone
 *         ◄── one line of JSON when it fails, else nothing
 */
export const FETCH_CODE = 'fetch-code';

const MOST_ANSWER_BYTES = 64 * 1024;
const SECRETS_FD = 3;

/** What an errand may say that went wrong. */
const CODES = [
  'code-missing',
  'code-archive-bad',
  'code-too-large',
  'code-unavailable',
  'store-denied',
  'store-unreachable',
  'environment-incomplete',
] as const satisfies readonly LastWords['code'][];

/** Has the code fetched. A stop ends it early, without an error. @throws AgentError */
export async function sendForCode({ env, secrets, stop }: RunContext): Promise<void> {
  const [, program] = process.argv;
  if (program === undefined) throw new Error('the agent does not know its own program');
  const child = spawn(process.execPath, [...process.execArgv, program, FETCH_CODE], {
    env: { ...env, THE0_SECRETS_FD: String(SECRETS_FD) },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  // What it leaves half-done the next one clears away.
  stop.onRequest(() => child.kill('SIGKILL'));
  try {
    const answer: Buffer[] = [];
    let bytes = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_ANSWER_BYTES) answer.push(chunk);
    });
    const pipe = child.stdio[SECRETS_FD];
    if (!(pipe instanceof Writable)) throw new Error('there is no pipe for the credentials');
    // It may be gone before it read them, or stopped; its end says so.
    for (const stream of [pipe, child.stdin]) stream?.on('error', () => undefined);
    pipe.end([...secrets].map(([name, value]) => `${name}=${value}\n`).join(''));
    const end = await new Promise<string | null>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('close', (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)));
    });
    if (end !== null && !stop.requested) throw errorIn(Buffer.concat(answer).toString('utf8'), end);
  } finally {
    stop.onRequest(() => undefined);
  }
}

/** The errand itself. @returns the exit code */
export async function runErrand(secrets: ReadonlyMap<string, string>): Promise<number> {
  process.stdin.once('end', () => process.exit(1)).resume();
  try {
    const { codeFile, codePath, limits } = readSettings(process.env);
    const store = await openStore(secrets, process.env);
    if (codeFile === null || store === null) throw new Error('there is no code to fetch');
    const { fetchStoredCode } = await import('./stored-code.ts');
    await fetchStoredCode(store, { key: codeFile, codePath, limits, stop: new StopSignal() });
    return 0;
  } catch (error) {
    const { code, facts } =
      error instanceof AgentError ? error : { code: 'code-unavailable', facts: { detail: messageOf(error) } };
    const line = JSON.stringify({ code, facts, message: messageOf(error) });
    await new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()));
    return 1;
  }
}

/** Both ends are the same program; all the same, what comes is looked at before it is believed. */
function errorIn(answer: string, end: string): AgentError {
  try {
    const value: unknown = JSON.parse(answer);
    if (typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'facts' in value) {
      const code = CODES.find((known) => known === value.code);
      if (code !== undefined && typeof value.message === 'string')
        return new AgentError(code, value.message, factsOf(value.facts));
    }
  } catch {
    // It ended without an answer, which is what is said below.
  }
  const detail = `what fetches it ended unexpectedly (${end})`;
  return new AgentError('code-unavailable', `cannot fetch the code of the bot: ${detail}`, { detail });
}

function factsOf(value: unknown): LastWords['facts'] {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (fact): fact is [string, string | number] => typeof fact[1] === 'string' || typeof fact[1] === 'number',
    ),
  );
}
