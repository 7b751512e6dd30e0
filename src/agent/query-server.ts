import { monotonicMs } from '../storage/monotonic-clock.ts';
import type { AgentLimits } from './agent-limits.ts';
import type { ProcessExit, ProcessGroup, StartFailure } from './process-group.ts';

export interface QueryServerOptions {
  readonly start: () => ProcessGroup;
  /** It ended by itself and is started again after the delay. */
  readonly onEnded: (exit: ProcessExit | StartFailure, restartDelayMs: number) => void;
  /** It was stopped and nothing of it runs any more. */
  readonly onStopped: () => Promise<void>;
  readonly limits: Pick<AgentLimits, 'queryFirstRestartMs' | 'queryRestartMs' | 'queryRestartCapMs' | 'queryHealthyMs'>;
}

/** Keeps a bot's query server running beside the bot (contract 12.3 #52). It never ends or restarts the bot. */
export class QueryServer {
  readonly #options: QueryServerOptions;
  #group: ProcessGroup;
  #failures = 0;
  #restart: NodeJS.Timeout | null = null;
  #stopping = false;

  constructor(options: QueryServerOptions) {
    this.#options = options;
    this.#group = this.#start();
  }

  /** SIGTERM, after the grace SIGKILL. Resolves when nothing of it runs any more. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#restart !== null) {
      clearTimeout(this.#restart);
    } else {
      this.#group.signal('SIGTERM');
      const kill = setTimeout(() => this.#group.signal('SIGKILL'), graceMs);
      await this.#group.ended;
      clearTimeout(kill);
    }
    await this.#options.onStopped();
  }

  #start(): ProcessGroup {
    const startedAt = monotonicMs();
    const group = this.#options.start();
    void group.ended.then((exit) => this.#ended(exit, monotonicMs() - startedAt));
    return group;
  }

  #ended(exit: ProcessExit | StartFailure, livedMs: number): void {
    if (this.#stopping) return;
    this.#failures = livedMs >= this.#options.limits.queryHealthyMs ? 1 : this.#failures + 1;
    const delayMs = restartDelay(this.#failures, this.#options.limits);
    this.#options.onEnded(exit, delayMs);
    this.#restart = setTimeout(() => {
      this.#restart = null;
      this.#group = this.#start();
    }, delayMs);
  }
}

function restartDelay(failures: number, limits: QueryServerOptions['limits']): number {
  if (failures === 1) return limits.queryFirstRestartMs;
  return Math.min(limits.queryRestartMs * 2 ** (failures - 2), limits.queryRestartCapMs);
}
