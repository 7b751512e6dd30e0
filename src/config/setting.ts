/**
 * Words of this folder: a *setting* is one thing the person who runs the runtime may choose: a place, a limit, an
 * interval. It comes from its *flag*, else from its *environment variable*, else it has its *default*. The *kind* of a
 * setting knows how its text is read and shown. All settings are in one table, `settings.ts`.
 */
export interface Setting<Value> {
  readonly group: SettingGroup;
  /** Long flag without the dashes: `stop-grace`. Also the setting's name in errors and in the reference. */
  readonly flag: string;
  /** Environment variable; the contract's name where there is one (contract, appendix A), else `THE0_…`. */
  readonly env: string;
  readonly kind: SettingKind<Value>;
  readonly default: NoInfer<Value>;
  /** Shown in place of the default, where the default depends on the machine or on another setting. */
  readonly defaultText?: string;
  /** One line for the person who reads the help; no full stop. */
  readonly help: string;
  /**
   * Reads the environment variable as loosely as the contract has it (contract 1.1 and 5.2); undefined gives the default
   * and a warning, never an error. Flags are always read strictly.
   */
  readonly lenientEnv?: (text: string) => Value | undefined;
}

export interface SettingKind<Value> {
  /** What stands for the value in the help: `<duration>`. It is also the setting's unit. */
  readonly placeholder: string;
  /** What a good value looks like, to end the sentence "expected …". */
  readonly expected: string;
  /** The value itself must never be shown, not even in an error. */
  readonly secret: boolean;
  /** An empty environment variable is a value of its own (contract 1.1); for other kinds it counts as not set. */
  readonly emptyIsValue: boolean;
  /** Texts that are the same as saying nothing, where the contract has such. */
  readonly saysNothing?: RegExp;
  /** Undefined when the text is not such a value. */
  parse(text: string): Value | undefined;
  show(value: Value): string;
}

/** Headings of the help, in their order. */
export const SETTING_GROUPS = {
  common: 'Common',
  queries: 'Queries',
  bots: 'What each bot may use',
  agent: 'The agent beside each bot',
  store: 'Object store',
  nats: 'NATS',
  docker: 'Engine docker',
  process: 'Engine process',
  restarts: 'Restarts after a crash',
  changes: 'Starts, stops and changes',
  logs: 'Log and history of the runtime',
  admin: 'Commands',
  kernel: 'Inside',
  advanced: 'Advanced: nobody should need these',
} as const;

export type SettingGroup = keyof typeof SETTING_GROUPS;

/** Asked once per setting, in the order of the help; answers with the value to use. */
export type Pick = <Value>(setting: Setting<Value>) => Value;
