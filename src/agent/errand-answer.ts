import type { LastWords } from '../../actors/observation.ts';
import { AgentError, messageOf } from './agent-error.ts';
import { LineAssembler } from './line-assembler.ts';
import type { Restored } from './state/restore-state.ts';
import { RestoredReader } from './state/restored-lines.ts';

/** A name has at most 4,096 bytes; the rest are numbers. */
const MOST_LINE_BYTES = 1024 * 1024;

/** The last line of an errand that went well. Without it, or an error, it broke off. */
export const DONE_LINE = '{"done":true}\n';

/** The last line of one that did not. */
export function errorLine(error: unknown): string {
  const { code, facts } =
    error instanceof AgentError ? error : { code: 'code-unavailable', facts: { detail: messageOf(error) } };
  return `${JSON.stringify({ error: { code, facts, message: messageOf(error) } })}\n`;
}

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

/** Reads what an errand says. Both ends are the same program; all the same, what comes is looked at before it is believed. */
export class ErrandAnswer {
  readonly #lines = new LineAssembler(MOST_LINE_BYTES);
  readonly #reader = new RestoredReader();
  #error: AgentError | null = null;
  #isDone = false;
  #fault: unknown = null;

  /** @returns whether this was the last of it */
  push(chunk: Buffer): boolean {
    const block = this.#lines.push(chunk);
    if (block === null || this.#fault !== null) return false;
    try {
      for (const line of block.toString('utf8').trimEnd().split('\n')) this.#take(line);
    } catch (fault) {
      this.#fault = fault;
    }
    return this.#isDone || this.#error !== null;
  }

  /** @throws AgentError: that of the errand; when it broke off, with `end` */
  check(end: string): void {
    if (this.#error !== null) throw this.#error;
    if (!this.#isDone && this.#fault === null) throw unexpected(end);
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
    if (line.startsWith('{"error":')) this.#error = errorIn(JSON.parse(line));
    else if (line === DONE_LINE.trimEnd()) this.#isDone = true;
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
