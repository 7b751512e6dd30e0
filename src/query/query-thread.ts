import { Worker } from 'node:worker_threads';
import { QueryThreadFailed } from './query-errors.ts';
import type { FromQueryThread, QueryThreadSettings, RouteChange, ToQueryThread } from './query-thread-protocol.ts';

export interface QueryThreadEvents {
  ask(thread: QueryThread, askId: number, botId: string, deadlineMs: number): void;
  /** It ended without being asked to. Called once. */
  dead(thread: QueryThread, error: Error): void;
}

/** One query thread as the main thread sees it. */
export class QueryThread {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #closing = false;
  #gone = false;
  #error: Error | null = null;
  #listened: ((listening: boolean) => void) | null = null;

  constructor(settings: QueryThreadSettings, events: QueryThreadEvents) {
    this.#worker = new Worker(new URL('./query-thread-main.ts', import.meta.url), {
      workerData: settings,
      name: 'query',
    });
    this.#worker.on('message', (message: FromQueryThread) => {
      if (message.kind === 'ask') events.ask(this, message.askId, message.botId, message.deadlineMs);
      else this.#listened?.(message.kind === 'listening');
    });
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#gone = true;
        resolve();
        this.#listened?.(false);
        if (this.#closing) return;
        const why = this.#error?.message ?? `exit code ${code}`;
        events.dead(this, new QueryThreadFailed(`a query thread ended: ${why}`, { cause: this.#error }));
      });
    });
  }

  /** @returns false when the port could not be bound, or the thread ended meanwhile */
  listen(host: string, port: number, table: readonly RouteChange[]): Promise<boolean> {
    return new Promise((resolve) => {
      this.#listened = (listening) => {
        this.#listened = null;
        resolve(listening);
      };
      if (this.#gone) return this.#listened(false);
      this.post({ kind: 'routes', changes: table });
      this.post({ kind: 'listen', host, port });
    });
  }

  post(message: ToQueryThread): void {
    if (!this.#gone) this.#worker.postMessage(message);
  }

  /** Resolves when it has ended, or after `graceMs` and as much again; a thread that hangs then ends with the process. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.post({ kind: 'close', graceMs });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs * 2 + 1000);
    });
    await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    this.#worker.unref();
  }
}
