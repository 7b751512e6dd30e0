import { createBehavior } from '../../actors/behavior.ts';
import type { BotEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { BotActorSettings } from '../../actors/settings.ts';
import type { Settings } from '../config/settings.ts';
import { systemClock } from '../kernel/clock.ts';
import { createLocalShard } from '../kernel/local-shard.ts';
import { createThreadShard } from '../kernel/thread-shard.ts';
import type { MakeShard } from '../supervisor/shard-pool.ts';

const BEHAVIOR_MODULE = new URL('../../actors/behavior.ts', import.meta.url);

/** Shards on worker threads, or with `--shards 0` in this thread. */
export function shardMaker(settings: Settings, role: BotActorSettings['role']): MakeShard {
  const actorSettings = actorSettingsOf(settings, role);
  const limits = settings.kernel;
  return async (id, listener) =>
    settings.shards === 0
      ? createLocalShard({ id, behavior: createBehavior(actorSettings), listener, clock: systemClock, limits })
      : await createThreadShard<BotMessage, BotEffect>({
          id,
          behaviorModule: BEHAVIOR_MODULE,
          settings: actorSettings,
          listener,
          limits,
        });
}

function actorSettingsOf(settings: Settings, role: BotActorSettings['role']): BotActorSettings {
  const { restart, bot, changes, schedules, timeZone } = settings;
  return {
    restart,
    startDeadlineMs: changes.startDeadlineMs,
    stopDeadlineMs: bot.stopGraceMs + changes.stopDeadlineMs,
    orphanGraceMs: changes.orphanGraceMs,
    dependencyRetryMs: changes.dependencyRetryMs,
    historyLength: changes.historyLength,
    role,
    schedule: {
      timeZone,
      misfireMs: schedules.misfireMs,
      foreignClaimMs: schedules.foreignClaimMs,
      longestRunMs: schedules.longestRunMs,
      jitterMs: schedules.jitterMs,
      // The executor answers by then; the rest is for the way there and back.
      ledgerDeadlineMs: 2 * schedules.ledgerDeadlineMs,
      lookAgainMs: schedules.lookAgainMs,
    },
  };
}
