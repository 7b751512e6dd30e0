import type { Command } from 'commander';
import { SETTING_GROUPS, type Setting } from '../config/setting.ts';
import { isEveryday, OTHER_FLAGS } from './everyday-flags.ts';
import { errStyle, note } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { flagsOf, type Outcome, settingOption } from './verb.ts';

/**
 * `up`: its flags are the table of settings; what it does is in `up.ts`.
 * @param table empty when another verb was named, which then does not wait for it to be loaded
 */
export function addUp(program: Command, outcome: Outcome, table: readonly Setting<unknown>[]): void {
  const command = program
    .command('up')
    .description('run bots from a folder, in this terminal, until Ctrl-C')
    .usage('[options]')
    .addHelpText(
      'after',
      `
Ctrl-C stops all bots and the runtime. SIGTERM ends the runtime and bots that
are child processes, and leaves containers running: the next \`up\` finds them
again.

${OTHER_FLAGS}

Examples:
  $ npx the0-runtime up
  $ npx the0-runtime up --bots ~/my-bots --data-dir ~/.the0 --query-port 9500
  $ npx the0-runtime up --engine docker --bot-memory 1024
  $ QUERY_TOKEN=$(openssl rand -hex 16) npx the0-runtime up --host 0.0.0.0`,
    );
  const settings = table.filter(({ flag }) => flag !== 'admin-timeout' && flag !== 'query-margin');
  for (const setting of settings) {
    const option = settingOption(setting).helpGroup(`${SETTING_GROUPS[setting.group]}:`);
    command.addOption(isEveryday(setting) ? option : option.hideHelp());
  }
  command.action(async (_options: unknown, self: Command) => {
    const { loadSettings } = await import('../config/load-settings.ts');
    const { settings: values, warnings } = loadSettings(process.env, flagsOf(self));
    for (const warning of warnings) note(`${errStyle.paint('yellow', 'warning:')} ${plainLine(warning)}\n`);
    const { up } = await import('./up.ts');
    outcome.exitCode = await up(values);
  });
}
