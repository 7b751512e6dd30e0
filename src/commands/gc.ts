import { type Command, Option } from 'commander';
import type { Setting } from '../config/setting.ts';
import { isEveryday, OTHER_FLAGS } from './everyday-flags.ts';
import { EXIT } from './exit-code.ts';
import { errStyle, note, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { durationOf, type Outcome, settingOption } from './verb.ts';

/** Beside those of the store. */
const SETTINGS = /^mongo-(uri|wait|silence|connections)$|^(gc|health)-|^log-level$/;

/** @param table empty when another verb was named */
export function addGc(program: Command, outcome: Outcome, table: readonly Setting<unknown>[]): void {
  const command = program
    .command('gc')
    .description('remove from the object store what nobody needs any more')
    .option(
      '--interval <duration>',
      'do so again and again, as a service with JSON lines and health checks on :8084',
      '0',
    )
    .option('--dry-run', 'say what would be removed, and change nothing')
    .option('--json', 'as JSON (without --interval)')
    .addHelpText(
      'after',
      `
Removed are logs, state and keys of bots that MongoDB has not known for
--gc-grace, and to which nothing was written for as long; unfinished uploads,
pieces of logs and results of queries older than --gc-stale. Code is not
touched.
No bot and no key is removed while MongoDB is away or knows no bot, when it
knows none of those in the store, or when more than --gc-share of them would go
at once.
Exit code 1: something of this kept it from removing bots.

${OTHER_FLAGS}

Examples:
  $ npx the0-runtime gc --dry-run
  $ npx the0-runtime gc --dry-run --json | jq -r '.due[].id'
  $ npx the0-runtime gc --interval 5m`,
    );
  const settings = table.filter(({ flag, group }) => group === 'store' || SETTINGS.test(flag));
  for (const setting of settings) {
    const option = settingOption(setting);
    command.addOption(isEveryday(setting) || setting.flag.startsWith('gc-') ? option : option.hideHelp());
  }
  // Every command of the Go runtime takes these (contract 1.1, 1.2).
  for (const { flag } of table.filter((setting) => setting.flag === 'nats-url')) {
    command.addOption(new Option(`--${flag} <url,…>`, 'not used here').hideHelp());
  }
  command.allowExcessArguments();
  command.action(async (options: { interval: string; dryRun?: true; json?: true }, self: Command) => {
    const flags = Object.fromEntries(
      settings.map(({ flag }) => {
        const option = self.options.find(({ long }) => long === `--${flag}`);
        const value: unknown = option === undefined ? undefined : self.getOptionValue(option.attributeName());
        return [flag, typeof value === 'string' ? value : undefined];
      }),
    );
    const intervalMs = durationOf('--interval', options.interval, Number.MAX_SAFE_INTEGER);
    const { loadSettings } = await import('../config/load-settings.ts');
    const { settings: values, warnings } = loadSettings(process.env, flags, { 'log-format': 'json' });
    const dryRun = options.dryRun === true;
    if (intervalMs > 0) {
      const { runGcService } = await import('./gc/gc-service.ts');
      outcome.exitCode = await runGcService(values, warnings, { intervalMs, dryRun });
      return;
    }
    for (const warning of warnings) note(`${errStyle.paint('yellow', 'warning:')} ${plainLine(warning)}\n`);
    const { openCollector } = await import('./gc/collector.ts');
    const { sweepJson, sweepText } = await import('./gc/report-text.ts');
    const collector = await openCollector(values);
    try {
      const report = await collector.sweep({ dryRun, onFailure: sayFailed });
      if (options.json === true) printJson(sweepJson(report));
      else print(sweepText(report, Date.now()));
      if (report.problem === null) return;
      note(`${errStyle.paint('red', 'error:')} ${plainLine(report.problem.sentence)}\n`);
      if (report.problem.hint !== '') note(`${plainLine(report.problem.hint)}\n`);
      outcome.exitCode = EXIT.failed;
    } finally {
      await collector.close();
    }
  });
}

function sayFailed(sentence: string): void {
  note(`${errStyle.paint('yellow', 'not done:')} ${plainLine(sentence)}\n`);
}
