import { createBehavior } from '../../actors/behavior.ts';
import type { BotEffect, BotStatus, RecordEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { BotActorSettings } from '../../actors/settings.ts';
import { type AdminServer, createAdminServer } from '../admin/admin-server.ts';
import type { Settings } from '../config/settings.ts';
import { createDirectorySource } from '../desired/directory/directory-source.ts';
import { LocalRunLedger } from '../desired/local/local-run-ledger.ts';
import { systemClock } from '../kernel/clock.ts';
import { createLocalShard } from '../kernel/local-shard.ts';
import { createThreadShard } from '../kernel/thread-shard.ts';
import { createQueryFrontEnd } from '../query/create-query-front-end.ts';
import type { QueryFrontEnd } from '../query/query-front-end.ts';
import { dataPaths } from '../storage/data-directory.ts';
import { createCodeStore } from '../storage/filesystem/code-store.ts';
import { lockDataDirectory } from '../storage/filesystem/data-directory-lock.ts';
import { openDataDirectory } from '../storage/filesystem/open-data-directory.ts';
import { Journal } from '../supervisor/journal.ts';
import type { MakeShard } from '../supervisor/shard-pool.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { keysForEngine, openBotCredentials } from './bot-credentials.ts';
import { createEngine, type EngineReporter, longestEngineCallMs } from './engines.ts';
import { KeyRenewal } from './key-renewal.ts';
import { addressesOfNoUse, openRuntimeStore, type RuntimeStore } from './object-store.ts';
import { createQueryRuns } from './query-runner.ts';
import type { RuntimeHealth } from './runtime-health.ts';
import { askWhyOf, createReadSide } from './runtime-read-side.ts';
import { StoreCheck } from './store-check.ts';

/** All parts of one runtime, joined and running. */
export interface Runtime {
  readonly supervisor: Supervisor;
  readonly frontEnd: QueryFrontEnd;
  /** Where commands are taken. */
  readonly adminSocket: string;
  /** What is wrong with the runtime or what it needs, now; in sentences. */
  readonly troubles: readonly string[];
  /** Stops and removes every bot. */
  stopBots(): Promise<{ readonly stopped: number; readonly failed: readonly string[] }>;
  /**
   * Ends the runtime. Containers go on; child processes end with it.
   * @throws the first error of a part that could not be closed; the others are closed all the same
   */
  close(): Promise<void>;
}

export interface RuntimeReporter extends EngineReporter {
  transition(record: RecordEffect): void;
  /** Someone asked for the end over the admin socket; all bots have stopped but the ones in `failed`. */
  ended(failed: readonly string[]): void;
}

/**
 * Builds the parts and starts them, what others may refuse first: data directory, port, admin socket, engine, bots.
 * @throws errors for people (`code`, `hint`) of the part that cannot start; what was started by then is ended again
 */
export async function startRuntime(settings: Settings, report: RuntimeReporter): Promise<Runtime> {
  const undo: (() => Promise<unknown>)[] = [];
  const closeAll = async (): Promise<unknown[]> => {
    const failures: unknown[] = [];
    for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
    return failures;
  };
  const close = async (): Promise<void> => {
    const failures = await closeAll();
    if (failures.length > 0) throw failures[0];
  };
  try {
    const data = await openDataDirectory(settings.dataDir);
    const paths = dataPaths(data.root);
    const lock = await lockDataDirectory(data.root);
    undo.push(() => lock.release());
    // Whoever waits for the end of the runtime asks here whether it is still there: next to last.
    let admin: AdminServer | null = null;
    undo.push(async () => await admin?.close());

    const journal = new Journal({ directory: paths.journal, clock: systemClock, ...settings.journal });
    await journal.open();
    undo.push(() => journal.close());

    const objectStore = await openRuntimeStore(settings);
    const storeCheck = objectStore === null ? null : storeCheckOf(objectStore, settings, report);
    undo.push(async () => await storeCheck?.close());
    const storeChecked = storeCheck?.start();
    for (const sentence of addressesOfNoUse(settings)) report.warn(sentence);

    const health = await healthOf(settings, objectStore, report, () => supervisor.list());
    undo.push(async () => await health?.close());

    const credentials = await openBotCredentials(settings, objectStore);
    undo.push(async () => await credentials?.close());
    const credentialsFound = credentials?.start();

    const bareEngine = await createEngine(settings, data, report, {
      storeHonoursConditions: () => storeCheck?.honoursConditions ?? true,
      credentials: credentials && keysForEngine(credentials),
      definitionOf: (botId) => supervisor.definitionOf(botId),
    });
    const engine = health?.watching(bareEngine) ?? bareEngine;
    const desired = createDirectorySource({
      directory: settings.bots,
      codeCopies: createCodeStore(data.root, (botId) => supervisor.revisionsInUse(botId)),
      hasCodeStore: objectStore !== null,
      resyncMs: settings.changes.resyncMs,
      ...settings.directory,
    });

    let frontEnd: QueryFrontEnd | null = null;
    const supervisor: Supervisor = new Supervisor({
      engine,
      desired,
      journal,
      clock: systemClock,
      makeShard: shardMaker(settings),
      shards: Math.max(1, settings.shards),
      shardReplacement: settings.shardReplace,
      offerAgainMs: settings.offerAgainMs,
      lostActorPauseMs: settings.lostActorPauseMs,
      floodStarts: settings.changes.startConcurrency,
      liveStarts: settings.changes.liveStartConcurrency,
      ledger: new LocalRunLedger({ directory: paths.schedules, owner: data.instance }),
      scheduledRuns: settings.schedules.runs,
      ledgerCallDeadlineMs: settings.schedules.ledgerDeadlineMs,
      engineCallDeadlineMs: longestEngineCallMs(settings),
      openQuestions: settings.query.limits.inFlightTotal,
      setRoute: (botId, route) => frontEnd?.setRoute(botId, route),
      onTransition(record) {
        report.transition(record);
        health?.metrics.transition(record);
      },
      onFault(sentence) {
        report.warn(sentence);
        health?.metrics.fault();
      },
    });

    const queryRuns = createQueryRuns({
      definitionOf: (botId) => supervisor.definitionOf(botId),
      engine,
      objectStore,
      settings: settings.query,
    });
    frontEnd = createQueryFrontEnd({
      host: settings.query.host,
      port: settings.query.port,
      threads: settings.query.threads,
      token: settings.query.token,
      limits: settings.query.limits,
      askWhy: askWhyOf(supervisor),
      runQuery: queryRuns.ask,
      onTrouble: (sentence) => report.warn(sentence),
    });
    await frontEnd.start();
    undo.push(() => frontEnd.close());

    const troubles = () => [
      ...supervisor.troubles,
      ...(bareEngine.troubles ?? []),
      ...(storeCheck?.troubles ?? []),
      ...(credentials?.troubles ?? []),
    ];
    const stopBots = async () => {
      await health?.readiness.end();
      return await supervisor.stopAll(settings.bot.stopGraceMs + settings.changes.stopDeadlineMs);
    };
    const server = createAdminServer({
      socketPath: settings.admin ?? paths.adminSocket,
      connections: settings.adminLimits.connections,
      queryToken: settings.query.token,
      limits: settings.adminLimits,
      onError: (error) => report.warn(`The admin socket: ${error.message}`),
      readSide: createReadSide({
        supervisor,
        journal,
        frontEnd,
        limits: settings.adminLimits,
        engine,
        logDirectoryOf: paths.logs,
        objectStore,
        storedLog: {
          pollMs: settings.stored.logPollMs,
          nextDayMs: settings.stored.nextDayMs,
          retry: {
            attempts: settings.stored.logAttempts,
            firstPauseMs: settings.stored.logPollMs,
            longestPauseMs: settings.stored.logRetryCapMs,
            random: Math.random,
          },
        },
        troubles,
        now: () => Date.now(),
        warn: (sentence) => report.warn(sentence),
        down: async () => {
          const outcome = await stopBots();
          // The answer must reach the one who asked before the socket goes.
          setImmediate(() => report.ended(outcome.failed));
          return outcome;
        },
      }),
    });
    await server.start();
    admin = server;

    undo.push(() => supervisor.close());
    // While there is an engine to end them with.
    undo.push(() => queryRuns.close());
    // What the store can do is in the environment of the first containers already, unless it takes too long to say.
    await Promise.all([storeChecked, credentialsFound]);
    await supervisor.start();
    for (const sentence of credentials?.troubles ?? []) report.warn(sentence);
    const renewal = new KeyRenewal({
      endingBefore: (time) => bareEngine.keysEndingBefore?.(time) ?? [],
      restart: (botId) => supervisor.command(botId, 'restart'),
      marginMs: settings.docker.keys.sessionMs / 4,
      now: () => Date.now(),
    });
    undo.push(async () => renewal.close());
    // First of all, so that nobody sends work here any more.
    undo.push(async () => await health?.readiness.end());
    return {
      supervisor,
      frontEnd,
      adminSocket: server.socketPath,
      get troubles() {
        return troubles();
      },
      stopBots,
      close,
    };
  } catch (error) {
    for (const failure of await closeAll()) report.warn(`While giving up the start: ${String(failure)}`);
    throw error;
  }
}

/** Null: nobody asked for it. */
async function healthOf(
  { health, query }: Settings,
  objectStore: RuntimeStore | null,
  report: RuntimeReporter,
  bots: () => Promise<readonly BotStatus[]>,
): Promise<RuntimeHealth | null> {
  if (health.port === null) return null;
  // Its packages take a while to load.
  const { openRuntimeHealth } = await import('./runtime-health.ts');
  return await openRuntimeHealth({
    host: health.host ?? query.host,
    port: health.port,
    bots,
    objectStore,
    warn: (sentence) => report.warn(sentence),
  });
}

function storeCheckOf({ access, store }: RuntimeStore, { stored }: Settings, report: RuntimeReporter): StoreCheck {
  const { endpoint, buckets } = access;
  return new StoreCheck({ store, endpoint, buckets, ...stored.probe, warn: (sentence) => report.warn(sentence) });
}

const BEHAVIOR_MODULE = new URL('../../actors/behavior.ts', import.meta.url);

/** On worker threads, or with `--shards 0` in this thread. */
function shardMaker(settings: Settings): MakeShard {
  const { restart, bot, changes, schedules } = settings;
  const actorSettings: BotActorSettings = {
    restart,
    startDeadlineMs: changes.startDeadlineMs,
    stopDeadlineMs: bot.stopGraceMs + changes.stopDeadlineMs,
    orphanGraceMs: changes.orphanGraceMs,
    dependencyRetryMs: changes.dependencyRetryMs,
    historyLength: changes.historyLength,
    role: 'owner',
    schedule: {
      timeZone: settings.timeZone,
      misfireMs: schedules.misfireMs,
      foreignClaimMs: schedules.foreignClaimMs,
      longestRunMs: schedules.longestRunMs,
      jitterMs: schedules.jitterMs,
      // The executor answers by then; the rest is for the way there and back.
      ledgerDeadlineMs: 2 * schedules.ledgerDeadlineMs,
      lookAgainMs: schedules.lookAgainMs,
    },
  };
  const limits = settings.kernel;
  return async (id, listener) =>
    settings.shards === 0
      ? createLocalShard({ id, behavior: createBehavior(actorSettings), listener, clock: systemClock, limits })
      : await createThreadShard<BotMessage, BotEffect>({
          id,
          behaviorModule: BEHAVIOR_MODULE,
          settings: actorSettings,
          listener,
          limits,
        });
}
