import { signalOfExitCode } from '../../../actors/exit-code.ts';

/**
 * A container's exit code as code or signal. An engine reports the death of PID 1 by a signal as 128 + its number, and so
 * does the init for its child.
 */
export function exitStatus(exitCode: number): { readonly code: number | null; readonly signal: string | null } {
  const signal = signalOfExitCode(exitCode);
  return signal === undefined ? { code: exitCode, signal: null } : { code: null, signal };
}
