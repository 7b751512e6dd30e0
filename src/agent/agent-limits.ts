import { DEFAULT_S3_LIMITS } from '../storage/s3-api/s3-limits.ts';

/** One limit of the agent. Its name ends in its unit: `Ms`, `Bytes`, `BytesPerSecond`; anything else is a count. */
interface AgentLimit {
  /** Used where nobody says otherwise. */
  readonly default: number;
  /** How the person who runs the runtime may set it; absent: by a setting of another name (src/config/table/bots.ts, changes.ts). */
  readonly setting?: {
    /** Smallest and largest value, written as one writes the setting: `10ms`, `1KiB`, `5`. */
    readonly from: string;
    readonly to: string;
    /** One line, no full stop. */
    readonly help: string;
  };
}

const MiB = 1024 * 1024;

/**
 * Every limit of the agent. A row here is all that a new one needs: the runtime makes a setting of it
 * (`queryRestartCapMs`: `--agent-query-restart-cap`, `THE0_AGENT_QUERY_RESTART_CAP`), and it reaches the agent in
 * `THE0_AGENT_LIMITS` when somebody has changed it.
 */
const LIMITS = {
  // From SIGTERM to SIGKILL.
  stopGraceMs: { default: 25_000 },
  // 0: no limit. Above it whole blocks of lines are dropped and counted.
  logBytesPerSecond: { default: 1 * MiB },
  logFileBytes: { default: 16 * MiB },
  // Files, links and directories.
  codeFiles: { default: 50_000 },
  codeBytes: { default: 512 * MiB },

  codeFileBytes: {
    default: 256 * MiB,
    setting: { from: '1KiB', to: '64GiB', help: 'largest single file in a code archive, unpacked' },
  },
  codeRatio: {
    default: 200,
    setting: { from: '2', to: '1000000', help: 'how many times its own size a code archive may unpack to' },
  },
  storeAttempts: {
    default: 5,
    setting: { from: '1', to: '100', help: 'how often an agent reads from an object store that does not answer' },
  },
  storeRetryMs: {
    default: 500,
    setting: {
      from: '1ms',
      to: '10m',
      help: 'longest pause before it reads a second time; it doubles with every further time',
    },
  },
  storeRetryCapMs: {
    default: 10_000,
    setting: { from: '1ms', to: '1h', help: 'longest pause between such reads' },
  },

  lifelineGraceMs: {
    default: 2_000,
    setting: {
      from: '0',
      to: '10m',
      help: 'time between SIGTERM and SIGKILL when the runtime is gone (engine process)',
    },
  },
  drainMs: {
    default: 100,
    setting: {
      from: '0',
      to: '1m',
      help: 'how long output is awaited that left-over processes of a bot may hold back',
    },
  },
  flushMs: {
    default: 500,
    setting: {
      from: '10ms',
      to: '1m',
      help: 'how long the last log lines and the cause of the end may take to be written',
    },
  },
  logQueueBytes: {
    default: 1 * MiB,
    setting: {
      from: '64KiB',
      to: '1GiB',
      help: 'log lines of a bot held in memory because the disk or the reader is slow',
    },
  },
  logLineBytes: {
    default: 64 * 1024,
    setting: { from: '1KiB', to: '16MiB', help: 'longest line of a log; longer ones are split' },
  },
  logRetryMs: {
    default: 1_000,
    setting: { from: '10ms', to: '1h', help: 'how long a log is left alone after a failed write' },
  },
  queryStopGraceMs: {
    default: 1_000,
    setting: {
      from: '0',
      to: '10m',
      help: 'time between SIGTERM and SIGKILL for the query server of a bot that is stopped',
    },
  },
  // Whoever restarts the bot waits for this.
  queryCrashGraceMs: {
    default: 30,
    setting: { from: '0', to: '10m', help: 'the same when the bot has ended by itself; its restart waits for this' },
  },
  queryFirstRestartMs: {
    default: 50,
    setting: { from: '0', to: '1h', help: 'pause before the first restart of a query server that crashed' },
  },
  queryRestartMs: {
    default: 1_000,
    setting: {
      from: '1ms',
      to: '1h',
      help: 'pause before its second restart in a row; it doubles with every further crash',
    },
  },
  queryRestartCapMs: {
    default: 30_000,
    setting: { from: '1ms', to: '24h', help: 'longest pause between restarts of a query server' },
  },
  queryHealthyMs: {
    default: 60_000,
    setting: { from: '1ms', to: '24h', help: 'a query server that ran this long starts again from the first pause' },
  },
  codeWaitMs: {
    default: 60_000,
    setting: { from: '0', to: '1h', help: 'how long `execute --query-server-only` waits for the code to appear' },
  },
  codePollMs: {
    default: 200,
    setting: { from: '10ms', to: '1m', help: 'how often it looks whether the code is there' },
  },
  // Contract 7.1.
  donePollMs: {
    default: 500,
    setting: { from: '10ms', to: '1m', help: 'how often `daemon sync` looks whether the bot is done' },
  },
  statePollMs: {
    default: 200,
    setting: { from: '10ms', to: '1m', help: 'how often it looks whether the state of the bot has been brought' },
  },
  logTailPollMs: {
    default: 250,
    setting: { from: '10ms', to: '1m', help: 'how often it looks for new lines of the log, for who looks on' },
  },

  // From the end of a burst of changes.
  stateSettleMs: {
    default: 200,
    setting: { from: '1ms', to: '1m', help: 'how long the state of a bot must be left alone before it is stored' },
  },
  stateSettleCapMs: {
    default: 1_000,
    setting: { from: '1ms', to: '10m', help: 'how long changes of the state wait at most for that' },
  },
  // Bytes uploaded and bytes copied inside the store count alike; 0: no limit.
  stateBytesPerSecond: {
    default: 2 * MiB,
    setting: {
      from: '0',
      to: '1GiB',
      help: 'bytes that storing the state of a bot may move on the average, uploaded or copied in the store; 0: no limit',
    },
  },
  stateFlushCapMs: {
    default: 60_000,
    setting: { from: '1s', to: '24h', help: 'longest wait for that budget: a change is stored that late at most' },
  },
  stateCreditMs: {
    default: 60_000,
    setting: { from: '0', to: '24h', help: 'how much of that budget may be used ahead of time, in time' },
  },
  stateSweepMs: {
    default: 60_000,
    setting: {
      from: '100ms',
      to: '24h',
      help: 'how often the state directory is searched for changes when it cannot be watched, and mapped files always',
    },
  },
  // The kernel's queue of events may overflow, and Node does not say so.
  stateFullSweepMs: {
    default: 600_000,
    setting: { from: '1s', to: '24h', help: 'the same while it is watched, in case that an event was lost' },
  },
  stateWatches: {
    default: 1_024,
    setting: {
      from: '0',
      to: '1000000',
      help: 'directories of a state that are watched; with more it is searched instead',
    },
  },
  stateEntries: {
    default: 500_000,
    setting: { from: '1', to: '10000000', help: 'files, links and directories that a state may have' },
  },
  statePatienceMs: {
    default: 1_000,
    setting: { from: '0', to: '1m', help: 'how long storing waits for files that are being written' },
  },
  // Parsing takes many times as much memory.
  stateJsonBytes: {
    default: 1 * MiB,
    setting: {
      from: '1KiB',
      to: '1GiB',
      help: 'largest file of a state that is parsed to see whether it is JSON; of larger ones only the brackets are counted',
    },
  },
  stateSpoolMemoryBytes: {
    default: 256 * 1024,
    setting: { from: '16KiB', to: '1GiB', help: 'packed changes held in memory; more of them wait in a file' },
  },
  stateSpoolBytes: {
    default: 64 * MiB,
    setting: { from: '1MiB', to: '64GiB', help: 'packed changes that wait in a file before some are uploaded' },
  },
  stateRequestMs: {
    default: 180_000,
    setting: { from: '1s', to: '24h', help: 'longest time that storing the state once may take' },
  },
  stateFailurePauseMs: {
    default: 1_000,
    setting: {
      from: '10ms',
      to: '1h',
      help: 'pause after storing the state has failed; it doubles with every further time',
    },
  },
  stateFailurePauseCapMs: {
    default: 60_000,
    setting: { from: '10ms', to: '24h', help: 'longest pause after such failures' },
  },

  // Contract 7.1. The engine's own patience may end sooner.
  lastStateMs: {
    default: 180_000,
    setting: { from: '1s', to: '24h', help: 'how long the last state of a bot that has ended may take to be stored' },
  },
  lastLogsMs: {
    default: 120_000,
    setting: { from: '1s', to: '24h', help: 'how long the end of its log may take to be stored' },
  },
  failedStartLogsMs: {
    default: 5_000,
    setting: { from: '10ms', to: '24h', help: 'the same for a bot that could not be started: it is tried again soon' },
  },

  liveLogGatherMs: {
    default: 100,
    setting: { from: '1ms', to: '1m', help: 'how long lines are gathered before they are published (NATS)' },
  },
  liveLogBytes: {
    default: 256 * 1024,
    setting: { from: '1KiB', to: '1MiB', help: 'largest message of lines that is published' },
  },
  natsReconnectMs: {
    default: 1_000,
    setting: { from: '10ms', to: '1h', help: 'pause before an agent connects to NATS again; it doubles every time' },
  },
  natsReconnectCapMs: {
    default: 30_000,
    setting: { from: '10ms', to: '24h', help: 'longest pause before it connects again' },
  },
  // The server pings every two minutes by itself.
  natsSilenceMs: {
    default: 150_000,
    setting: { from: '100ms', to: '24h', help: 'a connection to NATS on which nothing comes for so long is broken' },
  },
  natsUnsentBytes: {
    default: 1 * MiB,
    setting: { from: '64KiB', to: '64MiB', help: 'lines held for a NATS server that is slow; more are not published' },
  },

  // Bytes uploaded and bytes copied inside the store count alike; 0: no limit.
  logStoreBytesPerSecond: {
    default: 2 * MiB,
    setting: {
      from: '0',
      to: '1GiB',
      help: 'bytes that storing the log of a bot may move on the average, uploaded or copied in the store; 0: no limit',
    },
  },
  logFlushMs: {
    default: 5_000,
    setting: { from: '100ms', to: '10m', help: 'shortest time between two appends to the stored log of a bot' },
  },
  logFlushCapMs: {
    default: 600_000,
    setting: { from: '1s', to: '24h', help: 'longest time between two appends, whatever they cost' },
  },
  logAppendBytes: {
    default: 8 * MiB,
    setting: { from: '64KiB', to: '1GiB', help: 'largest part of the local log that is stored in one append' },
  },
  logRequestMs: {
    default: 120_000,
    setting: { from: '1s', to: '1h', help: 'longest time one append may take' },
  },
  logFailurePauseMs: {
    default: 1_000,
    setting: { from: '10ms', to: '1h', help: 'pause after an append that failed; it doubles with every further one' },
  },
  logFailurePauseCapMs: {
    default: 60_000,
    setting: { from: '10ms', to: '24h', help: 'longest pause after appends that failed' },
  },

  memoryCheckMs: {
    default: 20_000,
    setting: {
      from: '1s',
      to: '24h',
      help: 'how often an agent looks whether it holds memory that it no longer needs',
    },
  },
  memoryGrowthBytes: {
    default: 512 * 1024,
    setting: { from: '64KiB', to: '1GiB', help: 'how much it must have grown until it gives unused memory back' },
  },

  storeConnections: {
    default: DEFAULT_S3_LIMITS.connections,
    setting: { from: '1', to: '64', help: 'connections of an agent to the object store at the same time' },
  },
  storeConnectMs: {
    default: DEFAULT_S3_LIMITS.connectMs,
    setting: { from: '10ms', to: '10m', help: 'how long such a connection may take to stand' },
  },
  storeSilenceMs: {
    default: DEFAULT_S3_LIMITS.silenceMs,
    setting: { from: '10ms', to: '1h', help: 'longest silence of the store in the middle of a call of an agent' },
  },
  storeCallMs: {
    default: DEFAULT_S3_LIMITS.callMs,
    setting: { from: '10ms', to: '24h', help: 'all waiting of one such call; more for what is large' },
  },
  storeSlowestBytesPerSecond: {
    default: DEFAULT_S3_LIMITS.slowestBytesPerSecond,
    setting: { from: '1KiB', to: '1GiB', help: 'a transfer of an agent that is slower than this fails' },
  },
  storeKeptMs: {
    default: DEFAULT_S3_LIMITS.keptMs,
    setting: { from: '1ms', to: '10m', help: 'how long a connection of an agent is kept for its next call' },
  },
  storeAbortMs: {
    default: DEFAULT_S3_LIMITS.abortMs,
    setting: {
      from: '10ms',
      to: '1h',
      help: 'how long it may take to clean up after an upload of an agent that failed',
    },
  },
} as const satisfies Record<string, AgentLimit>;

