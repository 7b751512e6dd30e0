import type { Pick } from '../setting.ts';
import { age, duration, integer } from '../setting-kinds.ts';

/** Runs of scheduled bots. */
export function scheduleSettings(pick: Pick) {
  return {
    runs: pick({
      group: 'bots',
      flag: 'scheduled-runs',
      env: 'THE0_SCHEDULED_RUNS',
      kind: integer('count', 1, 100_000),
      default: 64,
      help: 'runs of scheduled bots at the same time; who was due first goes first',
    }),
    longestRunMs: pick({
      group: 'bots',
      flag: 'longest-run',
      env: 'THE0_LONGEST_RUN',
      // The kernel wakes up in between.
      kind: age('0', '8760h'),
      default: 0,
      help: 'longest time that a run of a scheduled bot may last; 0 is no limit',
    }),
    jitterMs: pick({
      group: 'bots',
      flag: 'schedule-jitter',
      env: 'THE0_SCHEDULE_JITTER',
      kind: duration('0', '24h'),
      default: 0,
      help: 'runs begin up to this much after they are due, each bot always by the same part of it',
    }),
    misfireMs: pick({
      group: 'bots',
      flag: 'misfire-window',
      env: 'THE0_MISFIRE_WINDOW',
      kind: duration('1s', '24h'),
      default: 60_000,
      help: 'a run that was due and has not been started after this long is recorded as missed',
    }),
    foreignClaimMs: pick({
      group: 'advanced',
      flag: 'foreign-claim',
      env: 'THE0_FOREIGN_CLAIM',
      kind: duration('1s', '24h'),
      default: 900_000,
      help: 'how much later than an own one a run that another runtime claimed and did not start counts as missed',
    }),
    ledgerDeadlineMs: pick({
      group: 'advanced',
      flag: 'ledger-deadline',
      env: 'THE0_LEDGER_DEADLINE',
      kind: duration('100ms', '10m'),
      default: 15_000,
      help: 'longest wait for the record of runs',
    }),
    ledgerCalls: pick({
      group: 'advanced',
      flag: 'ledger-calls',
      env: 'THE0_LEDGER_CALLS',
      kind: integer('count', 1, 1_000),
      default: 64,
      help: 'calls to the record of runs at the same time',
    }),
    lookAgainMs: pick({
      group: 'advanced',
      flag: 'schedule-look-again',
      env: 'THE0_SCHEDULE_LOOK_AGAIN',
      kind: duration('1s', '24h'),
      default: 600_000,
      help: 'how often a scheduled bot that waits looks at the clock, which may have been set',
    }),
  };
}
