/**
 * For a timer that has fired: the clock may have been set back since it was set.
 * @returns 0 when it is time, else when to wake up again; times in milliseconds
 */
export function dueOrAgain(at: number, now: number, longestMs: number): number {
  return at <= now ? 0 : Math.min(at, now + longestMs);
}
