import { type AgentLimits, encodeAgentLimits } from '../agent/agent-limits.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { EngineError } from './container-engine.ts';
import { goJson } from './go-json.ts';

/** What an engine tells the agent beside the bot's definition. Optional ones are left out of the environment when absent. */
export interface AgentSettings {
  readonly incarnation: number;
  readonly limits: AgentLimits;
  /** `TZ` of the bot, for example `UTC` (design 9). */
  readonly timeZone: string;
  /** Directory that is copied into `CODE_PATH` at the start; absent when the code is there already. */
  readonly codeSource?: string;
  /** File in which the agent leaves its last words as well, where an engine offers one (design 6, "termination log"). */
  readonly terminationLog?: string;
  /** Absent: the image's own places (contract 6.1). */
  readonly paths?: { readonly code: string; readonly state: string; readonly logs: string };
  readonly query?: { readonly host: string; readonly port: number };
  /** Only this question is to be answered (contract 5.2); the definition's entry point is the query program then. */
  readonly question?: QuestionSettings;
  readonly teeLog?: boolean;
  readonly lifeline?: boolean;
  readonly processNotes?: string;
  readonly wrappersPath?: string;
  readonly sdkPath?: string;
  readonly objectStore?: ObjectStoreSettings;
  /** False: the store ignores conditions on writes, so nothing fences an old container off from a new one (design 8). */
  readonly storeFencing?: boolean;
  /** Where live logs are published (contract 3.4). */
  readonly natsUrl?: string;
  /** Credentials and `NATS_URL` come over this descriptor instead (`secretLines`). */
  readonly secretsFd?: number;
}

export interface QuestionSettings {
  readonly path: string;
  readonly params: string;
  /** Absent: the result stays where the program leaves it. */
  readonly resultKey?: string;
  /** Absent: the SDKs' own place (contract 8.6). */
  readonly resultFile?: string;
  /** The bot's state directory, of which the program gets a copy; absent: the state comes from the object store, if any. */
  readonly stateSource?: string;
}

/** Credentials for the agent, which keeps them from the bot. What is absent is as the agent has it by itself (contract 4.1, 4.2). */
export interface ObjectStoreSettings {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** With keys that expire. */
  readonly sessionToken?: string;
  readonly useSsl: boolean;
  readonly queryResultsBucket: string;
  readonly codeBucket?: string;
  readonly stateBucket?: string;
  readonly logsBucket?: string;
  /** Largest state that is stored, and largest file in it; MiB. */
  readonly stateMiB?: number;
  readonly stateFileMiB?: number;
}

