import { KNOWN_RUNTIMES } from '../../actors/bot-spec.ts';
import type { BotStatus } from '../../actors/effect.ts';
import { describeReason } from '../../actors/reason.ts';
import { AdminRefusal } from '../admin/admin-errors.ts';
import { type LogOptions, type LogTail, openLogTail } from '../admin/log-tail.ts';
import type { BotExplanation, ReadSide } from '../admin/read-side.ts';
import { hostAndPort } from '../admin/report.ts';
import type { Settings } from '../config/settings.ts';
import type { DesiredState } from '../desired/desired-state.ts';
import type { RefusedChange } from '../desired/event-feed.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import { containerName } from '../engine/docker/container-name.ts';
import type { AskWhy, QueryFrontEnd } from '../query/query-front-end.ts';
import { StoreError } from '../storage/object-store.ts';
import type { Journal } from '../supervisor/journal.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { within } from '../within.ts';
import type { RuntimeStore } from './object-store.ts';
import { VERSION } from './version-number.ts';

export interface ReadSideParts {
  readonly supervisor: Pick<Supervisor, 'knows' | 'list' | 'ask' | 'command' | 'definitionOf' | 'ignored'>;
  readonly journal: Pick<Journal, 'timeline'>;
  /** Empty: this process answers none. */
  readonly queryUrl: string;
  readonly engine: Pick<ContainerEngine, 'name' | 'conditions'>;
  /** How long an actor may take to answer `why`, and how much of the history is looked up. */
  readonly limits: { readonly whyMs: number; readonly whyEntries: number };
  readonly logDirectoryOf: (botId: string) => string;
  /** Null: none is configured. */
  readonly objectStore: RuntimeStore | null;
  /** How often a stored log is looked at that somebody follows. */
  readonly storedLog: Pick<Settings['stored'], 'logPollMs' | 'nextDayMs' | 'logAttempts' | 'logRetryCapMs'>;
  readonly troubles: () => readonly string[];
  /** Why the last change of a bot was not applied, where somebody else tells of changes. */
  readonly refusalOf: (botId: string) => RefusedChange | null;
  readonly now: () => number;
  /** Of a trouble that does not keep a command from being answered. */
  readonly warn: (sentence: string) => void;
  readonly down: ReadSide['down'];
}

/** What the admin API may see and do, joined from the parts that know it. */
export function createReadSide(parts: ReadSideParts): ReadSide {
  const { supervisor, journal, queryUrl, engine, limits, down } = parts;
  const startedAt = parts.now();
  const isBot = (botId: string): boolean => {
    if (supervisor.knows(botId)) return true;
    const refusal = parts.refusalOf(botId);
    const ignored = supervisor.ignored.get(botId) ?? (refusal && refusalSentence(refusal));
    if (ignored !== null) throw new AdminRefusal(404, 'not-a-bot', ignored);
    return false;
  };
  return {
    list: () => supervisor.list(),
    async why(botId) {
      if (!isBot(botId)) return null;
      const [status, timeline] = await Promise.all([
        supervisor.ask(botId, limits.whyMs),
        journal.timeline(botId, limits.whyEntries).catch((error: unknown) => {
          // What a bot does now is worth telling without what it did before.
          parts.warn(error instanceof Error ? error.message : String(error));
          return [];
        }),
      ]);
      if (status === null) throw new Error(`the actor of ${botId} did not answer in time; try again`);
      const { conditions, conditionsUnknown } = await conditionsOf(engine, status, limits.whyMs);
      const refusal = parts.refusalOf(botId);
      const refused =
        refusal === null ? [] : [{ code: 'change-refused', message: refusalSentence(refusal), since: refusal.at }];
      return { status, timeline, conditions: [...conditions, ...refused], conditionsUnknown };
    },
    restart: async (botId) => isBot(botId) && supervisor.command(botId, 'restart'),
    reset: async (botId) => isBot(botId) && supervisor.command(botId, 'reset'),
    openLog: async (botId, options) => (isBot(botId) ? await openLog(parts, botId, options) : null),
    overview: () => ({
      version: VERSION,
      engine: engine.name,
      queryUrl,
      startedAt,
      troubles: parts.troubles(),
      ignored: [...supervisor.ignored.values()],
    }),
    down,
  };
}

/** Of a process that governs no bots: what would change one is refused. */
export function onlyLooking(readSide: ReadSide): ReadSide {
  const refuse = async (): Promise<never> => {
    throw new AdminRefusal(
      409,
      'governs-no-bots',
      'this process only answers queries and governs no bots',
      'ask the one that keeps the bot: bot-runner or bot-scheduler (--admin, --data-dir)',
    );
  };
  return { ...readSide, restart: refuse, reset: refuse };
}

function refusalSentence({ reason }: RefusedChange): string {
  return `its last change was refused: ${reason}; save it once more where it comes from`;
}