export type AgentLimitName = keyof typeof LIMITS;
export type AgentLimits = Readonly<Record<AgentLimitName, number>>;

export const AGENT_LIMITS: Readonly<Record<AgentLimitName, AgentLimit>> = LIMITS;
export const AGENT_LIMIT_NAMES: readonly AgentLimitName[] = Object.keys(LIMITS).filter(isAgentLimitName);
export const DEFAULT_AGENT_LIMITS: AgentLimits = agentLimits((name) => AGENT_LIMITS[name].default);

/** One value for each limit. */
export function agentLimits(read: (name: AgentLimitName) => number): AgentLimits {
  const limits: Record<string, number> = {};
  for (const name of AGENT_LIMIT_NAMES) limits[name] = read(name);
  assertComplete(limits);
  return limits;
}

const FORMAT = 1;

/** `{"v":1,"drainMs":50}` for `THE0_AGENT_LIMITS`: only what is not the default. Undefined when all of it is. */
export function encodeAgentLimits(limits: AgentLimits): string | undefined {
  const changed = AGENT_LIMIT_NAMES.filter((name) => limits[name] !== DEFAULT_AGENT_LIMITS[name]);
  if (changed.length === 0) return undefined;
  return JSON.stringify({ v: FORMAT, ...Object.fromEntries(changed.map((name) => [name, limits[name]])) });
}

