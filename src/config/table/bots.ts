import { DEFAULT_AGENT_LIMITS } from '../../agent/agent-limits.ts';
import type { Pick } from '../setting.ts';
import { choice, duration, factor, integer, natsServersWithoutTls, size } from '../setting-kinds.ts';

/** What one bot may use, on every engine. */
export function botSettings(pick: Pick) {
  const memory = integer('MiB', 6, 16_777_216);
  const shares = integer('shares', 2, 262_144);
  return {
    stopGraceMs: pick({
      group: 'bots',
      flag: 'stop-grace',
      env: 'THE0_STOP_GRACE',
      kind: duration('0', '1h'),
      default: DEFAULT_AGENT_LIMITS.stopGraceMs,
      help: 'time between SIGTERM and SIGKILL when a bot is stopped',
    }),
    agentGraceMs: pick({
      group: 'bots',
      flag: 'agent-grace',
      env: 'THE0_AGENT_GRACE',
      kind: duration('0', '10m'),
      default: 5000,
      help: 'what the agent beside a bot gets to end, after the bot; its last upload to the object store must fit in',
    }),
    /** MiB. */
    memoryLimitMiB: pick({
      group: 'bots',
      flag: 'bot-memory',
      env: 'BOT_MEMORY_LIMIT_MB',
      kind: memory,
      default: 512,
      help: 'memory of one bot (engine docker)',
      lenientEnv: memory.parse,
    }),
    cpuShares: pick({
      group: 'bots',
      flag: 'bot-cpu-shares',
      env: 'BOT_CPU_SHARES',
      kind: shares,
      default: 512,
      help: 'weight of one bot when processors are short (engine docker)',
      lenientEnv: shares.parse,
    }),
    /** 0: as many as there are. */
    cpus: pick({
      group: 'bots',
      flag: 'bot-cpus',
      env: 'THE0_BOT_CPUS',
      kind: factor(0, 1024),
      default: 0,
      help: 'processors one bot may keep busy at most, such as 0.5; 0: as many as there are (engine docker)',
    }),
    pidsLimit: pick({
      group: 'bots',
      flag: 'bot-pids',
      env: 'THE0_BOT_PIDS',
      kind: integer('count', 16, 4_194_304),
      default: 1024,
      help: 'processes and threads of one bot (engine docker)',
    }),
    /** Null: by `passNatsUrl`. */
    natsLogsUrl: pick({
      group: 'nats',
      flag: 'nats-logs-url',
      env: 'NATS_LOGS_URL',
      kind: natsServersWithoutTls,
      default: null,
      help: 'NATS servers as bots get them for their live logs, with an account that may do no more; in place of nats-url',
    }),
    passNatsUrl: pick({
      group: 'nats',
      flag: 'pass-nats-url',
      env: 'THE0_PASS_NATS_URL',
      // Contract 5.2.
      kind: choice('true', 'false'),
      default: 'true',
      help: 'whether bots get nats-url, without nats-logs-url; if not, there are no live logs',
    }),
    logBytesPerSecond: pick({
      group: 'bots',
      flag: 'bot-log-rate',
      env: 'THE0_BOT_LOG_RATE',
      kind: size('1KiB', '1GiB'),
      default: DEFAULT_AGENT_LIMITS.logBytesPerSecond,
      help: 'log of one bot per second; lines above it are dropped and counted',
    }),
    logFileBytes: pick({
      group: 'bots',
      flag: 'bot-log-size',
      env: 'THE0_BOT_LOG_SIZE',
      kind: size('64KiB', '64GiB'),
      default: DEFAULT_AGENT_LIMITS.logFileBytes,
      help: 'size at which bot.log becomes bot.log.1; a bot keeps at most two such files',
    }),
  };
}

/** What happens after a crash. */
export function restartSettings(pick: Pick) {
  return {
    firstRetryMs: pick({
      group: 'restarts',
      flag: 'restart-first',
      env: 'THE0_RESTART_FIRST',
      kind: duration('0', '1h'),
      default: 0,
      help: 'pause before the first restart after a crash',
    }),
    baseMs: pick({
      group: 'restarts',
      flag: 'restart-base',
      env: 'THE0_RESTART_BASE',
      kind: duration('1ms', '1h'),
      default: 1000,
      help: 'upper end of the pause before the second restart in a row; the pause is drawn at random below it',
    }),
    factor: pick({
      group: 'restarts',
      flag: 'restart-factor',
      env: 'THE0_RESTART_FACTOR',
      kind: factor(1, 100),
      default: 2,
      help: 'by how much that upper end grows with every further crash',
    }),
    capMs: pick({
      group: 'restarts',
      flag: 'restart-cap',
      env: 'THE0_RESTART_CAP',
      kind: duration('1ms', '24h'),
      default: 300_000,
      help: 'longest pause between restarts',
    }),
    healthyMs: pick({
      group: 'restarts',
      flag: 'restart-healthy',
      env: 'THE0_RESTART_HEALTHY',
      kind: duration('1ms', '24h'),
      default: 60_000,
      help: 'a bot that ran this long starts again from the first pause',
    }),
  };
}
