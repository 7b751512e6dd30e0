import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { within } from '../../within.ts';
import { isStored, STATE_FOLDER } from '../bot-environment.ts';
import type { QueryRunRequest, QueryRunResult } from '../container-engine.ts';
import {
  asQueryProgram,
  assertCanBeAsked,
  endsByOf,
  queryRunId,
  RunPatience,
  readResultFile,
  removeOldRuns,
} from '../query-run.ts';
import { agentEnvironment, agentSecrets } from './agent-environment.ts';
import { BotProcess } from './bot-process.ts';
import { type BotDirectories, expectCode } from './directories.ts';
import { endLeftovers } from './leftovers.ts';
import type { ProcessEngineOptions } from './process-engine-options.ts';
import { ProcessNotes } from './process-notes.ts';
import { endRemains } from './remains.ts';
import { engineErrorFor } from './start-failure.ts';
import type { Sweeper } from './sweeper.ts';

/** Of what the program wrote. */
const LOG_BYTES = 64 * 1024;
/** Of a program that was ended by a signal. */
const EXIT_CODE_OF_SIGNAL = 255;

/**
 * Query runs as child processes, each with an agent and a directory of its own beside the bot's:
 *
 *     <queryRuns>/<run>/state    the copy of the state, made by the agent
 *                      /code     only of a bot in the object store; others are read from where their code is
 *                      /logs     what the program writes
 *                      /result.json
 *     <queryRuns>/<run>.json     notes, as of a bot (process-notes.ts)
 */
export class QueryProcesses {
  readonly #options: ProcessEngineOptions;
  readonly #notes: ProcessNotes;
  readonly #sweeper: Sweeper;
  readonly #live = new Map<string, BotProcess>();
  readonly #removals = new Set<Promise<void>>();

  constructor(options: ProcessEngineOptions, sweeper: Sweeper) {
    this.#options = options;
    this.#notes = new ProcessNotes(options.queryRuns);
    this.#sweeper = sweeper;
  }

  /** Ends and removes what a killed runtime left: the directory is this runtime's alone. */
  async endLeftovers(): Promise<void> {
    const { queryRuns, leftoverGraceMs, killWaitMs } = this.#options;
    await endLeftovers(this.#notes, {
      runDirectory: queryRuns,
      environmentOf: (runId) => this.#marks(runId),
      waits: { graceMs: leftoverGraceMs, killMs: killWaitMs },
    });
    await removeOldRuns(queryRuns, (runId) => endsByOf(runId) !== null);
  }

  /** See `ContainerEngine.runQuery`. Throws what the operating system says as well. */
  async run(request: QueryRunRequest, askers: AbortSignal): Promise<QueryRunResult> {
    assertCanBeAsked(request);
    const patience = new RunPatience(askers, request.deadlineMs);
    const runId = queryRunId(Date.now() + request.deadlineMs);
    let bot: BotProcess;
    try {
      bot = await this.#spawn(request, runId, await this.#prepare(request, runId));
    } catch (error) {
      this.#remove(runId);
      throw error;
    }
    this.#live.set(runId, bot);
    return await this.#answer(request, patience, runId, bot);
  }

  async close(): Promise<void> {
    const ends = [...this.#live.values()].map((bot) => {
      bot.kill();
      return within(bot.exited, 2 * this.#options.killWaitMs);
    });
    await Promise.all(ends);
    await Promise.all(this.#removals);
  }

  async #answer(
    request: QueryRunRequest,
    patience: RunPatience,
    runId: string,
    bot: BotProcess,
  ): Promise<QueryRunResult> {
    try {
      if (bot.agent !== null) await this.#notes.write(runId, bot.agent);
      const { code, lastWords } = await patience.race(bot.exited);
      const exitCode = code ?? EXIT_CODE_OF_SIGNAL;
      const directory = this.#directoryOf(runId);
      const logTail = exitCode === 0 ? '' : await tailOf(join(directory, 'logs', 'query.log'));
      const result = await readResultFile(join(directory, 'result.json'), request.resultBytes);
      return { exitCode, lastWords, logTail: logTail.trim(), result };
    } finally {
      if (bot.lastExit === null) {
        bot.kill();
        await within(bot.exited, 2 * this.#options.killWaitMs);
      }
      this.#live.delete(runId);
      this.#remove(runId);
    }
  }

  async #prepare({ definition }: QueryRunRequest, runId: string): Promise<BotDirectories> {
    const { id, specRevision } = definition;
    const directory = this.#directoryOf(runId);
    const stored = isStored(definition);
    const directories = {
      code: stored ? join(directory, 'code') : this.#options.codeDirOf(id, specRevision),
      state: join(directory, 'state'),
      logs: join(directory, 'logs'),
    };
    if (!stored) await expectCode(directories.code, id);
    for (const own of [...(stored ? [directories.code] : []), directories.state, directories.logs]) {
      await mkdir(own, { recursive: true, mode: 0o700 });
    }
    return directories;
  }

  #spawn(request: QueryRunRequest, runId: string, directories: BotDirectories): Promise<BotProcess> {
    const { definition, path, params } = request;
    const program = asQueryProgram(definition);
    const incarnation = Date.now();
    const question = {
      path,
      params,
      resultFile: join(this.#directoryOf(runId), 'result.json'),
      ...(isStored(definition) ? {} : { stateSource: this.#options.stateDirOf(definition.id) }),
    };
    const identity = {
      botId: definition.id,
      containerId: runId,
      incarnation,
      specRevision: definition.specRevision,
      shapeRevision: '',
      endpoint: null,
    };
    const groupsFile = this.#notes.groupsFile(runId);
    return BotProcess.launch(
      identity,
      {
        program: this.#options.nodeBinary,
        arguments: [...this.#options.nodeArguments, this.#options.agentFile, 'execute'],
        directory: directories.code,
        environment: agentEnvironment(
          { ...this.#options, natsUrl: null },
          { definition: program, incarnation, directories, endpoint: null, question, groupsFile },
        ),
        secrets: agentSecrets({ ...this.#options, natsUrl: null }, definition),
      },
      () => this.#endRemainsOf(runId),
    );
  }

  async #endRemainsOf(runId: string): Promise<void> {
    try {
      const groups = await this.#notes.groupsOf(runId);
      await endRemains([{ groups, environment: [] }], { graceMs: 0, killMs: this.#options.killWaitMs });
    } catch (error) {
      this.#options.warn(engineErrorFor(error, `what query run ${runId} left running could not be ended`));
    }
  }

  /** Behind the answer: with every process of it, also those that left their group. */
  #remove(runId: string): void {
    const removal = this.#sweepUp(runId);
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }

  async #sweepUp(runId: string): Promise<void> {
    try {
      const left = await this.#sweeper.sweep({ groups: [], environment: this.#marks(runId) });
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} do not end, even after SIGKILL`);
      await rm(this.#directoryOf(runId), { recursive: true, force: true, maxRetries: 3 });
      await this.#notes.remove(runId);
    } catch (error) {
      this.#options.warn(engineErrorFor(error, `what query run ${runId} left could not be removed`));
    }
  }

  #directoryOf(runId: string): string {
    return join(this.#options.queryRuns, runId);
  }

  /** What only the processes of this run have in their environment. */
  #marks(runId: string): string[] {
    return [`STATE_DIR=${join(this.#directoryOf(runId), 'state', STATE_FOLDER)}`];
  }
}

/** The end of a file; '' when it is not there. */
async function tailOf(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, LOG_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}
