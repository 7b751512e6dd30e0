import type { Clock } from './clock.ts';
import { Heap, type HeapItem } from './heap.ts';

/** A clock that stands still until told to move, for tests and the simulator. Nothing runs but inside its own methods. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `ms`, running on the way everything that becomes due, each at its own instant.
   * @returns how many callbacks ran
   */
  advance(ms: number): number;
  /** Runs what is due now, and what thereby becomes due now, without moving time. @returns how many callbacks ran */
  runDue(): number;
  /**
   * Jumps from one due instant to the next until nothing is pending, at most `limitMs` ahead.
   * @returns true when nothing is pending any more
   */
  runUntilIdle(limitMs: number): boolean;
  /** Sets the clock forward or back, as people and time servers do: what is scheduled comes after the same wait as before. */
  jump(ms: number): void;
  /** Callbacks that wait, deferred ones included. */
  pending(): number;
}

export interface VirtualClockOptions {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  /** Gives numbers in [0, 1). With it, what is due at the same instant runs in random order; without, in the order scheduled. */
  readonly random?: () => number;
  /** Callbacks at one instant after which the clock says that they keep each other going for ever. */
  readonly callbacksPerInstant?: number;
}

interface Callback extends HeapItem {
  readonly at: number;
  readonly rank: number;
  readonly order: number;
  readonly run: () => void;
}

/** @throws RangeError from its methods when callbacks at one instant do not come to an end, or for a negative `ms` */
export function createVirtualClock(options: VirtualClockOptions): VirtualClock {
  const { startMs, random, callbacksPerInstant = 1_000_000 } = options;
  const heap = new Heap<Callback>(isBefore);
  /** Of a clock that nobody sets; `now` is so much ahead of it. */
  let nowMs = startMs;
  let aheadMs = 0;
  let order = 0;

  function add(delayMs: number, run: () => void): Callback {
    order += 1;
    const callback = { at: nowMs + Math.max(0, delayMs), rank: random?.() ?? 0, order, run, place: -1 };
    heap.push(callback);
    return callback;
  }

  function runDue(): number {
    let ran = 0;
    for (let next = heap.peek(); next !== undefined && next.at <= nowMs; next = heap.peek()) {
      if (ran === callbacksPerInstant) {
        throw new RangeError(`${ran} callbacks ran at one instant (${nowMs}) and there are still more: a loop?`);
      }
      heap.remove(next);
      ran += 1;
      next.run();
    }
    return ran;
  }

  function runUntil(endMs: number): number {
    let ran = runDue();
    for (let next = heap.peek(); next !== undefined && next.at <= endMs; next = heap.peek()) {
      nowMs = next.at;
      ran += runDue();
    }
    return ran;
  }

  return {
    now: () => nowMs + aheadMs,
    schedule(delayMs, run) {
      const callback = add(delayMs, run);
      return () => {
        heap.remove(callback);
      };
    },
    defer: (run) => {
      add(0, run);
    },
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Time only moves forward: ${ms} ms`);
      const endMs = nowMs + ms;
      const ran = runUntil(endMs);
      nowMs = endMs;
      return ran;
    },
    runDue,
    runUntilIdle(limitMs) {
      runUntil(nowMs + limitMs);
      return heap.size === 0;
    },
    jump(ms) {
      aheadMs += ms;
    },
    pending: () => heap.size,
  };
}

function isBefore(a: Callback, b: Callback): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.rank === b.rank ? a.order < b.order : a.rank < b.rank;
}
