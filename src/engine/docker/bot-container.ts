import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { type AgentLimits, encodeAgentLimits } from '../../agent/agent-limits.ts';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import type { BotCredentials, BotKeys } from '../bot-credentials.ts';
import {
  assertEnvironmentFits,
  botEnvironment,
  isStored,
  type ObjectStoreSettings,
  type QuestionSettings,
} from '../bot-environment.ts';
import { BOT_USER, type BotDirectories } from './bot-directories.ts';
import { type ContainerKeys, LABEL_FORMAT, labelsFor } from './container-labels.ts';
import { containerName } from './container-name.ts';
import { TERMINATION_LOG } from './termination-log.ts';

/** What every bot's container gets beside its definition. */
export interface ContainerLimits {
  readonly memoryMiB: number;
  readonly cpuShares: number;
  /** Processors a bot may keep busy at most, in thousandths; null: as many as there are. */
  readonly milliCpus?: number | null;
  readonly pidsLimit: number;
  /** What its agent gets on top of the bot's grace, for its own last work: final sync, last words. */
  readonly agentGraceMs: number;
  readonly timeZone: string;
  /**
   * Of each of the two files in which Docker keeps what a container printed: a copy of the bot's log that is good for a look
   * only, and the last words of an agent without a file for them. Null: where and how much of it is the daemon's matter.
   */
  readonly dockerLogBytes: number | null;
  readonly agent: AgentLimits;
}

export interface ContainerTemplate {
  readonly image: string;
  readonly instance: string;
  /** Of which bots it keeps the containers. */
  readonly kinds: readonly BotKind[];
  readonly limits: ContainerLimits;
  /** Where the code, state and log of bots are that do not come from the object store. */
  readonly directories: BotDirectories | null;
  readonly objectStore: ObjectStoreSettings | null;
  /** Absent: containers get the keys in `objectStore`. */
  readonly credentials?: BotCredentials;
  /** Asked at every start, because it may become known late; absent: it does. */
  readonly storeHonoursConditions?: () => boolean;
  readonly natsUrl: string | null;
  /** A program on the host of Docker that runs in place of the image's own; null or absent: none. */
  readonly devRuntimePath?: string | null;
}

/** Where the bot's query server listens in its container (contract App. B). */
const QUERY_PORT = 9476;
export const CODE_SOURCE = '/the0/code';
export const LOGS_PATH = '/var/the0/logs';
/** Raised when the template below changes what a container is, so that older ones are shown as outdated. */
const TEMPLATE_VERSION = 1;

/** What `docker stop` waits before SIGKILL. */
export function containerGraceSeconds(limits: Pick<ContainerLimits, 'agent' | 'agentGraceMs'>): number {
  return Math.ceil((limits.agent.stopGraceMs + limits.agentGraceMs) / 1_000);
}

/**
 * See `BotSpec.shapeRevision`: everything below that does not come from the definition. Credentials count, in a digest of
 * which nothing can be read back: a bot that was refused by the store must get the new ones.
 */
export function shapeRevision(
  template: ContainerTemplate,
  network: string | null,
  definition: Pick<BotDefinition, 'filePath'>,
): string {
  const { image, limits, natsUrl, devRuntimePath } = template;
  const { agent, milliCpus, ...always } = limits;
  // Only what is set counts: a new limit with its default makes no bot outdated.
  const own = { ...always, ...(milliCpus ? { milliCpus } : {}) };
  const set = [Object.entries(own).sort(), encodeAgentLimits(agent) ?? null];
  const store = storeOf(template, definition);
  const shape = [
    ...[TEMPLATE_VERSION, LABEL_FORMAT, image, network, directoriesOf(template, definition) !== null, set],
    ...(store === null ? [] : [Object.entries(store).sort()]),
    ...(natsUrl === null ? [] : [natsUrl]),
    // Who holds the keys of the runtime is outdated where bots have their own.
    ...(store === null || template.credentials === undefined ? [] : ['own-keys']),
    ...(devRuntimePath ? [{ devRuntimePath }] : []),
  ];
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16);
}

/** Null: everything of this bot lives in memory, and its agent brings it to and from the object store. */
function directoriesOf({ directories }: ContainerTemplate, definition: Pick<BotDefinition, 'filePath'>) {
  return isStored(definition) ? null : directories;
}

/** Who has everything from directories needs no credentials. */
function storeOf({ objectStore, directories }: ContainerTemplate, definition: Pick<BotDefinition, 'filePath'>) {
  return isStored(definition) || directories === null ? objectStore : null;
}

/**
 * The template for one container, with keys that are made for it.
 * @throws EngineError as `BotCredentials.keysFor`
 */
