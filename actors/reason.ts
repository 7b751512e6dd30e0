import type { Incarnation } from './observation.ts';

/** Why a bot is in its state. Each transition has one; the newest few stay in the actor, all go to the journal. */
export interface Reason {
  readonly code: ReasonCode;
  /** What the sentence is made from. Never holds config values. */
  readonly facts: ReasonFacts;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly incarnation: Incarnation;
  readonly specRevision: string;
}

export type ReasonFacts = Readonly<Record<string, string | number | boolean>>;

/** What is the same for every reason of one code, so that it is not stored with each. */
export interface ReasonKind {
  readonly severity: 'info' | 'warning' | 'error';
  readonly origin: 'bot' | 'platform' | 'dependency' | 'operator';
  /** `auto`: tried again by itself. `blocked`: only a change of the bot or `reset` helps. `none`: nothing to try. */
  readonly retry: 'auto' | 'blocked' | 'none';
  /** What happened, in one sentence for the person who runs the bot. */
  readonly sentence: (facts: ReasonFacts) => string;
  /** What to do about it; empty when nothing needs doing. */
  readonly advice: (facts: ReasonFacts) => string;
}

/** Codes are public: scripts match on them. Only added to, never renamed. */
export type ReasonCode = keyof typeof REASONS;

export const REASONS = {} as const satisfies Record<string, ReasonKind>;
