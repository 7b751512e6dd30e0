import type { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { note, outStyle, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import type { Outcome } from './verb.ts';

export function addSettings(program: Command, outcome: Outcome): void {
  program
    .command('settings [words...]')
    .description('show settings: flag, environment variable, default, and what it is for')
    .option('--json', 'as JSON: [{flag, env, group, unit, expected, default, value, help}]')
    .addHelpText(
      'after',
      `
With words only those in whose flag, variable, group or description all of them
stand.

Every setting is a flag of \`up\` and an environment variable; the flag wins. A
value that the environment of this shell sets is shown in place of the default,
marked with *. The Docker client reads DOCKER_HOST, DOCKER_CERT_PATH and
DOCKER_TLS_VERIFY as usual.

Examples:
  $ npx the0-runtime settings
  $ npx the0-runtime settings query timeout
  $ npx the0-runtime settings --json | jq -r '.[] | .env + "=" + .default'`,
    )
    .action(async (words: string[], { json }: { json?: true }) => {
      const { describeSettings, settingsAbout, settingsReference } = await import('./settings-reference.ts');
      const settings = settingsAbout(words);
      if (json === true) printJson(describeSettings(settings));
      else print(settingsReference(settings, outStyle));
      if (settings.length > 0) return;
      outcome.exitCode = EXIT.failed;
      const asked = plainLine(words.join(' '));
      note(`No setting is about ${JSON.stringify(asked)}. npx the0-runtime settings shows all.\n`);
    });
}
