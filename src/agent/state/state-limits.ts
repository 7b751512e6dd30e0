/** Bounds of a bot's state. */
export interface StateLimits {
  /** Files, links and directories. */
  readonly entries: number;
  /** Bytes of one file; larger ones are left out (contract 4.2: MAX_STATE_FILE_SIZE_MB). */
  readonly fileBytes: number;
  /** Bytes of all files; above it nothing is stored (contract 4.2: MAX_STATE_SIZE_MB). */
  readonly totalBytes: number;
  /** Of packed files that wait for their upload: so many in memory … */
  readonly spoolMemoryBytes: number;
  /** … and so many, and one more file that is no larger, on disk; then they are uploaded before the next are packed. */
  readonly spoolBytes: number;
  /** How long one sync may wait for files that are being written. */
  readonly patienceMs: number;
}

const MiB = 1024 * 1024;

export const DEFAULT_STATE_LIMITS: StateLimits = {
  entries: 500_000,
  fileBytes: 10 * MiB,
  totalBytes: 8_192 * MiB,
  spoolMemoryBytes: 1 * MiB,
  spoolBytes: 64 * MiB,
  patienceMs: 1_000,
};
