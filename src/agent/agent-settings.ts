import { AgentError } from './agent-error.ts';
import { type AgentLimits, decodeAgentLimits } from './agent-limits.ts';
import { DEFAULT_STATE_LIMITS } from './state/state-limits.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything the agent reads from its environment (contract 6.1, and the `THE0_` variables of src/engine/bot-environment.ts). */
export interface AgentSettings extends StoreSettings {
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
  /** Where the SDKs leave the answer to one question. */
  readonly queryResultFile: string;
  /** The bot's state directory, of which a query program gets a copy; null: its state comes from elsewhere. */
  readonly stateSource: string | null;

  readonly codePath: string;
  readonly statePath: string;
  readonly logsPath: string;
  /** Copy the code from here first; null: `codePath` holds it already. */
  readonly codeSource: string | null;
  /** Key of the code archive in the object store; null: the code comes from elsewhere. */
  readonly codeFile: string | null;
  readonly wrappersPath: string;
  readonly sdkPath: string;
  readonly processNotes: string | null;
  /** A file for the last words, beside stderr, where the engine reads one faster. */
  readonly terminationLog: string | null;
  /** stdin is a pipe to the runtime; its end ends everything. */
  readonly lifeline: boolean;
  /** Repeat what bot and query server write on the agent's own stdout and stderr. */
  readonly tee: boolean;
}

/** What keeping state and log in the store needs to know beside where they are. */
export interface StoreSettings {
  readonly limits: AgentLimits;
  /** The start this agent runs for: what fences it off from older and newer ones (design 8). */
  readonly incarnation: number;
  /** Of all files of the state, and of one (contract 4.2: `MAX_STATE_SIZE_MB`, `MAX_STATE_FILE_SIZE_MB`). */
  readonly stateBytes: number;
  readonly stateFileBytes: number;
  /** False: the store does not honour conditions on writes (`THE0_STORE_FENCING=0`, found by whoever started the agent). */
  readonly fencing: boolean;
  /** What could not be read and does not keep the bot from running; for the bot's log. */
  readonly warnings: readonly string[];
}

/** @throws AgentError `environment-incomplete` for the first of BOT_ID, RUNTIME, ENTRYPOINT that is missing, or for a newer format */
export function readSettings(env: Environment): AgentSettings {
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
    queryResultFile: env['THE0_QUERY_RESULT'] || '/query/result.json',
    stateSource: env['THE0_STATE_SOURCE'] || null,
    codePath: env['CODE_PATH'] || '/bot',
    statePath: env['STATE_PATH'] || '/state',
    logsPath: env['LOGS_PATH'] || '/var/the0/logs',
    codeSource: env['THE0_CODE_SOURCE'] || null,
    codeFile: env['CODE_FILE'] || null,
    wrappersPath: env['THE0_WRAPPERS_PATH'] || '/app/wrappers',
    sdkPath: env['THE0_SDK_PATH'] || '/app/sdk',
    processNotes: env['THE0_PROCESS_NOTES'] || null,
    terminationLog: env['THE0_TERMINATION_LOG'] || null,
    lifeline: env['THE0_LIFELINE'] === '1',
    tee: env['THE0_LOG_TEE'] !== '0',
    ...readStoreSettings(env),
  };
}

export function readStoreSettings(env: Environment): StoreSettings {
  return {
    // Who starts it by hand, or with the Go runtime, gives none: the clock only grows, too.
    incarnation: wholeNumber(env['THE0_INCARNATION']) ?? Date.now(),
    stateBytes: mebibytes(env['MAX_STATE_SIZE_MB'], DEFAULT_STATE_LIMITS.totalBytes),
    stateFileBytes: mebibytes(env['MAX_STATE_FILE_SIZE_MB'], DEFAULT_STATE_LIMITS.fileBytes),
    fencing: env['THE0_STORE_FENCING'] !== '0',
    ...decodeAgentLimits(env['THE0_AGENT_LIMITS']),
  };
}

/** The format of the environment; without a number it is the contract's own, as the Go runtime writes it. */
const KNOWN_PROTOCOL = 1;

function refuseNewer(env: Environment): void {
  const text = env['THE0_PROTOCOL'] ?? '';
  const protocol = /^\d{1,15}$/.test(text) ? Number(text) : KNOWN_PROTOCOL;
  if (protocol <= KNOWN_PROTOCOL) return;
  throw new AgentError(
    'environment-incomplete',
    `the runtime is newer than this image (protocol ${protocol}, the agent knows ${KNOWN_PROTOCOL}): build the image again`,
    { variable: 'THE0_PROTOCOL' },
  );
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** What is no positive integer gives the default (contract 4.2). */
function mebibytes(text: string | undefined, fallback: number): number {
  const number = wholeNumber(text);
  return number === null || number === 0 ? fallback : number * 1024 * 1024;
}

function required(env: Environment, variable: string): string {
  const value = env[variable];
  if (value) return value;
  throw new AgentError('environment-incomplete', `${variable} environment variable is required`, { variable });
}
