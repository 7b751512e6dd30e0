import { AgentError } from './agent-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything the agent reads from its environment (contract 6.1, and the `THE0_` variables of src/engine/bot-environment.ts). */
export interface AgentSettings {
  readonly botId: string;
  readonly runtime: string;
  readonly entrypoint: string;
  readonly queryEntrypoint: string | null;
  readonly realtime: boolean;
  /** Only the literal `true` counts. */
  readonly scheduled: boolean;
  /** JSON, passed on verbatim; its strings are secrets. */
  readonly botConfig: string;
  /** Null: none asked (contract 6.1). */
  readonly queryPath: string | null;
  readonly queryResultKey: string | null;

  readonly codePath: string;
  readonly statePath: string;
  readonly logsPath: string;
  /** Copy the code from here first; null: `codePath` holds it already. */
  readonly codeSource: string | null;
  readonly wrappersPath: string;
  readonly sdkPath: string;
  readonly processNotes: string | null;
  /** A file for the last words, beside stderr, where the engine reads one faster. */
  readonly terminationLog: string | null;
  /** stdin is a pipe to the runtime; its end ends everything. */
  readonly lifeline: boolean;
  /** Repeat what bot and query server write on the agent's own stdout and stderr. */
  readonly tee: boolean;
  readonly limits: AgentLimits;
}

export interface AgentLimits {
  /** From SIGTERM to SIGKILL. */
  readonly stopGraceMs: number;
  /** The same when the runtime is gone. */
  readonly lifelineGraceMs: number;
  /** From SIGTERM to SIGKILL for the query server on a stop. */
  readonly queryStopGraceMs: number;
  /** The same when the bot has ended by itself: whoever restarts it waits for this. */
  readonly queryCrashGraceMs: number;
  /** How long output is awaited that left-over processes may hold back. */
  readonly drainMs: number;
  /** How long the last log lines and the last words may take to be written. */
  readonly flushMs: number;
  /** 0: no limit. Above it whole blocks of lines are dropped and counted. */
  readonly logBytesPerSecond: number;
  readonly logFileBytes: number;
  /** Lines not yet written because the disk or the reader is slow. */
  readonly logQueueBytes: number;
  readonly logLineBytes: number;
  /** After a failed write the log is left alone for so long. */
  readonly logRetryMs: number;
  readonly codeBytes: number;
  /** Files, links and directories. */
  readonly codeFiles: number;
  /** First, then doubling from `queryRestartMs` up to `queryRestartCapMs`; reset after `queryHealthyMs`. */
  readonly queryFirstRestartMs: number;
  readonly queryRestartMs: number;
  readonly queryRestartCapMs: number;
  readonly queryHealthyMs: number;
  /** `--query-server-only`: how long the code may take to appear. */
  readonly codeWaitMs: number;
}

const MiB = 1024 * 1024;

/** Used where nobody says otherwise; the engines pass the settings of the runtime. */
export const DEFAULT_AGENT_LIMITS: AgentLimits = {
  stopGraceMs: 25_000,
  lifelineGraceMs: 2_000,
  queryStopGraceMs: 1_000,
  queryCrashGraceMs: 30,
  drainMs: 100,
  flushMs: 500,
  logBytesPerSecond: 1 * MiB,
  logFileBytes: 16 * MiB,
  logQueueBytes: 1 * MiB,
  logLineBytes: 64 * 1024,
  logRetryMs: 1_000,
  codeBytes: 1024 * MiB,
  codeFiles: 100_000,
  queryFirstRestartMs: 50,
  queryRestartMs: 1_000,
  queryRestartCapMs: 30_000,
  queryHealthyMs: 60_000,
  codeWaitMs: 60_000,
};

/** @throws AgentError `environment-incomplete` for the first of BOT_ID, RUNTIME, ENTRYPOINT that is missing, or for a newer format */
export function readSettings(env: Environment): AgentSettings {
  const limits = DEFAULT_AGENT_LIMITS;
  refuseNewer(env);
  return {
    botId: required(env, 'BOT_ID'),
    runtime: required(env, 'RUNTIME'),
    entrypoint: required(env, 'ENTRYPOINT'),
    queryEntrypoint: env['QUERY_ENTRYPOINT'] || null,
    realtime: env['BOT_TYPE'] === 'realtime',
    scheduled: env['IS_SCHEDULED'] === 'true',
    botConfig: env['BOT_CONFIG'] ?? '',
    queryPath: env['QUERY_PATH'] || null,
    queryResultKey: env['QUERY_RESULT_KEY'] || null,
    codePath: env['CODE_PATH'] || '/bot',
    statePath: env['STATE_PATH'] || '/state',
    logsPath: env['LOGS_PATH'] || '/var/the0/logs',
    codeSource: env['THE0_CODE_SOURCE'] || null,
    wrappersPath: env['THE0_WRAPPERS_PATH'] || '/app/wrappers',
    sdkPath: env['THE0_SDK_PATH'] || '/app/sdk',
    processNotes: env['THE0_PROCESS_NOTES'] || null,
    terminationLog: env['THE0_TERMINATION_LOG'] || null,
    lifeline: env['THE0_LIFELINE'] === '1',
    tee: env['THE0_LOG_TEE'] !== '0',
    limits: {
      ...limits,
      stopGraceMs: numberOf(env, 'THE0_STOP_GRACE_MS', limits.stopGraceMs),
      logBytesPerSecond: numberOf(env, 'THE0_LOG_BYTES_PER_SECOND', limits.logBytesPerSecond),
      logFileBytes: numberOf(env, 'THE0_LOG_FILE_BYTES', limits.logFileBytes),
      codeBytes: numberOf(env, 'THE0_CODE_BYTES', limits.codeBytes),
      codeFiles: numberOf(env, 'THE0_CODE_FILES', limits.codeFiles),
    },
  };
}

/** The format of the environment; without a number it is the contract's own, as the Go runtime writes it. */
const KNOWN_PROTOCOL = 1;

function refuseNewer(env: Environment): void {
  const protocol = numberOf(env, 'THE0_PROTOCOL', KNOWN_PROTOCOL);
  if (protocol <= KNOWN_PROTOCOL) return;
  throw new AgentError(
    'environment-incomplete',
    `the runtime is newer than this image (protocol ${protocol}, the agent knows ${KNOWN_PROTOCOL}): build the image again`,
    { variable: 'THE0_PROTOCOL' },
  );
}

function required(env: Environment, variable: string): string {
  const value = env[variable];
  if (value) return value;
  throw new AgentError('environment-incomplete', `${variable} environment variable is required`, { variable });
}

/** A number that cannot be read must not keep a bot from running: the default holds. */
function numberOf(env: Environment, variable: string, fallback: number): number {
  const text = env[variable];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : fallback;
}
