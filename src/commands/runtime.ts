import { setTimeout as delay } from 'node:timers/promises';
import type { BotStatus, RecordEffect } from '../../actors/effect.ts';
import { type AdminServer, createAdminServer } from '../admin/admin-server.ts';
import type { Settings } from '../config/settings.ts';
import { GuardedRunLedger } from '../desired/guarded-run-ledger.ts';
import type { Rival } from '../desired/role-lease.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import type { GuardedEngine } from '../engine/guarded-engine.ts';
import { systemClock } from '../kernel/clock.ts';
import type { QueryFrontEnd } from '../query/query-front-end.ts';
import { dataPaths } from '../storage/data-directory.ts';
import { lockDataDirectory } from '../storage/filesystem/data-directory-lock.ts';
import { openDataDirectory } from '../storage/filesystem/open-data-directory.ts';
import { Journal } from '../supervisor/journal.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { shardMaker } from './actor-shards.ts';
import { assertRoleHasItsNeeds, openBotSource, type SharedBots } from './bot-source.ts';
import { Closing } from './closing.ts';
import { openEngineSide } from './engine-side.ts';
import { type EngineReporter, engineIdOf, liveLogTroubles, longestEngineCallMs } from './engines.ts';
import { fewTroubles } from './few-troubles.ts';
import { Governance } from './governance.ts';
import { KeyRenewal } from './key-renewal.ts';
import { openQuerySide } from './query-side.ts';
import type { Role } from './roles.ts';
import { addFeedFigures } from './runtime-figures.ts';
import type { RuntimeHealth } from './runtime-health.ts';
import { createReadSide, onlyLooking, queryUrlOf } from './runtime-read-side.ts';
import { openStoreSide, type StoreSide } from './store-side.ts';

/** All parts of one runtime, joined and running. */
export interface Runtime {
  readonly supervisor: Supervisor;
  /** Null: its role answers none. */
  readonly frontEnd: QueryFrontEnd | null;
  /** Null where there is no front end; for a person on this machine. */
  readonly queryUrl: string | null;
  /** Where commands are taken. */
  readonly adminSocket: string;
  /** Null: nobody asked for health checks. */
  readonly healthPort: number | null;
  /** What is wrong with the runtime or what it needs, now; in sentences. */
  readonly troubles: readonly string[];
  /** What lies where bots are and is none, by name; in sentences. */
  readonly ignored: ReadonlyMap<string, string>;
  /** Stops and removes every bot. */
  stopBots(): Promise<StoppedBots>;
  /**
   * Ends the runtime. Containers go on; child processes end with it.
   * @throws the first error of a part that could not be closed; the others are closed all the same
   */
  close(): Promise<void>;
}

export type StoppedBots = Awaited<ReturnType<Supervisor['stopAll']>>;

export interface RuntimeReporter extends EngineReporter {
  transition(record: RecordEffect): void;
  /** Someone asked for the end over the admin socket; all bots have stopped but the ones in `failed`. */
  ended(failed: readonly string[]): void;
  /** It cannot go on: another process keeps its bots now, for instance. */
  failed(sentence: string): void;
}

/**
 * Builds the parts and starts them, what others may refuse first: data directory, ports, admin socket, services, engine, bots.
 * @throws errors for people (`code`, `hint`) of the part that cannot start; what was started by then is ended again
 */
export async function startRuntime(settings: Settings, role: Role, report: RuntimeReporter): Promise<Runtime> {
  const closing = new Closing();
  try {
    return await joined(settings, role, report, closing);
  } catch (error) {
    for (const failure of await closing.all()) report.warn(`While giving up the start: ${String(failure)}`);
    throw error;
  }
}