/** Only of a bot that runs: the engine may have to look into its container, which takes a while. */
async function conditionsOf(
  engine: ReadSideParts['engine'],
  { id: botId, state, containerId }: BotStatus,
  patienceMs: number,
): Promise<Pick<BotExplanation, 'conditions' | 'conditionsUnknown'>> {
  if (state !== 'running' || containerId === null) return { conditions: [], conditionsUnknown: null };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`its agent could not be asked within ${patienceMs} ms`)), patienceMs);
  });
  try {
    return {
      conditions: await Promise.race([engine.conditions({ botId, containerId }), late]),
      conditionsUnknown: null,
    };
  } catch (error) {
    // All the rest of `why` is worth telling without it.
    return { conditions: [], conditionsUnknown: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A container that brings its log to the object store has none on this host. Docker has a copy of what it printed, but that
 * keeps no order between stdout and stderr, has lines of the agent too, and ends with the container; so the stored log is
 * shown, which is a few seconds behind.
 */
async function openLog(parts: ReadSideParts, botId: string, options: LogOptions): Promise<LogTail> {
  const { engine, supervisor, objectStore, storedLog } = parts;
  const isStored = (supervisor.definitionOf(botId)?.filePath ?? '') !== '';
  if (engine.name !== 'docker' || objectStore === null || !isStored) {
    return await openLogTail({ ...options, directory: parts.logDirectoryOf(botId) });
  }
  const { store, access } = objectStore;
  const { readStoredLog } = await import('../storage/read-log.ts');
  const { logPollMs, nextDayMs, logAttempts, logRetryCapMs } = storedLog;
  const log = readStoredLog({
    ...options,
    pollMs: logPollMs,
    nextDayMs,
    retry: { attempts: logAttempts, firstPauseMs: logPollMs, longestPauseMs: logRetryCapMs, random: Math.random },
    store,
    bucket: access.buckets.logs,
    botId,
  });
  return { chunks: () => withoutStoreErrors(log, botId) };
}

async function* withoutStoreErrors(log: AsyncGenerator<Buffer>, botId: string): AsyncGenerator<Buffer> {
  try {
    yield* log;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const sentence = `the log of ${botId} is in the object store, which cannot be read: ${error.message}`;
    const hint = `"docker logs ${containerName(botId)}" shows what its container has printed`;
    throw new AdminRefusal(502, 'log-unreadable', sentence, hint, { cause: error });
  }
}

/** For a person on this machine: an address that means "all" is not one to ask. */
export function queryUrlOf({ address }: QueryFrontEnd): string {
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return `http://${hostAndPort({ host, port: address.port })}`;
}

export interface AskWhyParts {
  readonly supervisor: Pick<Supervisor, 'definitionOf' | 'ask' | 'allKnown' | 'isStoppingAll'>;
  readonly desired: Pick<DesiredState, 'look'>;
}

/**
 * Why a bot without a route cannot be asked, or that its query program can be run: its actor knows (contract 8.2). Whoever
 * owns the bots may have heard of a change before this process did, so this looks first: a new bot is not denied, and no
 * program is run with a config that was replaced.
 */
export function askWhyOf({ supervisor, desired }: AskWhyParts): AskWhy {
  let isStarting = true;
  const started = supervisor.allKnown.then(() => {
    isStarting = false;
  });
  return async (botId, deadlineMs) => {
    const begun = performance.now();
    const leftMs = () => Math.max(1, deadlineMs - (performance.now() - begun));
    if (isStarting && !(await within(started, leftMs()))) return { kind: 'not-running', sentence: STARTING };
    await desired.look?.(botId);
    const definition = supervisor.definitionOf(botId);
    if (definition === null && supervisor.isStoppingAll) return { kind: 'not-running', sentence: STOPPING };
    // What has a container still, and is nobody's wish, is about to go.
    if (definition === null) return { kind: 'unknown-bot' };
    const { problem, entrypoint, queryEntrypoint, runtime, kind, specRevision } = definition;
    if (problem === null && queryEntrypoint === null) {
      return { kind: entrypoint === '' ? 'no-entrypoints' : 'no-query-entrypoint' };
    }
    const runnable =
      problem === null && KNOWN_RUNTIMES.includes(runtime)
        ? ({ kind: 'runnable', revision: specRevision } as const)
        : null;
    // Whether a scheduled bot is running at this moment makes no difference.
    if (runnable !== null && kind === 'scheduled') return runnable;
    const status = await supervisor.ask(botId, leftMs());
    if (status === null) return { kind: 'not-running', sentence: 'its actor did not answer in time' };
    if (status.state === 'running' && status.endpoint !== null) {
      return { kind: 'route', route: { endpoint: status.endpoint, incarnation: status.reason.incarnation } };
    }
    // Whoever has frozen a bot does not want another copy of it to speak for it.
    const isFrozen = status.reason.code === 'container-paused';
    if (runnable !== null && status.state !== 'blocked' && !isFrozen) return runnable;
    return { kind: 'not-running', sentence: `it is ${status.state}: ${describeReason(status.reason).text}` };
  };
}

const STARTING = 'the runtime is starting and does not know all bots yet';
const STOPPING = 'the runtime is stopping all bots';
