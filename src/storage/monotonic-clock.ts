/** Milliseconds that never go back. Not `performance.now()`, which costs every agent 0.1 MB. */
export function monotonicMs(): number {
  return process.uptime() * 1000;
}
