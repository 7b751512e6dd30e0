export type ReasonFacts = Readonly<Record<string, string | number | boolean>>;

export type Severity = 'info' | 'warning' | 'error';

/** Whose doing it was. */
export type Origin = 'bot' | 'platform' | 'dependency' | 'operator';

/** `auto`: tried again by itself. `blocked`: only a change of the bot or `reset` helps. `none`: nothing to try. */
export type Retry = 'auto' | 'blocked' | 'none';

/** What is the same for every reason of one code, so that it is not stored with each. */
export interface ReasonKind {
  readonly severity: Severity;
  readonly origin: Origin;
  readonly retry: Retry;
  /** What happened, in one sentence for the person who runs the bot. */
  readonly sentence: (facts: ReasonFacts) => string;
  /** What to do about it; empty when nothing needs doing. */
  readonly advice: (facts: ReasonFacts) => string;
}

/** For codes that need no advice. */
export const noAdvice = (): string => '';
