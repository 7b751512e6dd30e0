import { createHash, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Observation } from '../../../actors/observation.ts';
import { encodeAgentLimits } from '../../agent/agent-limits.ts';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { within } from '../../within.ts';
import { type BotCondition, readConditionsIn } from '../bot-conditions.ts';
import {
  absent,
  type ContainerEngine,
  type ContainerRequest,
  EngineError,
  type EngineListener,
  type QueryRunRequest,
  type QueryRunResult,
  type StartRequest,
} from '../container-engine.ts';
import { agentEnvironment, agentSecrets, botMarks, searchPath } from './agent-environment.ts';
import { BotProcess, type BotProcessIdentity } from './bot-process.ts';
import { type BotDirectories, prepareDirectories } from './directories.ts';
import { endLeftovers } from './leftovers.ts';
import type { ProcessEngineOptions } from './process-engine-options.ts';
import { ProcessNotes } from './process-notes.ts';
import { Programs } from './programs.ts';
import { QueryPorts } from './query-ports.ts';
import { QueryProcesses } from './query-processes.ts';
import { endRemains, type Traces } from './remains.ts';
import { endedUnseen, type NotedRun, RunNotes } from './run-notes.ts';
import { engineErrorFor } from './start-failure.ts';
import { Sweeper } from './sweeper.ts';

/** Bots listen where only this host reaches them: the front end is the way in. */
const QUERY_HOST = '127.0.0.1';
/** A bot id becomes part of file names. */
const SAFE_ID = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Bots as child processes of the runtime. It isolates nothing from nothing: for trying things out, and for hosts without
 * Docker.
 *
 *   runtime ──stdin pipe (lifeline)──► agent ──► bot          (group of its own)
 *      ▲                                 │  └──► query server (group of its own)
 *      └── stderr: last words ───────────┘
 *
 * When the runtime dies, the lifeline breaks and each agent ends its bot; when an agent dies, the engine does it from the
 * agent's notes. So nothing is adopted: after `watch` no bot runs. A run of a scheduled bot that ended like this is reported
 * as exited, so that nobody begins it once more.
 */
export function createProcessEngine(options: ProcessEngineOptions): ContainerEngine {
  return new ProcessEngine(options);
}

class ProcessEngine implements ContainerEngine {
  readonly name = 'process';
  readonly #shapeRevision: string;
  readonly #options: ProcessEngineOptions;
  readonly #notes: ProcessNotes;
  readonly #runs: RunNotes;
  readonly #ports: QueryPorts;
  readonly #programs: Programs;
  readonly #sweeper: Sweeper;
  readonly #queries: QueryProcesses;
  /** The one container of each bot, running or exited. */
  readonly #bots = new Map<string, BotProcess>();
  /** Runs of a former runtime that ended with it, until each is removed. */
  readonly #unseen = new Map<string, NotedRun>();
  /** Bots whose container is being made: a second one is refused from here on. */
  readonly #starting = new Map<string, Promise<unknown>>();
  /** What is still being swept up after the last exit of a bot; its next start waits for it. */
  readonly #sweeps = new Map<string, Promise<void>>();
  #listener: EngineListener | null = null;
  #refill: Promise<unknown> | null = null;
  #closed = false;

  constructor(options: ProcessEngineOptions) {
    this.#options = options;
    this.#notes = new ProcessNotes(options.runDirectory);
    this.#runs = new RunNotes(options.runDirectory);
    const { first, last } = options.queryPortRange;
    this.#ports = new QueryPorts(options.queryPortRange, QUERY_HOST, randomInt(first, last + 1));
    this.#programs = new Programs(searchPath(options), options.missingProgramMs);
    this.#sweeper = new Sweeper({ graceMs: 0, killMs: options.killWaitMs });
    this.#queries = new QueryProcesses(options, this.#sweeper);
    this.#shapeRevision = shapeOf(options);
  }

  shapeRevisionOf(): string {
    return this.#shapeRevision;
  }

