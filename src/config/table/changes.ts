import { DEFAULT_AGENT_LIMITS } from '../../agent/agent-limits.ts';
import type { Pick } from '../setting.ts';
import { duration, integer, size } from '../setting-kinds.ts';

/** How bots are started, stopped and compared. */
export function changeSettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    startConcurrency: pick({
      group: 'changes',
      flag: 'start-concurrency',
      env: 'THE0_START_CONCURRENCY',
      kind: count(1024),
      default: 4,
      help: 'bots started at the same time',
    }),
    liveStartConcurrency: pick({
      group: 'changes',
      flag: 'live-start-concurrency',
      env: 'THE0_LIVE_START_CONCURRENCY',
      kind: count(1024),
      default: 4,
      help: 'restarts and edits that may start besides those',
    }),
    /** After this without news the actor asks for an inspect. */
    startDeadlineMs: pick({
      group: 'changes',
      flag: 'start-deadline',
      env: 'THE0_START_DEADLINE',
      kind: duration('100ms', '1h'),
      default: 60_000,
      help: 'a start not seen after this long is looked into',
    }),
    /** Counts from the end of the stop grace. */
    stopDeadlineMs: pick({
      group: 'changes',
      flag: 'stop-deadline',
      env: 'THE0_STOP_DEADLINE',
      kind: duration('100ms', '1h'),
      default: 15_000,
      help: 'a stop not seen this long after the grace is looked into',
    }),
    orphanGraceMs: pick({
      group: 'changes',
      flag: 'orphan-grace',
      env: 'THE0_ORPHAN_GRACE',
      kind: duration('0', '24h'),
      default: 60_000,
      help: 'how long a container that nobody wants is left alone after a start',
    }),
    dependencyRetryMs: pick({
      group: 'changes',
      flag: 'dependency-retry',
      env: 'THE0_DEPENDENCY_RETRY',
      kind: duration('10ms', '1h'),
      default: 5000,
      help: 'how often a bot that waits for the engine or its image is tried again',
    }),
    historyLength: pick({
      group: 'kernel',
      flag: 'actor-history',
      env: 'THE0_ACTOR_HISTORY',
      kind: count(100),
      default: 4,
      help: 'newest reasons that an actor itself keeps; the journal has the rest',
    }),
    resyncMs: pick({
      group: 'changes',
      flag: 'resync',
      env: 'THE0_RESYNC',
      kind: duration('1s', '24h'),
      default: 300_000,
      help: 'how often everything is compared in full, as a safety net',
    }),
  };
}

/** How the folder of bots is read. */
export function directorySettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    settleMs: pick({
      group: 'changes',
      flag: 'settle',
      env: 'THE0_SETTLE',
      kind: duration('0', '1m'),
      default: 200,
      help: 'a bot folder must be quiet this long before its change counts',
    }),
    settleAtMostMs: pick({
      group: 'changes',
      flag: 'settle-at-most',
      env: 'THE0_SETTLE_AT_MOST',
      kind: duration('0', '10m'),
      default: 2000,
      help: 'a folder that is never quiet is looked at after this long',
    }),
    rootCheckMs: pick({
      group: 'changes',
      flag: 'bots-check',
      env: 'THE0_BOTS_CHECK',
      kind: duration('10ms', '1h'),
      default: 2000,
      help: 'how often it is checked that the folder of bots is still there',
    }),
    retryMs: pick({
      group: 'changes',
      flag: 'bots-retry',
      env: 'THE0_BOTS_RETRY',
      kind: duration('10ms', '1h'),
      default: 5000,
      help: 'when a folder that could not be copied is tried again',
    }),
    unsettledLooks: pick({
      group: 'advanced',
      flag: 'unsettled-looks',
      env: 'THE0_UNSETTLED_LOOKS',
      kind: count(100_000),
      default: 25,
      help: 'how often a bot folder that changes while it is read is looked at again before that is its problem',
    }),
    readsAtOnce: pick({
      group: 'changes',
      flag: 'bots-reads',
      env: 'THE0_BOTS_READS',
      kind: count(1024),
      default: 8,
      help: 'bot folders read at the same time',
    }),
    spareRevisions: pick({
      group: 'changes',
      flag: 'spare-revisions',
      env: 'THE0_SPARE_REVISIONS',
      kind: integer('count', 0, 1000),
      default: 2,
      help: 'older copies of code that are kept',
    }),
    botJsonBytes: pick({
      group: 'bots',
      flag: 'bot-json-size',
      env: 'THE0_BOT_JSON_SIZE',
      kind: size('1KiB', '64MiB'),
      default: 1024 ** 2,
      help: 'largest bot.json',
    }),
    codeLimits: {
      files: pick({
        group: 'bots',
        flag: 'code-files',
        env: 'THE0_CODE_FILES',
        kind: count(10_000_000),
        default: DEFAULT_AGENT_LIMITS.codeFiles,
        help: 'files and folders in one bot folder',
      }),
      bytes: pick({
        group: 'bots',
        flag: 'code-size',
        env: 'THE0_CODE_SIZE',
        kind: size('1KiB', '64GiB'),
        default: DEFAULT_AGENT_LIMITS.codeBytes,
        help: 'size of one bot folder',
      }),
    },
  };
}
