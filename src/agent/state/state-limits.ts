import { type AgentLimits, DEFAULT_AGENT_LIMITS } from '../agent-limits.ts';

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
  /** Of a file that must be JSON: larger ones are not parsed to see whether they are. */
  readonly jsonBytes: number;
  /** How long one sync may wait for files that are being written. */
  readonly patienceMs: number;
}

/** @param stateBytes of all files @param stateFileBytes of one; both have settings of their own, which are no agent limits */
export function stateLimits(limits: AgentLimits, stateBytes: number, stateFileBytes: number): StateLimits {
  return {
    entries: limits.stateEntries,
    fileBytes: stateFileBytes,
    totalBytes: stateBytes,
    spoolMemoryBytes: limits.stateSpoolMemoryBytes,
    spoolBytes: limits.stateSpoolBytes,
    jsonBytes: limits.stateJsonBytes,
    patienceMs: limits.statePatienceMs,
  };
}

const MiB = 1024 * 1024;

/** Contract 4.2 for the two sizes. */
export const DEFAULT_STATE_LIMITS: StateLimits = stateLimits(DEFAULT_AGENT_LIMITS, 8_192 * MiB, 10 * MiB);
