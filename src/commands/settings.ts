import type { Command } from 'commander';
import { outStyle, print, printJson } from './terminal/output.ts';
import type { Outcome } from './verb.ts';

export function addSettings(program: Command, _outcome: Outcome): void {
  program
    .command('settings')
    .description('show every setting: flag, environment variable, default, and what it is for')
    .option('--json', 'as JSON: [{flag, env, group, unit, expected, default, value, help}]')
    .addHelpText(
      'after',
      `
Every setting is a flag of \`up\` and an environment variable; the flag wins. A value that the environment of this shell sets
is shown in place of the default, marked with *.
The Docker client reads DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY as usual.

Examples:
  $ npx the0-runtime settings
  $ npx the0-runtime settings --json | jq -r '.[] | .env + "=" + .default'`,
    )
    .action(async ({ json }: { json?: true }) => {
      const { describeSettings, settingsReference } = await import('./settings-reference.ts');
      if (json === true) printJson(describeSettings());
      else print(settingsReference(outStyle));
    });
}
