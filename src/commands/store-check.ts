import { withDeadline } from '../linked-abort.ts';
import { Pauses, pause } from '../pause.ts';
import { type Buckets, type ObjectStore, StoreError } from '../storage/object-store.ts';
import { probeStore } from '../storage/probe.ts';
import { storeAdvice } from './store-advice.ts';

export interface StoreCheckOptions {
  readonly store: ObjectStore;
  /** `host:port`, for sentences. */
  readonly endpoint: string;
  readonly buckets: Buckets;
  /** Of one try. */
  readonly timeoutMs: number;
  /** Pauses between tries: the first, doubling up to the longest. */
  readonly retryMs: number;
  readonly retryCapMs: number;
  /** Something that stays as it is and somebody should know once; a sentence. */
  readonly warn: (sentence: string) => void;
}

/**
 * Finds out at the start what the object store can do, and goes on until it has answered and can be used. The runtime does
 * without it meanwhile: what needs the store says so itself.
 *
 *   try ──► away, denied ──pause──► try … ──► its abilities are known ──► its code bucket is there ──► done
 */
export class StoreCheck {
  readonly #options: StoreCheckOptions;
  readonly #closing = new AbortController();
  #honoursConditions = true;
  #isProbed = false;
  #trouble: { readonly kind: string; readonly sentence: string } | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: StoreCheckOptions) {
    this.#options = options;
  }

  /** Whether writes heed their conditions, as far as is known: what is not known yet is hoped for. */
  get honoursConditions(): boolean {
    return this.#honoursConditions;
  }

  /** What is wrong with the store now, in sentences. */
  get troubles(): readonly string[] {
    return this.#trouble === null ? [] : [this.#trouble.sentence];
  }

  /** Resolves after the first try, or when that takes too long; goes on by itself. */
  async start(): Promise<void> {
    const first = this.#try();
    this.#running = first.then((done) => this.#goOn(done));
    await Promise.race([first, pause(this.#options.timeoutMs, this.#closing.signal)]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // What is still on its way must not be waited for.
    this.#options.store.close();
    await this.#running;
  }

  async #goOn(isDone: boolean): Promise<void> {
    const { retryMs, retryCapMs } = this.#options;
    const pauses = new Pauses(retryMs, retryCapMs);
    for (let done = isDone; !done; ) {
      await pauses.wait(this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      done = await this.#try();
    }
  }

  /** @returns whether there is nothing more to find out */
  async #try(): Promise<boolean> {
    const { buckets, endpoint, timeoutMs } = this.#options;
    try {
      if (await withDeadline(this.#closing.signal, timeoutMs, (signal) => this.#look(signal))) {
        this.#trouble = null;
        return true;
      }
      const sentence =
        `The object store ${endpoint} has no bucket ${buckets.code}, where the code of bots is, so none can start from it. ` +
        '`the0-runtime deploy` makes it with the first bot.';
      this.#trouble = { kind: 'code-bucket-missing', sentence };
    } catch (error) {
      if (this.#closing.signal.aborted) return true;
      const kind = error instanceof StoreError ? error.trouble : 'failed';
      const detail = error instanceof Error ? error.message : String(error);
      // A new sentence for the same trouble is no news.
      if (this.#trouble?.kind !== kind) {
        const what = kind === 'denied' ? `does not let the runtime in (${detail})` : `cannot be used: ${detail}`;
        const sentence = `The object store ${endpoint} ${what}. ${storeAdvice(error)} Bots whose code is there may not start; it is tried again.`;
        this.#trouble = { kind, sentence };
      }
    }
    return false;
  }

  /** @returns whether there is a code bucket */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { store, buckets } = this.#options;
    if (!this.#isProbed) {
      if (!(await store.bucketExists(buckets.state, signal))) await store.createBucket(buckets.state, signal);
      this.#learnt(await probeStore(store, buckets.state, signal));
    }
    return await store.bucketExists(buckets.code, signal);
  }

  #learnt({ conditionalWrites, copies }: { conditionalWrites: boolean; copies: boolean }): void {
    const { endpoint, warn } = this.#options;
    this.#isProbed = true;
    this.#honoursConditions = conditionalWrites;
    if (!conditionalWrites) {
      warn(
        `The object store ${endpoint} ignores conditions on writes, so there is no fencing: should a bot ever run twice, one copy can overwrite what the other has stored.`,
      );
    }
    if (!copies) {
      warn(
        `The object store ${endpoint} cannot make an object out of parts of another, so states and logs above its smallest part (5 MiB) cannot be stored.`,
      );
    }
  }
}
