/** Bounds in time and number of every call. */
export interface S3Limits {
  /** At the same time; more calls wait for one. */
  readonly connections: number;
  /** Until a connection stands, the TLS handshake included. */
  readonly connectMs: number;
  /** Silence of the store in the middle of a call. */
  readonly silenceMs: number;
  /** All waiting of one call for the store; more for large bodies, see `slowestBytesPerSecond`. */
  readonly callMs: number;
  /** A transfer slower than this fails. */
  readonly slowestBytesPerSecond: number;
  /** How long a connection is kept for the next call. Shorter than any store keeps its end. */
  readonly keptMs: number;
  /** To clean up after a rewrite that failed. */
  readonly abortMs: number;
}

export const DEFAULT_S3_LIMITS: S3Limits = {
  connections: 4,
  connectMs: 5_000,
  silenceMs: 30_000,
  callMs: 60_000,
  slowestBytesPerSecond: 256 * 1024,
  keptMs: 4_000,
  abortMs: 30_000,
};
