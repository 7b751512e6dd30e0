import type { ExitFacts, LastWords } from '../../../actors/observation.ts';
import { parseLastWords } from '../last-words.ts';
import { viewOfInspection } from './container-view.ts';
import type { DockerApi } from './docker-api.ts';
import { exitStatus } from './exit-status.ts';
import { readTerminationLog } from './termination-log.ts';
import type { TrackedContainer } from './tracked-container.ts';

/** The agent's line is its last on stderr, but what the bot wrote to stdout may have been logged after it. */
const LOG_LINES = 50;
/** A start in place takes longer than this, so no line of the run before is that young. */
const BEFORE_START_MS = 50;
/** The kernel's notice and the exit belong together when they are no further apart. */
const OUT_OF_MEMORY_MS = 10_000;

/** Reads why a container ended: code or signal, out of memory, and the agent's last words. */
export class ExitReader {
  readonly #api: DockerApi;
  readonly #logsOf: ((botId: string) => string) | null;
  readonly #patienceMs: number;

  /**
   * @param logsOf a bot's log directory, where it is mounted into the container; null: it never is
   * @param patienceMs longest wait for the last words; without them the exit is told all the same
   */
  constructor(api: DockerApi, logsOf: ((botId: string) => string) | null, patienceMs: number) {
    this.#patienceMs = patienceMs;
    this.#api = api;
    this.#logsOf = logsOf;
  }

  /** Never throws: an exit is told with what is known. Asked again for the same run, it answers the same. */
  async read(
    container: TrackedContainer,
    ended: { exitCode: number; at: number; outOfMemory: boolean },
  ): Promise<ExitFacts> {
    container.exit ??= this.#read(container, ended);
    return await container.exit;
  }

  async #read(
    container: TrackedContainer,
    { exitCode, at, outOfMemory }: { exitCode: number; at: number; outOfMemory: boolean },
  ): Promise<ExitFacts> {
    const { incarnation, outOfMemoryAt } = container;
    const noticed = outOfMemoryAt > 0 && at - outOfMemoryAt < OUT_OF_MEMORY_MS;
    const lastWords = await this.#lastWords(container);
    return { incarnation, ...exitStatus(exitCode), outOfMemory: outOfMemory || noticed, lastWords, at: Math.floor(at) };
  }

  async #lastWords(container: TrackedContainer): Promise<LastWords | null> {
    const { botId, keepsFilesInside } = container.identity;
    const left = this.#logsOf === null || keepsFilesInside ? 'unsupported' : readTerminationLog(this.#logsOf(botId));
    if (left !== 'unsupported' && left.version !== container.terminationLog) {
      container.terminationLog = left.version;
      return left.words;
    }
    const deadline = Date.now() + this.#patienceMs;
    try {
      // Of a container found running it is not known when it started, and its log may hold the run before.
      const startedAt = container.startedAt || (await this.#startOf(container.id));
      const log = await this.#api.stderrTail(container.id, {
        lines: LOG_LINES,
        sinceMs: Math.max(0, startedAt - BEFORE_START_MS),
        deadlineMs: Math.max(1, deadline - Date.now()),
      });
      return parseLastWords(log);
    } catch {
      // Removed meanwhile, or Docker is slow: the exit is worth more than its words, and is told without them.
      return null;
    }
  }

  async #startOf(containerId: string): Promise<number> {
    const inspection = await this.#api.inspect(containerId);
    return inspection === null ? 0 : viewOfInspection(inspection).startedAt;
  }
}
