/**
 * Why a bot is in its state, and why it did what it did. The *code* is for scripts, the *sentence* for people, made from the
 * *facts* when somebody reads it. The catalogue is in four parts: {@link LIFE_REASONS}, {@link FAILURE_REASONS},
 * {@link BLOCK_REASONS} and {@link RUN_REASONS}.
 */
import type { Incarnation } from './observation.ts';
import type { Origin, ReasonFacts, ReasonKind, Retry, Severity } from './reason-kind.ts';
import { BLOCK_REASONS } from './reason-of-block.ts';
import { FAILURE_REASONS } from './reason-of-failure.ts';
import { LIFE_REASONS } from './reason-of-life.ts';
import { RUN_REASONS } from './reason-of-run.ts';

export type { ReasonFacts, ReasonKind } from './reason-kind.ts';

/** Each transition has one; the newest few stay in the actor, all go to the journal. */
export interface Reason {
  readonly code: ReasonCode;
  /** What the sentence is made from. Never holds config values. */
  readonly facts: ReasonFacts;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly incarnation: Incarnation;
  readonly specRevision: string;
}

/** Codes are public: scripts match on them. Only added to, never renamed. */
export type ReasonCode = keyof typeof REASONS;

export const REASONS = {
  ...LIFE_REASONS,
  ...FAILURE_REASONS,
  ...BLOCK_REASONS,
  ...RUN_REASONS,
} as const satisfies Record<string, ReasonKind>;

/** For codes that were stored, perhaps by another version. */
export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code);
}

/** A reason in words, as `why` and `--json` show it. Plain data. */
export interface ReasonDescription {
  readonly code: ReasonCode;
  readonly severity: Severity;
  readonly origin: Origin;
  readonly retry: Retry;
  readonly text: string;
  /** Empty when nothing needs doing. */
  readonly advice: string;
  readonly facts: ReasonFacts;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly incarnation: Incarnation;
  readonly specRevision: string;
}

/** What an agent could not bring to the store before it ended. */
function notStored({ notStored: what }: ReasonFacts): string {
  return typeof what === 'string' ? ` What was last of its ${what} could not be stored and may be lost.` : '';
}

export function describeReason(reason: Reason): ReasonDescription {
  const { code, facts, at, incarnation, specRevision } = reason;
  const { severity, origin, retry, sentence, advice }: ReasonKind = REASONS[code];
  return {
    code,
    severity,
    origin,
    retry,
    text: `${sentence(facts)}${notStored(facts)}`,
    advice: advice(facts),
    facts,
    at,
    incarnation,
    specRevision,
  };
}
