import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isStored } from '../bot-environment.ts';
import type { QueryRunRequest, QueryRunResult } from '../container-engine.ts';
import { splitLastWords } from '../last-words.ts';
import { assertCanBeAsked, endsByOf, queryRunId, RunPatience, readResultFile, removeOldRuns } from '../query-run.ts';
import { type ContainerTemplate, withKeysFor } from './bot-container.ts';
import { makeWritable, prepareDirectories } from './bot-directories.ts';
import type { BotImage } from './bot-image.ts';
import type { BotNetwork } from './bot-network.ts';
import type { DockerApi } from './docker-api.ts';
import { detailOf, statusOf } from './docker-errors.ts';
import { queryContainerOptions, queryLabels, RESULT_FILE, runIdIn } from './query-container.ts';

/** Contract 8.4. */
const LOG_LINES = 1_000;
/** Of those lines, the last characters. */
const LOG_CHARACTERS = 64 * 1024;
/** Starts of one run on one network after the other, when networks are full or gone. */
const MOST_NETWORK_ATTEMPTS = 4;
/** Removals under way; a further run waits for one of them. */
const MOST_REMOVALS = 64;
/** What a container is given on top of its longest run before somebody else may take it for left over. */
const LEFTOVER_GRACE_MS = 60_000;

export interface QueryContainersParts {
  readonly api: DockerApi;
  readonly template: ContainerTemplate;
  readonly image: BotImage;
  readonly network: BotNetwork;
  /** How often containers are looked for that a runtime has left behind which was killed. */
  readonly sweepMs: number;
  readonly now: () => number;
}

/**
 * Query runs in containers of their own. None of them is in the ledger or the event watch, which are for bots.
 *
 *     create ──► start ──► wait ──► result ──► answered        remove, behind the answer
 *                            └── nobody waits ──► remove (ends it) ──► failed
 */
export class QueryContainers {
  readonly #parts: QueryContainersParts;
  /** Containers and directories of these runs are nobody else's to remove. */
  readonly #live = new Set<string>();
  readonly #removals = new Set<Promise<void>>();
  #sweeper: NodeJS.Timeout | null = null;
  /** Why the last sweep failed; a sentence. Null: it did not. */
  #trouble: string | null = null;

  constructor(parts: QueryContainersParts) {
    this.#parts = parts;
  }

  /** What should not be as it is, in sentences. */
  get troubles(): readonly string[] {
    return this.#trouble === null ? [] : [this.#trouble];
  }

  /** See `ContainerEngine.runQuery`. Throws what the Docker client throws as well. */
  async run(request: QueryRunRequest, askers: AbortSignal): Promise<QueryRunResult> {
    assertCanBeAsked(request);
    const { image, now } = this.#parts;
    const patience = new RunPatience(askers, request.deadlineMs);
    await image.ensure();
    while (this.#removals.size >= MOST_REMOVALS) await patience.race(Promise.race(this.#removals));
    patience.check();
    const runId = queryRunId(now() + request.deadlineMs + LEFTOVER_GRACE_MS);
    this.#live.add(runId);
    const made: Made = { containerId: null, directory: null };
    try {
      made.directory = await this.#prepare(request, runId);
      return await this.#answer(request, patience, runId, made);
    } finally {
      const removal = this.#remove(runId, made);
      this.#removals.add(removal);
      void removal.then(() => this.#removals.delete(removal));
      // Removing is what ends it.
      if (patience.signal.aborted) await removal;
    }
  }

  /** Now and again and again. */
  sweepFromNowOn(): void {
    const sweep = (): void => {
      void this.#sweep().then(
        () => {
          this.#trouble = null;
        },
        (error: unknown) => {
          this.#trouble = `What queries have left over cannot be removed (${detailOf(error)}); it is tried again and again.`;
        },
      );
    };
    sweep();
    this.#sweeper = setInterval(sweep, this.#parts.sweepMs).unref();
  }

  async close(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    await Promise.all(this.#removals);
  }

  async #answer(request: QueryRunRequest, patience: RunPatience, runId: string, made: Made): Promise<QueryRunResult> {
    const { api } = this.#parts;
    const containerId = await this.#start(request, patience, runId, made);
    const exitCode = await patience.race(api.ended(containerId, request.deadlineMs + LEFTOVER_GRACE_MS));
    const failed = exitCode !== 0;
    const { text, lastWords } = splitLastWords(failed ? await api.logTail(containerId, LOG_LINES) : '');
    const result =
      made.directory === null ? 'stored' : await readResultFile(join(made.directory, RESULT_FILE), request.resultBytes);
    return { exitCode, lastWords, logTail: text.trim().slice(-LOG_CHARACTERS), result };
  }

  /** Of a bot that is not in the object store: where its result will be. */
  async #prepare({ definition }: QueryRunRequest, runId: string): Promise<string | null> {
    const { directories } = this.#parts.template;
    if (directories === null || isStored(definition)) return null;
    await prepareDirectories(directories, definition);
    const directory = join(directories.queryRuns, runId);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await makeWritable(directory);
    return directory;
  }

