import type { Pick } from '../setting.ts';
import { duration, integer, size } from '../setting-kinds.ts';

/** The history of transitions. */
export function journalSettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    segmentBytes: pick({
      group: 'logs',
      flag: 'journal-segment-size',
      env: 'THE0_JOURNAL_SEGMENT_SIZE',
      kind: size('16KiB', '1GiB'),
      default: 4 * 1024 ** 2,
      help: 'size of one file of the history that `why` shows',
    }),
    segments: pick({
      group: 'logs',
      flag: 'journal-segments',
      env: 'THE0_JOURNAL_SEGMENTS',
      kind: integer('count', 2, 10_000),
      default: 8,
      help: 'files of history that are kept',
    }),
    pendingLines: pick({
      group: 'logs',
      flag: 'journal-pending',
      env: 'THE0_JOURNAL_PENDING',
      kind: count(10_000_000),
      default: 65_536,
      help: 'lines of history that may wait for a slow disk before the oldest are dropped',
    }),
    retryMs: pick({
      group: 'logs',
      flag: 'journal-retry',
      env: 'THE0_JOURNAL_RETRY',
      kind: duration('10ms', '1h'),
      default: 1000,
      help: 'pause after a failed write of the history',
    }),
  };
}

/** What commands may use. */
export function adminLimitSettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    connections: pick({
      group: 'admin',
      flag: 'admin-connections',
      env: 'THE0_ADMIN_CONNECTIONS',
      kind: count(10_000),
      default: 128,
      help: 'commands at the same time',
    }),
    requestBytes: pick({
      group: 'admin',
      flag: 'admin-request-size',
      env: 'THE0_ADMIN_REQUEST_SIZE',
      kind: size('1KiB', '1GiB'),
      default: 1024 ** 2,
      help: 'largest command',
    }),
    /** A command must have arrived by then. */
    requestMs: pick({
      group: 'advanced',
      flag: 'admin-request-deadline',
      env: 'THE0_ADMIN_REQUEST_DEADLINE',
      kind: duration('10ms', '10m'),
      default: 10_000,
      help: 'longest time in which a command must have arrived',
    }),
    closeGraceMs: pick({
      group: 'advanced',
      flag: 'admin-close-grace',
      env: 'THE0_ADMIN_CLOSE_GRACE',
      kind: duration('0', '10m'),
      default: 5000,
      help: 'what commands under way get to be answered when the runtime ends',
    }),
    whyMs: pick({
      group: 'advanced',
      flag: 'why-deadline',
      env: 'THE0_WHY_DEADLINE',
      kind: duration('10ms', '10m'),
      default: 5000,
      help: 'longest wait of `why` for the actor of a bot',
    }),
    whyEntries: pick({
      group: 'advanced',
      flag: 'why-entries',
      env: 'THE0_WHY_ENTRIES',
      kind: count(100_000),
      default: 200,
      help: 'transitions that `why` looks up in the history',
    }),
    logSearchBytes: pick({
      group: 'advanced',
      flag: 'log-search-size',
      env: 'THE0_LOG_SEARCH_SIZE',
      kind: size('64KiB', '64GiB'),
      default: 64 * 1024 ** 2,
      help: 'how much of a log is searched for the last lines that were asked for',
    }),
    logFollowers: pick({
      group: 'admin',
      flag: 'log-followers',
      env: 'THE0_LOG_FOLLOWERS',
      kind: count(10_000),
      default: 64,
      help: 'how many `logs --follow` there may be at the same time',
    }),
    logPollMs: pick({
      group: 'admin',
      flag: 'log-poll',
      env: 'THE0_LOG_POLL',
      kind: duration('10ms', '1m'),
      default: 200,
      help: 'how often a followed log is looked at',
    }),
  };
}
