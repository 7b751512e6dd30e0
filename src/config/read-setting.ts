import type { Setting } from './setting.ts';

/** Values by flag, without dashes: `{ 'stop-grace': '10s' }`. */
export type FlagValues = Readonly<Record<string, string | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadSetting<Value> {
  /** The default where there is a problem. */
  readonly value: Value;
  readonly source: 'flag' | 'environment' | 'default';
  readonly warning: string | null;
  readonly problem: SettingProblem | null;
}

/** One setting that cannot be used: what it is called, where it came from, what was expected. */
export interface SettingProblem {
  readonly flag: string;
  readonly sentence: string;
}

export function readSetting<Value>(setting: Setting<Value>, env: Environment, flags: FlagValues): ReadSetting<Value> {
  const { kind, flag } = setting;
  const found = (text: string, source: 'flag' | 'environment', value: Value | undefined): ReadSetting<Value> => {
    if (value !== undefined) return { value, source, warning: null, problem: null };
    const from = source === 'flag' ? `flag --${flag}` : `environment variable ${setting.env}`;
    const sentence = `${from}: ${quote(text, kind.secret)} is not ${kind.expected}`;
    return { value: setting.default, source, warning: null, problem: { flag, sentence } };
  };

  const saysNothing = (text: string) => kind.saysNothing?.test(text) === true;
  const flagText = flags[flag];
  if (flagText !== undefined && !saysNothing(flagText)) return found(flagText, 'flag', kind.parse(flagText));

  const envText = env[setting.env];
  if (envText === undefined || (envText === '' && !kind.emptyIsValue) || saysNothing(envText)) {
    return { value: setting.default, source: 'default', warning: null, problem: null };
  }
  if (setting.lenientEnv === undefined) return found(envText, 'environment', kind.parse(envText));

  const value = setting.lenientEnv(envText);
  if (value !== undefined) return { value, source: 'environment', warning: null, problem: null };
  const warning = `environment variable ${setting.env}: ${quote(envText, kind.secret)} is not ${kind.expected}; using ${kind.show(setting.default)}`;
  return { value: setting.default, source: 'default', warning, problem: null };
}

export class SettingsError extends Error {
  readonly code = 'settings-invalid';
  readonly problems: readonly SettingProblem[];
  readonly hint = 'npx the0-runtime settings shows every setting, its default and its environment variable';

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map((problem) => problem.sentence).join('\n'));
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** At most 60 characters of it, escaped; nothing of a secret. */
function quote(text: string, secret: boolean): string {
  if (secret) return 'the given value (not shown)';
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
