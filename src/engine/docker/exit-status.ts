import { constants } from 'node:os';

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/**
 * A container's exit code as code or signal. An engine reports the death of PID 1 by a signal as 128 + its number, and so
 * does the init for its child.
 */
export function exitStatus(exitCode: number): { readonly code: number | null; readonly signal: string | null } {
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined;
  return signal === undefined ? { code: exitCode, signal: null } : { code: null, signal };
}
