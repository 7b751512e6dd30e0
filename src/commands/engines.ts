import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { BotKind } from '../../actors/bot-spec.ts';
import type { AgentLimits } from '../agent/agent-limits.ts';
import type { Settings } from '../config/settings.ts';
import { storeAccess } from '../config/table/object-store.ts';
import { DEFAULT_STATE_FILE_MIB, DEFAULT_STATE_MIB } from '../config/table/stored-bots.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { BotCredentials } from '../engine/bot-credentials.ts';
import type { ObjectStoreSettings } from '../engine/bot-environment.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import type { TraceStep } from '../engine/docker/docker-engine.ts';
import { type DataDirectory, dataPaths } from '../storage/data-directory.ts';
import { DEFAULT_BUCKETS } from '../storage/object-store.ts';
import { linkSdks, sdkFolder } from './sdk-links.ts';

const IMAGES = fileURLToPath(new URL('../../images', import.meta.url));

export interface EngineReporter {
  warn(sentence: string): void;
  /** For benchmarks: what the Docker engine does when. */
  readonly trace?: (step: TraceStep) => void;
}

/** What an engine asks of other parts. */
export interface EngineSurroundings {
  /** See `ContainerOwner`. */
  readonly instance: string;
  readonly kinds: readonly BotKind[];
  /** False: containers are only looked at. */
  readonly governs: boolean;
  /** Whether the object store does, as far as is known by now. */
  readonly storeHonoursConditions: () => boolean;
  /** Null: containers get the keys of the runtime. */
  readonly credentials: BotCredentials | null;
  /** What is desired of a bot now, or null. */
  readonly definitionOf: (botId: string) => BotDefinition | null;
}

/**
 * The engine the settings name, on this data directory. Engines that are not used are not loaded.
 */
export async function createEngine(
  settings: Settings,
  data: DataDirectory,
  report: EngineReporter,
  { instance, kinds, governs, storeHonoursConditions, credentials, definitionOf }: EngineSurroundings,
): Promise<ContainerEngine> {
  const paths = dataPaths(data.root);
  const directories = {
    codeDirOf: paths.code,
    stateDirOf: paths.state,
    logsDirOf: paths.logs,
    queryRuns: paths.queryRuns,
  };
  const { bot, changes, docker } = settings;
  if (settings.engine === 'docker') {
    const { createDockerEngine } = await import('../engine/docker/docker-engine.ts');
    return createDockerEngine({
      image: docker.image,
      pull: docker.pull,
      network: docker.network,
      devRuntimePath: docker.devRuntimePath,
      instance,
      kinds,
      governs,
      directories,
      objectStore: objectStoreOf(settings, 'container'),
      storeHonoursConditions,
      ...(credentials === null ? {} : { credentials }),
      ...(docker.takesOver === 'go' ? { takesOver: { definitionOf } } : {}),
      natsUrl: natsUrlOfBots(settings),
      limits: {
        memoryMiB: bot.memoryLimitMiB,
        cpuShares: bot.cpuShares,
        milliCpus: bot.cpus === 0 ? null : Math.round(bot.cpus * 1_000),
        pidsLimit: bot.pidsLimit,
        agentGraceMs: bot.agentGraceMs,
        timeZone: settings.timeZone,
        dockerLogBytes: docker.logDriver === 'default' ? null : docker.logBytes,
        agent: agentLimitsOf(settings),
      },
      deadlines: docker.deadlines,
      sockets: docker.sockets,
      reconnect: docker.reconnect,
      lastWordsMs: docker.lastWordsMs,
      imageCheckMs: docker.imageCheckMs,
      resyncMs: changes.resyncMs,
      now: () => Date.now(),
      ...(report.trace === undefined ? {} : { trace: report.trace }),
    });
  }
  const { createProcessEngine } = await import('../engine/process/process-engine.ts');
  const { bundleAgent } = await import('../../images/bundle-agent.ts');
  const { PATH, HOME, LANG } = process.env;
  const refillCache = async () => {
    linkSdks(join(IMAGES, 'sdk'), paths.cache);
    return await bundleAgent(join(paths.cache, 'agent.js'));
  };
  return createProcessEngine({
    agentFile: await refillCache(),
    refillCache,
    nodeBinary: process.execPath,
    nodeArguments: ['--max-semi-space-size=1', `--max-old-space-size=${settings.process.agentHeapMiB}`],
    wrappersPath: join(IMAGES, 'wrappers'),
    sdkPath: sdkFolder(paths.cache),
    ...directories,
    runDirectory: paths.run,
    hostEnvironment: { ...(PATH && { PATH }), ...(HOME && { HOME }), ...(LANG && { LANG }) },
    timeZone: settings.timeZone,
    agentLimits: agentLimitsOf(settings),
    agentGraceMs: bot.agentGraceMs,
    leftoverGraceMs: settings.process.leftoverGraceMs,
    killWaitMs: settings.process.killWaitMs,
    missingProgramMs: settings.process.missingProgramMs,
    queryPortRange: settings.process.ports,
    objectStore: objectStoreOf(settings, 'host'),
    storeHonoursConditions,
    natsUrl: natsUrlOfBots(settings),
    warn: (error) => report.warn(error.message),
  });
}

