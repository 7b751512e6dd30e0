import type { LastWords } from '../../actors/observation.ts';
import { errnoOf } from '../errno.ts';

/** Why the agent gives up before, or without, a running bot. Ends as the last words and as a line in bot.log. */
export class AgentError extends Error {
  /** One of the public codes of actors/observation.ts. */
  readonly code: LastWords['code'];
  readonly facts: LastWords['facts'];

  /** @param message for people: what happened, the likely cause, what to do. Never holds config values */
  constructor(code: LastWords['code'], message: string, facts: LastWords['facts'], options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AgentError';
    this.code = code;
    this.facts = facts;
  }
}

/** As `errnoOf`, for sentences. */
export function errorCodeOf(error: unknown): string {
  return errnoOf(error) ?? 'unknown error';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