  async watch(listener: EngineListener): Promise<void> {
    try {
      await endLeftovers(this.#notes, {
        runDirectory: this.#options.runDirectory,
        environmentOf: (botId) => botMarks(this.#options, botId),
        waits: { graceMs: this.#options.leftoverGraceMs, killMs: this.#options.killWaitMs },
      });
      await this.#queries.endLeftovers();
      for (const run of await this.#runs.all()) this.#unseen.set(run.botId, run);
    } catch (error) {
      throw engineErrorFor(error, 'what a former runtime left running could not be ended');
    }
    this.#listener = listener;
    for (const run of this.#unseen.values()) listener.observed(endedUnseen(run));
    listener.listed(new Set(this.#unseen.keys()));
  }

  async start(request: StartRequest): Promise<Observation> {
    const botId = request.definition.id;
    if (this.#closed) throw rejected(botId, 'the runtime is shutting down');
    if (!SAFE_ID.test(botId)) throw rejected(botId, 'its id has characters other than letters, digits, - and _');
    if (this.#starting.has(botId)) throw nameTaken(botId);
    const begun = this.#bots.get(botId);
    if (begun !== undefined && isSameRun(begun, request)) return begun.observation();
    const unseen = this.#unseen.get(botId);
    if (unseen !== undefined && unseen.occurrence === request.occurrence) return endedUnseen(unseen);
    const running = this.#running(botId);
    if (running !== null && isSameBot(running, request)) return running.observation();
    const launch = this.#launch(request, running);
    this.#starting.set(botId, launch);
    try {
      return await launch;
    } catch (error) {
      throw engineErrorFor(error, `bot ${botId} could not be started`);
    } finally {
      this.#starting.delete(botId);
    }
  }

  async stop({ botId, containerId }: ContainerRequest): Promise<Observation> {
    const bot = this.#bots.get(botId);
    if (bot === undefined || bot.identity.containerId !== containerId) return await this.inspect(botId);
    if (bot.lastExit === null) {
      bot.terminate();
      // The agent kills a bot that ignores SIGTERM after the grace itself; it gets a little longer to do so.
      if (!(await within(bot.exited, this.#options.agentLimits.stopGraceMs + this.#options.agentGraceMs)))
        await this.#kill(bot);
    }
    await this.#sweeps.get(botId);
    return bot.observation();
  }

  async remove({ botId, containerId }: ContainerRequest): Promise<Observation> {
    if (this.#unseen.get(botId)?.containerId === containerId) await this.#forgetRun(botId);
    const bot = this.#bots.get(botId);
    if (bot === undefined || bot.identity.containerId !== containerId) return await this.inspect(botId);
    if (bot.lastExit === null) await this.#kill(bot);
    await this.#sweeps.get(botId);
    if (bot.identity.occurrence !== undefined) await this.#forgetRun(botId);
    this.#bots.delete(botId);
    this.#sweeps.delete(botId);
    return absent(botId, Date.now());
  }

  async inspect(botId: string): Promise<Observation> {
    const bot = this.#bots.get(botId);
    if (bot !== undefined) return bot.observation();
    const unseen = this.#unseen.get(botId);
    return unseen === undefined ? absent(botId, Date.now()) : endedUnseen(unseen);
  }

  async conditions({ botId, containerId }: ContainerRequest): Promise<readonly BotCondition[]> {
    const runs = this.#running(botId)?.identity.containerId === containerId;
    return runs ? await readConditionsIn(this.#options.logsDirOf(botId), botId) : [];
  }

  async runQuery(request: QueryRunRequest, signal: AbortSignal): Promise<QueryRunResult> {
    const { definition } = request;
    if (this.#closed) throw rejected(definition.id, 'the runtime is shutting down');
    try {
      const program = await this.#programs.missingFor(definition.runtime);
      if (program !== null) throw programMissing(definition, program);
      if (!existsSync(this.#options.agentFile)) await this.#refillCache();
      return await this.#queries.run(request, signal);
    } catch (error) {
      throw engineErrorFor(error, `bot ${definition.id} could not be asked`);
    }
  }

  /** Ends all bots: without the runtime nobody would watch them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listener = null;
    await this.#queries.close();
    // A start that is under way ends either in a process to stop or in an error its caller sees.
    await Promise.allSettled(this.#starting.values());
    const stops = await Promise.allSettled(
      [...this.#bots.values()].map((bot) =>
        this.stop({ botId: bot.identity.botId, containerId: bot.identity.containerId }),
      ),
    );
    this.#bots.clear();
    const failed = stops.flatMap((stop) => (stop.status === 'rejected' ? [stop.reason] : []));
    if (failed.length > 0) throw engineErrorFor(failed[0], `${failed.length} bots could not be stopped`);
  }

  #running(botId: string): BotProcess | null {
    const bot = this.#bots.get(botId);
    return bot === undefined || bot.lastExit !== null ? null : bot;
  }

  /** @param replaces a container of another revision that still runs: it must end first */
  async #launch(request: StartRequest, replaces: BotProcess | null): Promise<Observation> {
    const { definition } = request;
    const program = await this.#programs.missingFor(definition.runtime);
    if (program !== null) throw programMissing(definition, program);
    const directories = await prepareDirectories(this.#options, definition);
    if (replaces !== null) {
      const { botId, containerId } = replaces.identity;
      await this.stop({ botId, containerId });
      await this.remove({ botId, containerId });
    }
    await this.#sweeps.get(definition.id);
    if (!existsSync(this.#options.agentFile)) await this.#refillCache();
    const hasServer = definition.queryEntrypoint !== null && definition.kind === 'realtime';
    const port = hasServer ? await this.#ports.take() : null;
    const identity = this.#identityOf(request, port);
    const { occurrence } = identity;
    let bot: BotProcess;
    try {
      if (occurrence !== undefined) await this.#noteRun({ ...identity, occurrence });
      bot = await this.#spawn(request, identity, directories);
    } catch (error) {
      this.#giveBack(port);
      if (occurrence !== undefined) await this.#forgetRun(definition.id);
      throw error;
    }
    this.#bots.set(definition.id, bot);
    void bot.exited.then(() => this.#listener?.observed(bot.observation()));
    await this.#note(bot);
    const observation = bot.observation();
    this.#listener?.observed(observation);
    return observation;
  }

  /** Once for all bots that find it empty. */
  #refillCache(): Promise<unknown> {
    this.#refill ??= this.#options.refillCache().finally(() => {
      this.#refill = null;
    });
    return this.#refill;
  }

  #identityOf({ definition, incarnation, inPlace, occurrence }: StartRequest, port: number | null): BotProcessIdentity {
    const botId = definition.id;
    return {
      botId,
      // There is nothing to a container here but its process and the bot's directories, so in place only keeps the name.
      containerId: this.#bots.get(botId)?.identity.containerId === inPlace ? inPlace : `${botId}.${incarnation}`,
      incarnation,
      specRevision: definition.specRevision,
      ...(occurrence === undefined ? {} : { occurrence }),
      shapeRevision: this.#shapeRevision,
      endpoint: port === null ? null : { host: QUERY_HOST, port },
    };
  }

  /** Before its process is there: the note may say of a run that it was begun although it was not, never the other way. */
  async #noteRun({ endpoint: _none, ...run }: BotProcessIdentity & { readonly occurrence: number }): Promise<void> {
    await this.#runs.write(run);
    this.#unseen.delete(run.botId);
  }

  async #forgetRun(botId: string): Promise<void> {
    await this.#runs.forget(botId);
    this.#unseen.delete(botId);
  }

  #spawn(
    { definition, incarnation }: StartRequest,
    identity: BotProcessIdentity,
    directories: BotDirectories,
  ): Promise<BotProcess> {
    const { botId, endpoint } = identity;
    const groupsFile = this.#notes.groupsFile(botId);
    return BotProcess.launch(
      identity,
      {
        program: this.#options.nodeBinary,
        arguments: [...this.#options.nodeArguments, this.#options.agentFile, 'execute'],
        directory: directories.code,
        environment: agentEnvironment(this.#options, { definition, incarnation, directories, endpoint, groupsFile }),
        secrets: agentSecrets(this.#options, definition),
      },
      async (ended) => {
        this.#giveBack(endpoint?.port ?? null);
        await this.#endRemainsOf(ended);
      },
    );
  }

  #giveBack(port: number | null): void {
    if (port !== null) this.#ports.giveBack(port);
  }

  /** Without notes a runtime that is killed could not find this bot again, so a bot without notes does not run. */
  async #note(bot: BotProcess): Promise<void> {
    if (bot.agent === null) return;
    try {
      await this.#notes.write(bot.identity.botId, bot.agent);
    } catch (error) {
      await this.#kill(bot);
      // A run has been begun, and is not begun once more.
      if (bot.identity.occurrence === undefined) this.#bots.delete(bot.identity.botId);
      throw error;
    }
  }

  /** Ends what the agent left running, before its exit is reported: the next start must find nothing. */
  async #endRemainsOf(bot: BotProcess): Promise<void> {
    const { botId } = bot.identity;
    try {
      const groups = await this.#notes.groupsOf(botId);
      const graceMs = bot.hurried ? 0 : this.#options.leftoverGraceMs;
      await endRemains([{ groups, environment: [] }], { graceMs, killMs: this.#options.killWaitMs });
      // The look for processes that left their group takes longer; only the next start waits for it, not the report.
      this.#sweeps.set(botId, this.#sweepUp({ groups, environment: botMarks(this.#options, botId) }, botId));
    } catch (error) {
      this.#options.warn(engineErrorFor(error, `what bot ${botId} left running could not be ended`));
    }
  }

  async #sweepUp(traces: Traces, botId: string): Promise<void> {
    try {
      const left = await this.#sweeper.sweep(traces);
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} do not end, even after SIGKILL`);
      await this.#notes.remove(botId);
    } catch (error) {
      this.#options.warn(engineErrorFor(error, `what bot ${botId} left running could not be ended`));
    }
  }

  async #kill(bot: BotProcess): Promise<void> {
    bot.kill();
    const { graceMs, killMs } = { graceMs: this.#options.leftoverGraceMs, killMs: this.#options.killWaitMs };
    if (await within(bot.exited, graceMs + 2 * killMs)) return;
    throw rejected(bot.identity.botId, `process ${bot.agent?.pid ?? ''} does not end, even after SIGKILL`);
  }
}

/** This occurrence has been begun, whether it is over by now or not. */
function isSameRun({ identity }: BotProcess, { occurrence }: StartRequest): boolean {
  return occurrence !== undefined && identity.occurrence === occurrence;
}

function isSameBot({ identity }: BotProcess, { definition, occurrence }: StartRequest): boolean {
  const isRun = occurrence !== undefined || identity.occurrence !== undefined;
  return !isRun && identity.specRevision === definition.specRevision;
}

function rejected(botId: string, detail: string): EngineError {
  return new EngineError({ code: 'rejected', facts: { detail } }, `bot ${botId}: ${detail}`);
}

function nameTaken(botId: string): EngineError {
  const facts = { containerId: '', owner: 'this runtime' };
  return new EngineError({ code: 'name-taken', facts }, `bot ${botId} is being started already`);
}

function programMissing({ id, runtime }: BotDefinition, program: string): EngineError {
  const message = `bot ${id} needs ${program}, which is not in PATH; install it, or use --engine docker`;
  return new EngineError({ code: 'program-missing', facts: { program, runtime } }, message);
}

/** Nothing that runs is ever adopted, but the number must change with what is added to a bot. */
function shapeOf({ agentLimits, timeZone }: ProcessEngineOptions): string {
  const limits = encodeAgentLimits(agentLimits) ?? null;
  const shape = JSON.stringify({ engine: 'process', template: 1, limits, timeZone });
  return createHash('sha256').update(shape).digest('hex').slice(0, 16);
}
