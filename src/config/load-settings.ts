import { type Environment, type FlagValues, readSetting, type SettingProblem, SettingsError } from './read-setting.ts';
import type { Setting } from './setting.ts';
import { type Settings, settingsTable } from './settings.ts';
import { agentFlag } from './table/agent.ts';
import { storeAccess } from './table/object-store.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  /** Sentences about environment variables that could not be read and that the contract wants tolerated. */
  readonly warnings: readonly string[];
}

/**
 * Reads every setting: its flag, else its environment variable, else its default.
 * @param defaults texts by flag, where a command has defaults of its own
 * @throws SettingsError that names all settings at fault, so that a person mends them in one go
 */
export function loadSettings(env: Environment, flags: FlagValues = {}, defaults: FlagValues = {}): LoadedSettings {
  const warnings: string[] = [];
  const problems: SettingProblem[] = [];
  const settings = settingsTable((setting) => {
    const { value, source, warning, problem } = readSetting(setting, env, flags);
    if (warning !== null) warnings.push(warning);
    if (problem !== null) problems.push(problem);
    const own = source === 'default' ? defaults[setting.flag] : undefined;
    return own === undefined ? value : ownDefault(setting, own);
  });
  problems.push(...contradictions(settings));
  if (problems.length > 0) throw new SettingsError(problems);
  return { settings, warnings };
}

/** @throws a defect of the command */
function ownDefault<Value>({ flag, kind }: Setting<Value>, text: string): Value {
  const value = kind.parse(text);
  if (value === undefined) throw new Error(`the default ${text} of ${flag} is not ${kind.expected}`);
  return value;
}

/** Limits of the agent that begin somewhere and grow up to the other. */
const AGENT_CAPS = [
  ['storeRetryCapMs', 'storeRetryMs'],
  ['queryRestartCapMs', 'queryRestartMs'],
  ['stateSettleCapMs', 'stateSettleMs'],
  ['stateFailurePauseCapMs', 'stateFailurePauseMs'],
  ['natsReconnectCapMs', 'natsReconnectMs'],
  ['logFlushCapMs', 'logFlushMs'],
  ['logFailurePauseCapMs', 'logFailurePauseMs'],
] as const;

/** Values that are fine alone but not together. */
function contradictions({ restart, query, objectStore, agent, stored, services }: Settings): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const notShorter = (flag: string, longestMs: number, than: string, shortestMs: number) => {
    if (longestMs >= shortestMs) return;
    problems.push({ flag, sentence: `${flag} must not be shorter than ${than}` });
  };
  notShorter('restart-cap', restart.capMs, 'restart-base', restart.baseMs);
  notShorter('query-max-timeout', query.limits.maxTimeoutMs, 'query-timeout', query.limits.defaultTimeoutMs);
  const { expiryMs, renewMs } = services.lease;
  notShorter('lease-expiry', expiryMs, 'three times lease-renew', 3 * renewMs);
  const { probe } = stored;
  notShorter('store-probe-retry-cap', probe.retryCapMs, 'store-probe-retry', probe.retryMs);
  for (const [cap, first] of AGENT_CAPS) notShorter(agentFlag(cap), agent[cap], agentFlag(first), agent[first]);
  if (query.limits.inFlightPerBot > query.limits.inFlightTotal) {
    problems.push({
      flag: 'query-in-flight',
      sentence: 'query-in-flight must not be smaller than query-in-flight-per-bot',
    });
  }
  const access = storeAccess(objectStore);
  for (const flag of access !== null && 'missing' in access ? access.missing : []) {
    const env = flag.toUpperCase().replaceAll('-', '_');
    problems.push({ flag, sentence: `${env} (--${flag}) must be set where MINIO_ENDPOINT (--minio-endpoint) is` });
  }
  return problems;
}
