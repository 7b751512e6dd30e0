import type { BotActorSettings } from '../../actors/settings.ts';

/** What actors are told where nothing else matters; times in milliseconds. */
export const ACTOR_SETTINGS: BotActorSettings = {
  restart: { firstRetryMs: 0, baseMs: 1_000, factor: 2, capMs: 300_000, healthyMs: 60_000 },
  startDeadlineMs: 60_000,
  stopDeadlineMs: 50_000,
  orphanGraceMs: 60_000,
  dependencyRetryMs: 5_000,
  historyLength: 4,
  role: 'owner',
  schedule: {
    timeZone: 'UTC',
    misfireMs: 60_000,
    foreignClaimMs: 600_000,
    longestRunMs: 0,
    jitterMs: 0,
    ledgerDeadlineMs: 10_000,
    lookAgainMs: 600_000,
  },
};
