import type { ReasonFacts } from './reason-kind.ts';

/**
 * What an actor must know about its bot: the part of the desired state on which decisions rest.
 *
 * The full definition (config, code path) stays with the supervisor's roster; an actor names it by its revision. So a
 * hundred thousand actors do not hold a hundred thousand configs, and no config crosses a thread twice.
 */
export interface BotSpec {
  readonly id: string;
  readonly kind: BotKind;
  readonly enabled: boolean;
  /** For example `python3.11`, `nodejs20`; the known ones are in {@link KNOWN_RUNTIMES}. */
  readonly runtime: string;
  /** `entrypoints.bot`; empty when the desired state names none. */
  readonly entrypoint: string;
  /** `entrypoints.query`; null means the bot answers no queries. */
  readonly queryEntrypoint: string | null;
  /** Of a scheduled bot: its cron expression, as it was written; null when there is none. */
  readonly schedule: string | null;
  /** Hash of what the bot runs on. A change replaces the container. */
  readonly specRevision: string;
  /** Hash of what the runtime adds (image, limits, environment template). A change only marks the container as outdated. */
  readonly shapeRevision: string;
  /** Set when the desired state itself cannot be used; the actor then blocks and says so. */
  readonly problem: SpecProblem | null;
  /** Set while another runtime keeps the bot on another engine, so that nothing of it may run on this one: which, in a sentence. */
  readonly keptElsewhere?: string;
}

export type BotKind = 'realtime' | 'scheduled';

/** Why a definition cannot be used, found by whoever read it. `facts` never hold config values. */
export interface SpecProblem {
  readonly code: 'spec-unreadable' | 'spec-invalid' | 'spec-duplicate' | 'spec-newer-format' | 'code-unreadable';
  readonly facts: ReasonFacts;
}

/** Contract 5.1. `cpp-gcc13` is an alias of `gcc13`. */
export const KNOWN_RUNTIMES: readonly string[] = [
  'python3.11',
  'nodejs20',
  'rust-stable',
  'dotnet8',
  'gcc13',
  'cpp-gcc13',
  'scala3',
  'ghc96',
];