/** Where bots publish their live logs. Their agents do without TLS: what it needs costs a megabyte in each of them. */
export function natsUrlOfBots(settings: Settings): string | null {
  const { bot, stored } = settings;
  if (bot.natsLogsUrl !== null) return bot.natsLogsUrl;
  return bot.passNatsUrl === 'true' && !asksForTls(stored.natsUrl) ? stored.natsUrl : null;
}

/** Why there are no live logs although there is a NATS for them, in sentences. */
export function liveLogTroubles({ bot, stored }: Settings): string[] {
  if (bot.natsLogsUrl !== null || bot.passNatsUrl !== 'true' || !asksForTls(stored.natsUrl)) return [];
  return [
    'There are no live logs of bots: NATS_URL asks for TLS, which their agents do not speak. Name an address without it in ' +
      'NATS_LOGS_URL, or set THE0_PASS_NATS_URL=false if none are wanted.',
  ];
}

function asksForTls(servers: string | null): boolean {
  return servers?.split(',').some((server) => server.trim().startsWith('tls://')) ?? false;
}

/**
 * Names the engine, where it matters whether two processes have the same.
 * @throws EngineError `unreachable`
 */
export async function engineIdOf({ engine, docker }: Settings, data: DataDirectory): Promise<string> {
  if (engine === 'process') return data.instance;
  const { dockerEngineId } = await import('../engine/docker/engine-id.ts');
  return await dockerEngineId(docker.deadlines, docker.sockets);
}

/** What the agents are told of the object store. */
function objectStoreOf({ objectStore, stored }: Settings, from: 'host' | 'container'): ObjectStoreSettings | null {
  const access = storeAccess(objectStore);
  if (access === null || 'missing' in access) return null;
  const { endpoint, containerEndpoint, accessKey, secretKey, ssl, buckets } = access;
  const { stateMiB, stateFileMiB } = stored;
  return {
    endpoint: from === 'host' ? endpoint : containerEndpoint,
    accessKey,
    secretKey,
    useSsl: ssl,
    queryResultsBucket: buckets.queryResults,
    // Only where it differs: other agents have the contract's environment.
    ...(buckets.code === DEFAULT_BUCKETS.code ? {} : { codeBucket: buckets.code }),
    ...(buckets.state === DEFAULT_BUCKETS.state ? {} : { stateBucket: buckets.state }),
    ...(buckets.logs === DEFAULT_BUCKETS.logs ? {} : { logsBucket: buckets.logs }),
    ...(stateMiB === DEFAULT_STATE_MIB ? {} : { stateMiB }),
    ...(stateFileMiB === DEFAULT_STATE_FILE_MIB ? {} : { stateFileMiB }),
  };
}

/** What the agent is told; some of its limits are settings under names of their own, because they are the runtime's too. */
export function agentLimitsOf({ agent, bot, directory }: Settings): AgentLimits {
  const { stopGraceMs, logBytesPerSecond, logFileBytes } = bot;
  const { files: codeFiles, bytes: codeBytes } = directory.codeLimits;
  return { ...agent, stopGraceMs, logBytesPerSecond, logFileBytes, codeFiles, codeBytes };
}

/** No call of the engine takes longer, if each of its own waits takes as long as it may. */
export function longestEngineCallMs({ engine, bot, docker, process: child }: Settings): number {
  const { callMs, startMs, listMs, pullMs } = docker.deadlines;
  const longestMs =
    engine === 'docker'
      ? pullMs + docker.keys.deadlineMs + startMs + 2 * listMs + 8 * callMs + bot.stopGraceMs + bot.agentGraceMs
      : child.missingProgramMs +
        2 * (bot.stopGraceMs + bot.agentGraceMs + child.leftoverGraceMs + 3 * child.killWaitMs);
  return longestMs + FILES_MS;
}

/** For what an engine does with files, such as copying a bot's code. */
const FILES_MS = 60_000;
