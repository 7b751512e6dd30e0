/**
 * A signal for one piece of work: aborted with any of those it is linked to, when its time is over, or by {@link abort}. Who
 * makes one calls {@link release} when the work is over, whatever came of it; then nothing of it stays anywhere.
 *
 * Not `AbortSignal.any`: what that derives can stay with its sources until they are aborted, and even of what does not,
 * something is left (up to 2 KB each, Node 22). A signal that lives as long as the process would gather that for ever.
 */
export class LinkedAbort {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs its time; absent: it has as long as it wants */
  constructor(sources: readonly AbortSignal[], timeoutMs?: number) {
    this.#sources = sources;
    for (const source of sources) source.addEventListener('abort', this.#follow);
    if (timeoutMs !== undefined) {
      const late = () => this.abort(new Error(`There was no answer within ${timeoutMs} ms.`));
      this.#timer = setTimeout(late, timeoutMs);
    }
    if (sources.some(({ aborted }) => aborted)) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.release();
    this.#controller.abort(reason);
  }

  /** From now on only {@link abort} aborts it. */
  release(): void {
    clearTimeout(this.#timer);
    for (const source of this.#sources) source.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.abort(this.#sources.find(({ aborted }) => aborted)?.reason);
}

/** Does one piece of work with a signal of its own; see {@link LinkedAbort}. @throws what the work throws */
export async function withDeadline<Result>(
  source: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const link = new LinkedAbort([source], timeoutMs);
  try {
    return await work(link.signal);
  } finally {
    link.release();
  }
}