/** What the agent takes over a pipe, so that it stands in no environment (src/agent/secrets-pipe.ts); empty when there is nothing. */
export function secretLines(store: ObjectStoreSettings | null, natsUrl: string | null): string {
  return [...access(store ?? undefined), ...given('NATS_URL', natsUrl ?? undefined)]
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Whether the agent fetches this bot's code from the object store; the code of others is brought to it. */
export function isStored({ filePath }: Pick<BotDefinition, 'filePath'>): boolean {
  return filePath !== '';
}

/** Where the SDKs keep a bot's keys, inside its state directory (contract 4.4). */
export const STATE_FOLDER = '.the0-state';

/** Raised when an older agent would misread what it is told; the agent refuses a newer one than it knows. */
const AGENT_PROTOCOL = 1;

/** The environment every engine gives a bot's agent: contract 5.2 in its order, then `TZ`, then our own `THE0_*`. */
export function botEnvironment(definition: BotDefinition, settings: AgentSettings): Readonly<Record<string, string>> {
  const config = goJson(definition.config);
  const secretsInPlace = settings.secretsFd === undefined;
  return Object.fromEntries([
    ['PYTHONDONTWRITEBYTECODE', '1'],
    ['ID', definition.id],
    ['CONFIG', config],
    ['ENTRYPOINT_TYPE', settings.question === undefined ? 'bot' : 'query'],
    ['CODE_MOUNT_DIR', 'bot'],
    ['STATE_DIR', `${settings.paths?.state ?? '/state'}/${STATE_FOLDER}`],
    ...(secretsInPlace ? access(settings.objectStore) : []),
    ...stateLimits(settings.objectStore),
    ['BOT_ID', definition.id],
    ['CODE_FILE', definition.filePath],
    ['RUNTIME', definition.runtime],
    ['ENTRYPOINT', definition.entrypoint],
    ['BOT_CONFIG', config],
    ['IS_SCHEDULED', String(definition.kind === 'scheduled')],
    ...given('QUERY_ENTRYPOINT', definition.queryEntrypoint || undefined),
    ['BOT_TYPE', definition.kind],
    ...given('QUERY_PATH', settings.question?.path),
    ...given('QUERY_PARAMS', settings.question?.params),
    ...given('QUERY_RESULT_KEY', settings.question?.resultKey),
    ...(secretsInPlace ? given('NATS_URL', settings.natsUrl) : []),
    ['TZ', settings.timeZone],
    ...given('CODE_PATH', settings.paths?.code),
    ...given('STATE_PATH', settings.paths?.state),
    ...given('LOGS_PATH', settings.paths?.logs),
    ['THE0_PROTOCOL', String(AGENT_PROTOCOL)],
    ['THE0_INCARNATION', String(settings.incarnation)],
    ...given('THE0_AGENT_LIMITS', encodeAgentLimits(settings.limits)),
    ...given('THE0_CODE_SOURCE', settings.codeSource),
    ...given('THE0_TERMINATION_LOG', settings.terminationLog),
    ...given('THE0_LOG_TEE', settings.teeLog === false ? '0' : undefined),
    ...given('THE0_LIFELINE', settings.lifeline ? '1' : undefined),
    ...given('THE0_PROCESS_NOTES', settings.processNotes),
    ...given('THE0_QUERY_RESULT', settings.question?.resultFile),
    ...given('THE0_STATE_SOURCE', settings.question?.stateSource),
    ...given('THE0_QUERY_HOST', settings.query?.host),
    ...given('THE0_QUERY_PORT', settings.query?.port.toString()),
    ...given('THE0_STORE_FENCING', settings.storeFencing === false ? '0' : undefined),
    ...given('THE0_SECRETS_FD', settings.secretsFd?.toString()),
    ...given('THE0_WRAPPERS_PATH', settings.wrappersPath),
    ...given('THE0_SDK_PATH', settings.sdkPath),
  ]);
}

/** Linux refuses to start a program with one variable above 128 KiB, name and end mark included (MAX_ARG_STRLEN). */
const LARGEST_VARIABLE_BYTES = 128 * 1024 - 1;

/**
 * Says at once, and by name, what the kernel would refuse with "argument list too long".
 * @throws EngineError `rejected`
 */
export function assertEnvironmentFits(botId: string, environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (bytes <= LARGEST_VARIABLE_BYTES) continue;
    const what = name === 'CONFIG' || name === 'BOT_CONFIG' ? "the bot's config" : name;
    const detail = `${what} takes ${bytes} bytes in the environment, at most ${LARGEST_VARIABLE_BYTES} are possible`;
    throw new EngineError(
      { code: 'rejected', facts: { detail } },
      `Bot ${botId} cannot be started: ${detail}. Make it smaller.`,
    );
  }
}

type Variable = readonly [name: string, value: string];

function given(name: string, value: string | undefined): readonly Variable[] {
  return value === undefined ? [] : [[name, value]];
}

function access(store: ObjectStoreSettings | undefined): readonly Variable[] {
  if (store === undefined) return [];
  return [
    ['MINIO_ENDPOINT', store.endpoint],
    ['MINIO_ACCESS_KEY', store.accessKey],
    ['MINIO_SECRET_KEY', store.secretKey],
    ...given('MINIO_SESSION_TOKEN', store.sessionToken),
    ['MINIO_USE_SSL', String(store.useSsl)],
    ['MINIO_QUERY_RESULTS_BUCKET', store.queryResultsBucket],
    ...given('MINIO_CODE_BUCKET', store.codeBucket),
    ...given('MINIO_STATE_BUCKET', store.stateBucket),
    ...given('MINIO_LOGS_BUCKET', store.logsBucket),
  ];
}

/** No secrets: these are for the environment, wherever the credentials go. */
function stateLimits(store: ObjectStoreSettings | undefined): readonly Variable[] {
  return [
    ...given('MAX_STATE_SIZE_MB', store?.stateMiB?.toString()),
    ...given('MAX_STATE_FILE_SIZE_MB', store?.stateFileMiB?.toString()),
  ];
}
