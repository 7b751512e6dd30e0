import type { KernelLimits } from '../../src/kernel/limits.ts';

/** The defaults of the configuration, but larger mailboxes: the whole backlog is spread over only 1,000 actors here. */
export const LIMITS: KernelLimits = {
  mailboxSize: 128,
  messagesPerActorTurn: 16,
  turnBudgetMs: 8,
  dueTimersPerTurn: 1_024,
  unhandledEnvelopes: 65_536,
  restartBudget: { count: 3, withinMs: 60_000 },
  controlDeadlineMs: 10_000,
};

export const ACTORS = 1_000;

/** As long as a bot's id usually is. */
export const IDS: readonly string[] = Array.from(
  { length: ACTORS },
  (_, i) => `5f0c2a9e-bot-${String(i).padStart(8, '0')}`,
);