async function joined(settings: Settings, role: Role, report: RuntimeReporter, closing: Closing): Promise<Runtime> {
  const warn = (sentence: string) => report.warn(sentence);
  const data = await openDataDirectory(settings.dataDir);
  const paths = dataPaths(data.root);
  const lock = await lockDataDirectory(data.root);
  closing.add(() => lock.release());
  // Whoever waits for the end of the runtime asks here whether it is still there: next to last.
  let admin: AdminServer | null = null;
  closing.add(async () => await admin?.close());

  const journal = new Journal({ directory: paths.journal, clock: systemClock, ...settings.journal });
  await journal.open();
  closing.add(() => journal.close());
  const storeSide = await openStoreSide(settings, warn);
  closing.add(() => storeSide.close());
  const objectStore = storeSide.store;
  assertRoleHasItsNeeds(role, objectStore !== null, settings);
  const health = await healthOf(settings, storeSide, warn, () => supervisor.list());
  closing.add(async () => await health?.close());

  const engineId = await engineIdOf(settings, data);
  const source = await openBotSource({
    settings,
    role,
    data,
    hasCodeStore: objectStore !== null,
    engineId,
    revisionsInUse: (botId) => supervisor.revisionsInUse(botId),
  });
  closing.add(() => source.close());
  for (const [name, state] of source.services) health?.follows(name, state);
  const feed = source.shared?.feed ?? null;
  if (health !== null && feed !== null) addFeedFigures(health.metrics, feed);
  const startup = health?.readiness.dependency('start');
  const noLiveLogs = role.governs ? liveLogTroubles(settings) : [];
  for (const sentence of noLiveLogs) warn(sentence);

  const definitionOf = (botId: string) => supervisor.definitionOf(botId);
  const engineNeeds = { role, source, storeSide, health, definitionOf };
  const { bare: bareEngine, engine, guard } = await openEngineSide(settings, data, report, engineNeeds);

  const supervisor = new Supervisor({
    ...supervisorSettings(settings, role),
    engine,
    desired: source.desired,
    ledger: guard && source.ledger ? new GuardedRunLedger(source.ledger, guard) : source.ledger,
    journal,
    setRoute(botId, route) {
      queries.frontEnd?.setRoute(botId, route);
      // What has started may run on more than this process has heard of: its owner may have heard of it first.
      if (route !== null && !role.governs) void source.desired.look?.(botId);
    },
    onTransition(record) {
      report.transition(record);
      health?.metrics.transition(record);
    },
    // Others last, and are told as long as they do.
    onDesiredTrouble: (error) => {
      if (isOfOneDocument(error)) warn(error.message);
    },
    onFault(sentence, replaced) {
      warn(sentence);
      if (replaced !== null) health?.metrics.fault(replaced);
    },
  });
  const queries = await openQuerySide(settings, {
    role,
    supervisor,
    desired: source.desired,
    engine,
    objectStore,
    health,
    warn,
  });
  closing.add(async () => await queries.frontEnd?.close());
  const queryUrl = queries.frontEnd && queryUrlOf(queries.frontEnd);

  const stopBots = async (): Promise<StoppedBots> => {
    await health?.readiness.end();
    if (!role.governs) return { stopped: 0, failed: [] };
    return await supervisor.stopAll(settings.bot.stopGraceMs + settings.changes.stopDeadlineMs);
  };
  const governance = guard && source.shared && governanceOf(source.shared, guard, { supervisor, stopBots, report });

  const troubles = () => [
    ...(governance?.troubles ?? []),
    ...supervisor.troubles,
    ...(bareEngine.troubles ?? []),
    ...storeSide.troubles,
  ];
  const readSide = createReadSide({
    supervisor,
    journal,
    queryUrl: queryUrl ?? '',
    limits: settings.adminLimits,
    engine,
    logDirectoryOf: paths.logs,
    objectStore,
    storedLog: settings.stored,
    // The log has said these when they happened, and they do not pass.
    troubles: () => [...fewTroubles(troubles(), supervisor.desiredTroubles), ...(feed?.told ?? []), ...noLiveLogs],
    refusalOf: (botId) => feed?.refusalOf(botId) ?? null,
    now: () => Date.now(),
    warn,
    down: async () => {
      const outcome = await stopBots();
      // The answer must reach the one who asked before the socket goes.
      setImmediate(() => report.ended(outcome.failed));
      return outcome;
    },
  });
  const server = createAdminServer({
    socketPath: settings.admin ?? paths.adminSocket,
    connections: settings.adminLimits.connections,
    queryToken: settings.query.token,
    limits: settings.adminLimits,
    onError: (error) => warn(`The admin socket: ${error.message}`),
    readSide: role.governs ? readSide : onlyLooking(readSide),
  });
  await server.start();
  admin = server;

  // Nobody may act before this one has stopped: last of the three.
  let leavesBots = true;
  closing.add(async () => await governance?.release(leavesBots));
  closing.add(async () => {
    leavesBots = supervisor.mayHaveContainers;
    await supervisor.close();
    if (engine.name === 'process') leavesBots = false;
  });
  closing.add(async () => await governance?.stop());
  // While there is an engine to end them with.
  closing.add(() => queries.runs.close());
  // What the store can do is in the environment of the first containers already, unless it takes too long to say.
  await storeSide.found;
  // As a rule all is decided before the first bot is known, and events that waited are applied.
  const begun = governance?.begin().catch((error: unknown) => report.failed(String(error)));
  if (begun !== undefined) await Promise.race([begun, delay(BEGIN_MS, undefined, { ref: false })]);
  await supervisor.start();
  startup?.ready();
  const renewal = keyRenewalOf(bareEngine, supervisor, settings);
  closing.add(async () => renewal.close());
  // First of all, so that nobody sends work here any more.
  closing.add(async () => await health?.readiness.end());
  return {
    supervisor,
    frontEnd: queries.frontEnd,
    queryUrl,
    adminSocket: server.socketPath,
    healthPort: health?.port ?? null,
    get troubles() {
      return troubles();
    },
    get ignored() {
      return supervisor.ignored;
    },
    stopBots,
    async close() {
      const failures = await closing.all();
      if (failures.length > 0) throw failures[0];
    },
  };
}

