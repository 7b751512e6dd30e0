import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses between tries: each twice as long as the one before, up to `longestMs`, a fifth of it by chance. */
export class Pauses {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** Resolves early when `signal` is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#longestMs);
    await pause(ms * (0.9 + 0.2 * Math.random()), signal);
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Resolves after this time, or as soon as `signal` is aborted. Keeps no process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