export async function withKeysFor(
  template: ContainerTemplate,
  definition: BotDefinition,
  purpose: 'bot' | 'query',
): Promise<KeyedTemplate> {
  const { credentials } = template;
  const store = storeOf(template, definition);
  if (store === null || credentials === undefined) return { ...template, keys: null };
  const made = await credentials.keysFor(definition, purpose);
  if (made === null) return { ...template, keys: { shared: true, until: null } };
  const { accessKey, secretKey, sessionToken, until = null, usable } = made;
  const own: BotKeys = { accessKey, secretKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return {
    ...template,
    objectStore: { ...store, ...own },
    keys: { shared: false, until },
    ...(usable === undefined ? {} : { usable }),
  };
}

export interface KeyedTemplate extends ContainerTemplate {
  readonly keys: ContainerKeys | null;
  /** What is created from it is not started before this resolves; see `BotKeysToBe`. */
  readonly usable?: Promise<void>;
}

/**
 * A bot's container, as contract 5.2 has it. Beyond the contract: a name, `the0.*` labels, `TZ` and the agent's own
 * variables, a limit of processes and of Docker's own log; and for a bot that is not in the object store its directories
 * (design 9).
 *
 * @throws EngineError `rejected` when the config is too large for an environment variable
 */
export function containerOptions(
  template: ContainerTemplate & { readonly keys?: ContainerKeys | null },
  definition: BotDefinition,
  own: {
    readonly incarnation: number;
    readonly occurrence?: number;
    readonly shapeRevision: string;
    readonly networkMode: string;
    readonly question?: QuestionSettings;
  },
): Docker.ContainerCreateOptions {
  const { limits } = template;
  const directories = directoriesOf(template, definition);
  const objectStore = storeOf(template, definition);
  const environment = botEnvironment(definition, {
    incarnation: own.incarnation,
    limits: limits.agent,
    timeZone: limits.timeZone,
    ...(own.question === undefined ? {} : { question: own.question }),
    ...(directories === null ? {} : { codeSource: CODE_SOURCE, terminationLog: `${LOGS_PATH}/${TERMINATION_LOG}` }),
    ...(objectStore === null ? {} : { objectStore, storeFencing: template.storeHonoursConditions?.() ?? true }),
    ...(template.natsUrl === null ? {} : { natsUrl: template.natsUrl }),
  });
  assertEnvironmentFits(definition.id, environment);
  return {
    name: containerName(definition.id),
    Image: template.image,
    User: `${BOT_USER}:${BOT_USER}`,
    WorkingDir: '/tmp',
    StopSignal: 'SIGTERM',
    StopTimeout: containerGraceSeconds(limits),
    Labels: labelsFor(definition, {
      instance: template.instance,
      incarnation: own.incarnation,
      ...(own.occurrence === undefined ? {} : { occurrence: own.occurrence }),
      shapeRevision: own.shapeRevision,
      // A run has no query server (contract 6.2): such a bot is asked by a run of its own.
      queryPort: definition.queryEntrypoint && definition.kind === 'realtime' ? QUERY_PORT : null,
      keepsFilesInside: directories === null,
      keys: template.keys ?? null,
    }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      NetworkMode: own.networkMode,
      ExtraHosts: ['host.docker.internal:host-gateway'],
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Tmpfs: memoryFileSystems(directories !== null),
      ...(directories === null ? {} : { Mounts: mounts(directories, definition) }),
      ...(template.devRuntimePath ? { Binds: [`${template.devRuntimePath}:/app/runtime:ro`] } : {}),
      Memory: limits.memoryMiB * 1024 * 1024,
      CpuShares: limits.cpuShares,
      ...(limits.milliCpus ? { NanoCpus: limits.milliCpus * 1_000_000 } : {}),
      PidsLimit: limits.pidsLimit,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      ...(limits.dockerLogBytes === null ? {} : { LogConfig: twoFilesOf(limits.dockerLogBytes) }),
    },
  };
}

function twoFilesOf(bytes: number): Docker.HostConfig['LogConfig'] {
  return { Type: 'json-file', Config: { 'max-size': String(bytes), 'max-file': '2' } };
}

export function memoryFileSystems(stateIsMounted: boolean): Record<string, string> {
  const owned = `nosuid,nodev,uid=${BOT_USER},gid=${BOT_USER}`;
  return {
    '/bot': `rw,exec,${owned}`,
    ...(stateIsMounted ? {} : { '/state': `rw,${owned}` }),
    '/query': `rw,${owned}`,
    '/var/the0': `rw,${owned}`,
    '/tmp': `rw,${owned},mode=1777`,
  };
}

/** As mounts, not as the older `Binds`, which make an empty directory where the source is missing. */
function mounts(directories: BotDirectories, definition: BotDefinition): Docker.MountConfig {
  const mount = (Target: string, Source: string, ReadOnly: boolean) =>
    ({ Type: 'bind', Target, Source, ReadOnly }) as const;
  return [
    mount(CODE_SOURCE, directories.codeDirOf(definition.id, definition.specRevision), true),
    mount('/state', directories.stateDirOf(definition.id), false),
    mount(LOGS_PATH, directories.logsDirOf(definition.id), false),
  ];
}
