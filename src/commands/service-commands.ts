import { type Command, Option } from 'commander';
import { SETTING_GROUPS, type Setting } from '../config/setting.ts';
import { isEveryday, OTHER_FLAGS } from './everyday-flags.ts';
import { BOT_RUNNER, BOT_SCHEDULER, QUERY_SERVER, type Role } from './roles.ts';
import { flagsOf, type Outcome, settingOption } from './verb.ts';

interface Service {
  readonly role: Role;
  readonly description: string;
  /** Flags of the contract (1.3) that have another name in the table of settings. */
  readonly alias?: {
    readonly flag: string;
    readonly of: string;
    readonly help: string;
    /** A value that means the default. */
    readonly none?: string;
  };
}

const SERVICES: readonly Service[] = [
  { role: BOT_RUNNER, description: 'keep the realtime bots in MongoDB alive, as containers' },
  {
    role: BOT_SCHEDULER,
    description: 'run the scheduled bots in MongoDB when they are due, as containers',
    alias: { flag: 'check-interval', of: 'reconcile-interval', help: 'the same as --reconcile-interval' },
  },
  {
    role: QUERY_SERVER,
    description: 'answer queries to the bots in MongoDB, whoever runs them',
    alias: { flag: 'port', of: 'query-port', help: 'the same as --query-port; 0 means 9477', none: '0' },
  },
];

export const SERVICE_NAMES: readonly string[] = SERVICES.map(({ role }) => role.name);

/**
 * `bot-runner`, `bot-scheduler` and `query-server` (contract 1): each is the same runtime in another role.
 * @param tableOf empty for a verb that was not named
 */
export function addServices(
  program: Command,
  outcome: Outcome,
  tableOf: (verb: string) => readonly Setting<unknown>[],
): void {
  for (const service of SERVICES) addService(program, outcome, service, tableOf(service.role.name));
}

function addService(program: Command, outcome: Outcome, service: Service, table: readonly Setting<unknown>[]): void {
  const { role, description, alias } = service;
  const command = program
    .command(role.name)
    .description(description)
    .usage('[options]')
    // Contract 1.1.
    .allowExcessArguments(true)
    .addHelpText(
      'after',
      `
It runs until SIGTERM or Ctrl-C, which leave all bots running.

${OTHER_FLAGS}`,
    );
  for (const setting of table.filter(({ flag }) => !NOT_OF_SERVICES.has(flag))) {
    const option = settingOption(setting, role.defaults[setting.flag]).helpGroup(`${SETTING_GROUPS[setting.group]}:`);
    command.addOption(isEveryday(setting) ? option : option.hideHelp());
  }
  if (alias !== undefined && table.length > 0) command.addOption(new Option(`--${alias.flag} <value>`, alias.help));
  command.action(async (_options: unknown, self: Command) => {
    const { [alias?.flag ?? '']: aliased, ...flags } = flagsOf(self);
    if (alias !== undefined && aliased !== undefined && aliased !== alias.none) flags[alias.of] ??= aliased;
    const { loadSettings } = await import('../config/load-settings.ts');
    const { settings, warnings } = loadSettings(process.env, flags, role.defaults);
    const { runService } = await import('./service.ts');
    outcome.exitCode = await runService(settings, role, warnings);
  });
}

/** They are about a folder of bots, a terminal, or other verbs. */
const NOT_OF_SERVICES: ReadonlySet<string> = new Set([
  'bots',
  'bots-check',
  'bots-retry',
  'bots-reads',
  'start-screen-wait',
  'admin-timeout',
  'query-margin',
]);
