import type { Pick } from '../setting.ts';
import { duration, integer, natsServers } from '../setting-kinds.ts';

/** What the agent takes when it is told nothing (src/agent/state/state-limits.ts); MiB. */
export const DEFAULT_STATE_MIB = 8_192;
export const DEFAULT_STATE_FILE_MIB = 10;

/** Bots whose code, state and log are in the object store. */
export function storedBotSettings(pick: Pick) {
  const mebibytes = integer('MiB', 1, 16_777_216);
  return {
    stateMiB: pick({
      group: 'bots',
      flag: 'bot-state-size',
      env: 'MAX_STATE_SIZE_MB',
      kind: mebibytes,
      default: DEFAULT_STATE_MIB,
      help: 'largest state of one bot that is kept in the object store; above it no change is stored',
      lenientEnv: mebibytes.parse,
    }),
    stateFileMiB: pick({
      group: 'bots',
      flag: 'bot-state-file-size',
      env: 'MAX_STATE_FILE_SIZE_MB',
      kind: mebibytes,
      default: DEFAULT_STATE_FILE_MIB,
      help: 'largest file of such a state; larger ones are not stored',
      lenientEnv: mebibytes.parse,
    }),
    probe: {
      timeoutMs: pick({
        group: 'advanced',
        flag: 'store-probe-timeout',
        env: 'THE0_STORE_PROBE_TIMEOUT',
        kind: duration('100ms', '10m'),
        default: 5_000,
        help: 'how long finding out what the store can do may take; the first try holds up the start',
      }),
      retryMs: pick({
        group: 'advanced',
        flag: 'store-probe-retry',
        env: 'THE0_STORE_PROBE_RETRY',
        kind: duration('10ms', '1h'),
        default: 1_000,
        help: 'pause before a store that could not be used is tried again; it doubles every time',
      }),
      retryCapMs: pick({
        group: 'advanced',
        flag: 'store-probe-retry-cap',
        env: 'THE0_STORE_PROBE_RETRY_CAP',
        kind: duration('10ms', '24h'),
        default: 30_000,
        help: 'longest pause between such tries',
      }),
    },
    logPollMs: pick({
      group: 'advanced',
      flag: 'store-log-poll',
      env: 'THE0_STORE_LOG_POLL',
      kind: duration('100ms', '10m'),
      default: 1_000,
      help: 'how often a log in the store is looked at while `logs --follow` shows it',
    }),
    nextDayMs: pick({
      group: 'advanced',
      flag: 'store-log-day-poll',
      env: 'THE0_STORE_LOG_DAY_POLL',
      kind: duration('100ms', '1h'),
      default: 15_000,
      help: 'how often it is then looked whether another day of the log has begun',
    }),
    logAttempts: pick({
      group: 'advanced',
      flag: 'store-log-attempts',
      env: 'THE0_STORE_LOG_ATTEMPTS',
      kind: integer('count', 1, 1_000),
      default: 8,
      help: 'how often a log is asked for of a store that is busy or away, before `logs` gives up',
    }),
    logRetryCapMs: pick({
      group: 'advanced',
      flag: 'store-log-retry-cap',
      env: 'THE0_STORE_LOG_RETRY_CAP',
      kind: duration('10ms', '10m'),
      default: 10_000,
      help: 'longest pause before such a log is asked for again',
    }),
    /** Null: no live logs (contract 3.4). */
    natsUrl: pick({
      group: 'nats',
      flag: 'nats-url',
      env: 'NATS_URL',
      kind: natsServers,
      default: null,
      help: "NATS servers on which each bot's log is published live, as bots reach them; none when empty",
    }),
  };
}
