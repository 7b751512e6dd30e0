import { withDeadline } from '../../linked-abort.ts';
import { monotonicMs } from '../../storage/monotonic-clock.ts';
import { retryRead } from '../../storage/retry.ts';
import { messageOf } from '../agent-error.ts';
import type { AgentLimits } from '../agent-limits.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { StateSync, SyncResult } from '../state/state-sync.ts';
import { lastRetry } from '../store-retry.ts';
import { StateWatch } from './state-watch.ts';

export interface StateLoopOptions {
  readonly sync: StateSync;
  /** The state directory. */
  readonly directory: string;
  readonly limits: AgentLimits;
  /** Told whenever storing begins to fail, and when it works again (null). */
  readonly onTrouble: (message: string | null) => void;
  /** A later incarnation has stored its state: nothing is stored any more. Told once. */
  readonly onSuperseded: () => void;
}

/**
 * Decides when the state is stored:
 *
 *   a change ─► it has settled, or gone on for long enough ─► the budget allows it ─► store what has changed ─┐
 *       ▲                                                                                  │ failed: later     │
 *       └──── a sweep: mapped files always; all files when not all can be watched ◄────────┴───────────────────┘
 *
 * One at a time; what changes meanwhile is stored next.
 */
export class StateLoop {
  readonly #options: StateLoopOptions;
  readonly #watch: StateWatch;
  readonly #budget: ByteBudget;
  readonly #abort = new AbortController();
  /** Where something has changed since it was stored; null: it may be anywhere. */
  #dirty: Set<string> | null = null;
  #isDirty = true;
  #isHurried = false;
  #firstChangeAt = monotonicMs();
  #lastChangeAt = 0;
  #failures = 0;
  #notBefore = 0;
  #fullSweepAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #sweep: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #ended = false;
  #isSuperseded = false;

  constructor(options: StateLoopOptions) {
    this.#options = options;
    const { stateBytesPerSecond, stateCreditMs, stateFlushCapMs, stateWatches } = options.limits;
    const pauses = { longestWaitMs: stateFlushCapMs, creditMs: stateCreditMs };
    this.#budget = new ByteBudget(stateBytesPerSecond, pauses);
    this.#watch = new StateWatch(options.directory, stateWatches, (directory) => this.#changed(directory));
  }

  /** Everything is looked at once, then what changes. */
  start(): void {
    this.#watch.start();
    this.#fullSweepAt = monotonicMs() + this.#options.limits.stateFullSweepMs;
    this.#planSweep();
    this.#plan();
  }

  /** A stop was asked for: what there is now need not wait for the end. */
  hurry(): void {
    if (this.#ended) return;
    this.#notBefore = 0;
    this.#lastChangeAt = 0;
    this.#isHurried = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#plan();
  }

  /**
   * The bot has ended: one look at everything. There is no later for what cannot be stored now, so a store that is busy or
   * away is asked again until the time is over.
   * @returns whether all of it is stored
   */
  async finish(deadlineMs: number): Promise<boolean> {
    this.#end();
    const deadline = setTimeout(() => this.#abort.abort(), deadlineMs);
    try {
      await this.#running;
      const { sync, limits } = this.#options;
      const { signal } = this.#abort;
      // It may be made again: each first asks what became of the one before.
      const result = await retryRead(() => sync.sync(null, signal), lastRetry(limits), signal);
      this.#settle(result);
      return result.kind === 'uploaded' || result.kind === 'unchanged';
    } catch (error) {
      this.#options.onTrouble(`the end of the state could not be stored: ${messageOf(error)}`);
      return false;
    } finally {
      clearTimeout(deadline);
    }
  }

  #end(): void {
    this.#ended = true;
    for (const timer of [this.#timer, this.#sweep]) if (timer !== null) clearTimeout(timer);
    this.#watch.close();
  }

  #changed(directory: string): void {
    const now = monotonicMs();
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.#dirty = new Set();
      this.#firstChangeAt = now;
    }
    this.#dirty?.add(directory);
    this.#lastChangeAt = now;
    this.#plan();
  }

  #planSweep(): void {
    this.#sweep = setTimeout(() => {
      const now = monotonicMs();
      if (!this.#watch.isComplete) this.#watch.start();
      const isFull = !this.#watch.isComplete || now >= this.#fullSweepAt;
      if (isFull) this.#fullSweepAt = now + this.#options.limits.stateFullSweepMs;
      if (!this.#isDirty) this.#dirty = new Set();
      if (isFull) this.#dirty = null;
      if (!this.#isDirty) this.#firstChangeAt = now;
      this.#isDirty = true;
      this.#plan();
      this.#planSweep();
    }, this.#options.limits.stateSweepMs);
  }

  #plan(): void {
    if (this.#ended || this.#running !== null || this.#timer !== null || !this.#isDirty) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // A change while it waited has put it off.
      if (this.#pauseMs() > 1) this.#plan();
      else this.#run();
    }, this.#pauseMs());
  }

  #pauseMs(): number {
    if (this.#isHurried) return 0;
    const { stateSettleMs, stateSettleCapMs } = this.#options.limits;
    const settledAt = Math.min(this.#lastChangeAt + stateSettleMs, this.#firstChangeAt + stateSettleCapMs);
    const now = monotonicMs();
    return Math.max(0, settledAt - now, this.#notBefore - now, this.#budget.waitMs);
  }

  #run(): void {
    this.#running = this.#store().finally(() => {
      this.#running = null;
      this.#plan();
    });
  }

  async #store(): Promise<void> {
    const { sync, limits, onTrouble } = this.#options;
    const directories = this.#dirty;
    this.#isDirty = false;
    this.#isHurried = false;
    const movedBefore = sync.movedBytes;
    try {
      this.#settle(
        await withDeadline(this.#abort.signal, limits.stateRequestMs, (signal) => sync.sync(directories, signal)),
      );
      if (this.#failures > 0) onTrouble(null);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) onTrouble(`the state cannot be stored: ${messageOf(error)}; trying again`);
      const pauseMs = limits.stateFailurePauseMs * 2 ** (this.#failures - 1);
      this.#notBefore = monotonicMs() + Math.min(pauseMs, limits.stateFailurePauseCapMs);
      this.#again(directories);
    } finally {
      this.#budget.spend(sync.movedBytes - movedBefore);
    }
  }

  #again(directories: ReadonlySet<string> | null): void {
    if (!this.#isDirty) this.#firstChangeAt = monotonicMs();
    const meanwhile = this.#isDirty ? this.#dirty : new Set<string>();
    this.#dirty = directories === null || meanwhile === null ? null : new Set([...directories, ...meanwhile]);
    this.#isDirty = true;
  }

  #settle(result: SyncResult): void {
    if (result.kind !== 'superseded' || this.#isSuperseded) return;
    this.#isSuperseded = true;
    this.#end();
    this.#options.onSuperseded();
  }
}