interface BowOut {
  readonly supervisor: Supervisor;
  readonly stopBots: () => Promise<StoppedBots>;
  readonly report: RuntimeReporter;
}

function governanceOf(shared: SharedBots, guard: GuardedEngine, { supervisor, stopBots, report }: BowOut): Governance {
  const warn = (sentence: string) => report.warn(sentence);
  /** On another engine nothing keeps the new holder's containers from running beside these. */
  const bowOut = async ({ holder, isHere }: Pick<Rival, 'holder' | 'isHere'>): Promise<void> => {
    if (!isHere) {
      warn(`${holder} keeps these bots now, so those here are stopped.`);
      guard.restrict('ends', `${holder} keeps these bots now.`);
      const { failed } = await stopBots();
      for (const botId of failed) warn(`Bot ${botId} did not stop in time and may run twice.`);
    }
    report.failed(`${holder} keeps these bots now; this process must not.`);
  };
  return new Governance({
    shared,
    engine: guard,
    warn,
    tryAgain: () => supervisor.engineIsBack(),
    keepElsewhere: (kind, sentence) => supervisor.keepElsewhere(kind, sentence),
    kindOf: (botId) => supervisor.definitionOf(botId)?.kind,
    lost: (rival) => void bowOut(rival),
    now: () => performance.now(),
  });
}

const OF_ONE_DOCUMENT = ['bot-document-without-id', 'bot-document-duplicate', 'bot-id-in-both-kinds'];

/** Of which no bot can be made, so that no `why` can tell it. */
function isOfOneDocument(error: Error): boolean {
  return 'code' in error && OF_ONE_DOCUMENT.some((code) => code === error.code);
}

/** Whoever stands by, or has many events to apply, shows its bots meanwhile. */
const BEGIN_MS = 2_000;

function supervisorSettings(settings: Settings, { governs }: Role) {
  const { changes, schedules, query } = settings;
  return {
    clock: systemClock,
    makeShard: shardMaker(settings, governs ? 'owner' : 'observer'),
    shards: Math.max(1, settings.shards),
    shardReplacement: settings.shardReplace,
    offerAgainMs: settings.offerAgainMs,
    lostActorPauseMs: settings.lostActorPauseMs,
    floodStarts: changes.startConcurrency,
    liveStarts: changes.liveStartConcurrency,
    scheduledRuns: schedules.runs,
    ledgerCallDeadlineMs: schedules.ledgerDeadlineMs,
    ledgerCalls: schedules.ledgerCalls,
    engineCallDeadlineMs: longestEngineCallMs(settings),
    openQuestions: query.limits.inFlightTotal,
  };
}

function keyRenewalOf(engine: ContainerEngine, supervisor: Supervisor, { docker }: Settings): KeyRenewal {
  const { renewPercent, lookMs } = docker.keys;
  return new KeyRenewal({
    withKeysUsed: (share) => engine.keysUsed?.(share) ?? [],
    restart: (botId) => supervisor.command(botId, 'renew-keys'),
    share: renewPercent / 100,
    lookMs,
  });
}

/** Null: nobody asked for it. */
async function healthOf(
  { health, query }: Settings,
  storeSide: StoreSide,
  warn: (sentence: string) => void,
  bots: () => Promise<readonly BotStatus[]>,
): Promise<RuntimeHealth | null> {
  if (health.port === null) return null;
  // Its packages take a while to load.
  const { openRuntimeHealth } = await import('./runtime-health.ts');
  return await openRuntimeHealth({
    host: health.host ?? query.host,
    port: health.port,
    bots,
    objectStore: storeSide.store,
    storeRemarks: () => storeSide.remarks,
    warn,
  });
}
