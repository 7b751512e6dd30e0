/** Time as the kernel sees it, so that the same code runs on a real and on a virtual clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once, after at least `delayMs`. The returned function cancels it. */
  schedule(delayMs: number, callback: () => void): () => void;
  /** Calls `callback` soon, after pending I/O had its turn (a macrotask, never a microtask). */
  defer(callback: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  defer: (callback) => {
    setImmediate(callback);
  },
};