  async #start(request: QueryRunRequest, patience: RunPatience, runId: string, made: Made): Promise<string> {
    const { api, network, now } = this.#parts;
    const template = await patience.race(withKeysFor(this.#parts.template, request.definition, 'query'));
    for (let attempt = 1; ; attempt++) {
      const networkMode = await network.mode();
      const options = queryContainerOptions(template, request, { runId, startedAt: now(), networkMode });
      try {
        // Not raced: of a container that is being made the id must be known, or it could not be removed.
        const containerId = await this.#create(options);
        made.containerId = containerId;
        patience.check();
        await patience.race(template.usable ?? Promise.resolve());
        if ((await patience.race(api.start(containerId))) !== 'absent') return containerId;
        throw new Error('the container was removed while it was started');
      } catch (error) {
        if (patience.signal.aborted || !(await network.failed(networkMode, error))) throw error;
        if (attempt === MOST_NETWORK_ATTEMPTS) throw error;
        if (made.containerId !== null) await api.remove(made.containerId);
        made.containerId = null;
      }
    }
  }

  async #create(options: Parameters<DockerApi['create']>[0]): Promise<string> {
    const { api, image } = this.#parts;
    try {
      return await api.create(options);
    } catch (error) {
      if (statusOf(error) !== 404 || !/no such image/i.test(detailOf(error))) throw error;
      image.forget();
      throw image.missing();
    }
  }

  /** Never rejects: what cannot be removed now is left over, and a sweep finds it by its labels, or tells why it cannot. */
  async #remove(runId: string, { containerId, directory }: Made): Promise<void> {
    try {
      if (containerId !== null) await this.#parts.api.remove(containerId);
      if (directory !== null) await rm(directory, { recursive: true, force: true });
    } catch {
      // Docker is away, or slow; see above.
    } finally {
      this.#live.delete(runId);
    }
  }

  /**
   * Removes what no runtime waits for any more: a killed one has left it, or a removal has failed.
   * @throws the first error, after all was tried
   */
  async #sweep(): Promise<void> {
    const { api, template, now } = this.#parts;
    const isOld = (runId: string): boolean => {
      const endsBy = endsByOf(runId);
      return endsBy !== null && endsBy < now() && !this.#live.has(runId);
    };
    const failures: unknown[] = [];
    for (const { Id, Labels } of await api.list(queryLabels(template.instance))) {
      const runId = runIdIn(Labels);
      if (runId === null || !isOld(runId)) continue;
      // That one cannot be removed keeps none of the others.
      await api.remove(Id).catch((error: unknown) => failures.push(error));
    }
    if (template.directories !== null) await removeOldRuns(template.directories.queryRuns, isOld);
    if (failures.length > 0) throw failures[0];
  }
}

interface Made {
  containerId: string | null;
  directory: string | null;
}