export interface DecodedAgentLimits {
  readonly limits: AgentLimits;
  /** Sentences about what could not be read; there the default holds, for it must not keep a bot from running. */
  readonly warnings: readonly string[];
}

export function decodeAgentLimits(text: string | undefined): DecodedAgentLimits {
  if (!text) return { limits: DEFAULT_AGENT_LIMITS, warnings: [] };
  const given = parseObject(text);
  if (given === null || given['v'] !== FORMAT) {
    const found = given === null ? 'it is no JSON object' : `its format is not ${FORMAT}`;
    return {
      limits: DEFAULT_AGENT_LIMITS,
      warnings: [`THE0_AGENT_LIMITS cannot be read (${found}): all defaults hold`],
    };
  }
  const warnings = Object.keys(given)
    .filter((name) => name !== 'v' && !isAgentLimitName(name))
    .map(
      (name) => `THE0_AGENT_LIMITS names a limit that this agent does not know: ${JSON.stringify(name.slice(0, 40))}`,
    );
  const limits = agentLimits((name) => {
    const value = given[name];
    const fallback = AGENT_LIMITS[name].default;
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    warnings.push(`THE0_AGENT_LIMITS: ${name} is not a whole number; ${fallback} holds`);
    return fallback;
  });
  return { limits, warnings };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null; // The caller says so.
  }
}

function isAgentLimitName(name: string): name is AgentLimitName {
  return Object.hasOwn(LIMITS, name);
}

function assertComplete(limits: Readonly<Record<string, number>>): asserts limits is AgentLimits {
  const missing = AGENT_LIMIT_NAMES.filter((name) => limits[name] === undefined);
  if (missing.length > 0) throw new Error(`no value for ${missing.join(', ')}`);
}
