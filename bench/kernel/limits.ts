import type { KernelLimits } from '../../src/kernel/limits.ts';

export const LIMITS: KernelLimits = {
  mailboxSize: 256,
  messagesPerActorTurn: 32,
  turnBudgetMs: 5,
  unhandledEnvelopes: 32_768,
  restartBudget: { count: 3, withinMs: 60_000 },
};

export const ACTORS = 1_000;

/** As long as a bot's id usually is. */
export const IDS: readonly string[] = Array.from(
  { length: ACTORS },
  (_, i) => `5f0c2a9e-bot-${String(i).padStart(8, '0')}`,
);
