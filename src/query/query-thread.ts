import { Worker } from 'node:worker_threads';
import type { QueryQuestion, RunQuery } from './ephemeral/query-question.ts';
import { QueryThreadFailed } from './query-errors.ts';
import type { FromQueryThread, QueryThreadStart, RouteChange, ToQueryThread } from './query-thread-protocol.ts';

export interface QueryThreadEvents {
  ask(thread: QueryThread, askId: number, botId: string, deadlineMs: number): void;
  readonly run: RunQuery;
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
  /** Query runs in which somebody in this thread has a share. */
  readonly #runs = new Map<number, AbortController>();

  constructor(start: QueryThreadStart, events: QueryThreadEvents) {
    this.#worker = new Worker(new URL('./query-thread-main.ts', import.meta.url), {
      workerData: start,
      name: 'query',
    });
    this.#worker.on('message', (message: FromQueryThread) => {
      switch (message.kind) {
        case 'ask':
          events.ask(this, message.askId, message.botId, message.deadlineMs);
          return;
        case 'run':
          void this.#run(message.runId, message.question, events.run);
          return;
        case 'leave':
          this.#runs.get(message.runId)?.abort();
          return;
        case 'listening':
        case 'not-listening':
          this.#listened?.(message.kind === 'listening');
      }
    });
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#gone = true;
        for (const run of this.#runs.values()) run.abort();
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

  async #run(runId: number, question: QueryQuestion, run: RunQuery): Promise<void> {
    const abort = new AbortController();
    this.#runs.set(runId, abort);
    const outcome = await run(question, abort.signal);
    this.#runs.delete(runId);
    if (!abort.signal.aborted) this.post({ kind: 'ran', runId, outcome });
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
