import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { withDeadline } from '../../linked-abort.ts';
import { appendToLog, type LogVersion, logVersion } from '../../storage/log-object.ts';
import { monotonicMs } from '../../storage/monotonic-clock.ts';
import { type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import { retryRead } from '../../storage/retry.ts';
import { messageOf } from '../agent-error.ts';
import type { AgentLimits } from '../agent-limits.ts';
import { ByteBudget } from '../byte-budget.ts';
import { storeRetry } from '../store-retry.ts';
import { logChunk } from './log-chunk.ts';
import { decodePositions, encodePositions, type LogPosition, latest } from './log-position.ts';
import { LogSource } from './log-source.ts';
import { localDay, localTimestamp } from './stored-line.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** So much before midnight what is there is sent, so that a day's log ends with that day. */
const BEFORE_MIDNIGHT_MS = 2_000;

export interface LogSyncOptions {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly botId: string;
  /** The local log. */
  readonly path: string;
  readonly limits: Pick<AgentLimits, LogSyncLimit>;
  /** Told whenever storing begins to fail, and when it works again (null); and what was lost. */
  readonly onTrouble: (message: string | null) => void;
  readonly onDropped: (lines: number) => void;
  /** For tests and simulations; what is left out is real. */
  readonly clock?: Partial<LogClock>;
}

export interface LogClock {
  /** The wall clock; keys and timestamps have its local day and time. */
  readonly now: () => Date;
  /** Never set back; the budget counts on it. */
  readonly monotonicMs: () => number;
  /** @returns takes it back */
  readonly schedule: (task: () => void, afterMs: number) => () => void;
}

const REAL_CLOCK: LogClock = {
  now: () => new Date(),
  monotonicMs,
  schedule: (task, afterMs) => {
    const timer = setTimeout(task, afterMs);
    return () => clearTimeout(timer);
  },
};

type LogSyncLimit =
  | 'logFlushMs'
  | 'logFlushCapMs'
  | 'logAppendBytes'
  | 'logRequestMs'
  | 'logFailurePauseMs'
  | 'logFailurePauseCapMs'
  | 'logStoreBytesPerSecond'
  | 'storeAttempts'
  | 'storeRetryMs'
  | 'storeRetryCapMs';

/**
 * Brings a bot's log to the store: one object per day, whole lines, in order, each exactly once (design 8).
 *
 *   local file ─► whole lines after the position ─► one append, which carries the position after it ─► position moves
 *
 * An append that may or may not have happened is never repeated blindly: the position in the stored log tells. How often it
 * appends follows from what an append costs: on the average no more bytes are moved than the budget allows.
 */
export class LogSync {
  readonly #options: LogSyncOptions;
  readonly #clock: LogClock;
  readonly #source: LogSource;
  readonly #budget: ByteBudget;
  /** Null: ended, nothing more is planned. */
  #cancel: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  readonly #ended = new AbortController();
  /** What was last seen in the store; undefined when that may have changed. */
  #known: { readonly day: string; readonly version: LogVersion | null } | undefined;
  #failures = 0;

  /** @throws what the file system throws when the logs directory cannot be written */
  constructor(options: LogSyncOptions) {
    this.#options = options;
    this.#clock = { ...REAL_CLOCK, ...options.clock };
    const { logStoreBytesPerSecond, logFlushCapMs } = options.limits;
    this.#budget = new ByteBudget(
      logStoreBytesPerSecond,
      { longestWaitMs: logFlushCapMs, creditMs: 0 },
      this.#clock.monotonicMs,
    );
    this.#source = new LogSource(options.path, randomBytes(8).toString('hex'));
  }

  start(): void {
    this.#plan();
  }

  /**
   * Appends all there is, whatever the budget says; used at the end.
   * @param retry for a store that is busy or away: each append first looks how far the stored log is
   * @returns whether everything is stored
   */
  async finish(deadlineMs: number, retry = storeRetry(this.#options.limits)): Promise<boolean> {
    this.#cancel?.();
    this.#cancel = null;
    const deadline = setTimeout(() => this.#ended.abort(), deadlineMs);
    await this.#running;
    try {
      let more = true;
      while (more) more = await retryRead(() => this.#append(true), retry, this.#ended.signal);
      return true;
    } catch (error) {
      this.#options.onTrouble(`the end of the log could not be stored: ${messageOf(error)}`);
      return false;
    } finally {
      clearTimeout(deadline);
      this.#source.close();
    }
  }

  #plan(): void {
    this.#cancel = this.#clock.schedule(() => {
      this.#running = this.#run().finally(() => {
        if (this.#cancel !== null) this.#plan();
      });
    }, this.#pauseMs());
  }

  #pauseMs(): number {
    const { logFlushMs, logFailurePauseMs, logFailurePauseCapMs } = this.#options.limits;
    if (this.#failures > 0) {
      const pauseMs = Math.min(logFailurePauseMs * 2 ** (this.#failures - 1), logFailurePauseCapMs);
      return Math.max(pauseMs, this.#budget.waitMs);
    }
    const affordable = Math.max(logFlushMs, this.#budget.waitMs);
    const now = this.#clock.now();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime();
    const lastCall = midnight - BEFORE_MIDNIGHT_MS - now.getTime();
    return lastCall > 0 ? Math.min(affordable, lastCall) : affordable;
  }

  async #run(): Promise<void> {
    try {
      await this.#append(false);
      if (this.#failures > 0) this.#options.onTrouble(null);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) this.#options.onTrouble(`the log cannot be stored: ${messageOf(error)}; trying again`);
    }
  }

  /** @returns whether there was something to append */
  async #append(final: boolean): Promise<boolean> {
    const { limits, store, bucket, path, onDropped } = this.#options;
    const now = this.#clock.now();
    const day = localDay(now);
    const place = this.#placeOf(day);
    if (this.#known?.day !== day) await this.#inTime((signal) => this.#look(day, now, signal));

    const next = this.#source.next(limits.logAppendBytes, final);
    const dropped = this.#source.takeDroppedLines();
    if (dropped > 0) onDropped(dropped);
    if (next === null) return false;
    const chunk = logChunk(next.slice, localTimestamp(now));
    const version = this.#known?.version ?? null;
    // Until the answer is there, what is stored is not known.
    this.#known = undefined;
    if (chunk.size > 0) {
      const offsets = encodePositions(next.after, decodePositions(version?.offsets ?? ''));
      const spoolDirectory = dirname(path);
      let sentBytes = 0;
      const onSent = (bytes: number) => {
        sentBytes += bytes;
      };
      const send = async (signal: AbortSignal) => {
        const append = () => appendToLog(store, place, version, chunk, { offsets, signal, spoolDirectory, onSent });
        return await append().catch(async (error: unknown) => {
          if (!(error instanceof StoreError) || error.trouble !== 'missing' || version !== null) throw error;
          await store.createBucket(bucket, signal);
          return append();
        });
      };
      try {
        const result = await this.#inTime(send);
        sentBytes = result.movedBytes;
        this.#known = { day, version: result.version };
      } finally {
        this.#budget.spend(sentBytes);
      }
    } else {
      this.#known = { day, version };
    }
    this.#source.sent(next.after);
    return true;
  }

  /** What is stored of this day, and, the first time, how far the log had come, today or yesterday. */
  async #look(day: string, now: Date, signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const version = await logVersion(store, this.#placeOf(day), signal);
    const yesterday =
      version === null
        ? await logVersion(store, this.#placeOf(localDay(new Date(now.getTime() - DAY_MS))), signal)
        : null;
    const positions = decodePositions((version ?? yesterday)?.offsets ?? '');
    const stored: LogPosition | null = latest(positions, this.#source.position.source);
    if (stored !== null) this.#source.catchUp(stored);
    this.#known = { day, version };
  }

  /** One round of requests. */
  async #inTime<Result>(requests: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return await withDeadline(this.#ended.signal, this.#options.limits.logRequestMs, requests);
  }

  #placeOf(day: string): ObjectPlace {
    return { bucket: this.#options.bucket, key: `logs/${this.#options.botId}/${day}.log` };
  }
}
