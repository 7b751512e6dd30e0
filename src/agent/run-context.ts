import type { LastWords } from '../../actors/observation.ts';
import type { AgentError } from './agent-error.ts';
import type { AgentSettings } from './agent-settings.ts';
import type { SecretMask } from './secret-mask.ts';
import type { StopSignal } from './stop-signal.ts';
import type { Tee } from './tee.ts';

/** What the parts of one run share. */
export interface RunContext {
  readonly settings: AgentSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stop: StopSignal;
  readonly mask: SecretMask;
  /** Null: the agent's own output is not wanted (`THE0_LOG_TEE=0`). */
  readonly tee: Tee | null;
  /** What came over the launcher's pipe: the credentials of the object store among it (see `open-store.ts`). */
  readonly secrets: ReadonlyMap<string, string>;
}

/** How a run ended: the agent's own exit code, and why. */
export interface RunEnd {
  readonly exitCode: number;
  readonly lastWords: LastWords;
}

/** Contract 6.2 and 6.7: what fails before the program runs ends with exit code 1. */
export function failedRun(error: AgentError, mask: SecretMask): RunEnd {
  const facts = Object.entries(error.facts).map(([name, value]) => [
    name,
    typeof value === 'string' ? mask(value) : value,
  ]);
  return { exitCode: 1, lastWords: { the0: 1, code: error.code, facts: Object.fromEntries(facts) } };
}

export const STOPPED_BEFORE_START: RunEnd = {
  exitCode: 0,
  lastWords: { the0: 1, code: 'stopped', facts: { beforeStart: true } },
};
