import { type Command, Option } from 'commander';
import type { AdminClient } from '../admin/admin-client.ts';
import { AdminRefusal } from '../admin/admin-errors.ts';
import { adminSetting, adminTimeoutSetting, dataDirSetting, queryMarginSetting } from '../config/client-settings.ts';
import { readSetting, SettingsError } from '../config/read-setting.ts';
import type { Setting } from '../config/setting.ts';
import { formatDuration, LONGEST_TIMER_MS, parseDuration } from '../duration.ts';
import { similarNames } from '../similar-names.ts';
import { EXIT, UsageError } from './exit-code.ts';
import { errStyle, note } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';

/** Set by the verb that ran. */
export interface Outcome {
  exitCode: number;
}

/** Flags by which every verb finds the runtime. */
export interface ClientFlags {
  readonly admin?: string;
  readonly dataDir?: string;
  readonly adminTimeout?: string;
  /** Only of `query`. */
  readonly queryMargin?: string;
}

export function addClientOptions(command: Command): Command {
  return command
    .optionsGroup('Where the runtime is:')
    .addOption(settingOption(dataDirSetting))
    .addOption(settingOption(adminSetting))
    .addOption(settingOption(adminTimeoutSetting));
}

/**
 * An option of the command line for a setting; its value stays text, and is read with all the others.
 * @param ownDefault where the verb has another than the table
 */
export function settingOption<Value>(setting: Setting<Value>, ownDefault?: string): Option {
  const shown = ownDefault ?? setting.defaultText ?? setting.kind.show(setting.default);
  const otherwise = [shown === '' ? '' : `default ${shown}`, setting.env].filter((part) => part !== '').join('; ');
  return new Option(`--${setting.flag} ${setting.kind.placeholder}`, `${setting.help} (${otherwise})`);
}

/** What stands on the command line, by flag. */
export function flagsOf(command: Command): Record<string, string | undefined> {
  return Object.fromEntries(
    command.options.map((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return [option.long?.slice(2) ?? '', typeof value === 'string' ? value : undefined];
    }),
  );
}

/** @throws SettingsError */
export async function connectTo(flags: ClientFlags): Promise<AdminClient> {
  const values = {
    admin: flags.admin,
    'data-dir': flags.dataDir,
    'admin-timeout': flags.adminTimeout,
    'query-margin': flags.queryMargin,
  };
  const read = <Value>(setting: Setting<Value>): Value => {
    const { value, problem } = readSetting(setting, process.env, values);
    if (problem !== null) throw new SettingsError([problem]);
    return value;
  };
  // A flag beats a variable also across the two: `--data-dir` names a runtime even where THE0_ADMIN names another.
  const adminGiven = flags.dataDir !== undefined && flags.admin === undefined ? null : read(adminSetting);
  const dataDir = read(dataDirSetting);
  const { createAdminClient } = await import('../admin/admin-client.ts');
  return createAdminClient(adminGiven ?? `${dataDir}/admin.sock`, {
    answerMs: read(adminTimeoutSetting),
    queryMarginMs: read(queryMarginSetting),
  });
}

/** The value of a flag that takes a duration; milliseconds. @throws UsageError, also when it is longer than one timer can wait */
export function durationOf(flag: string, text: string, longestMs = LONGEST_TIMER_MS): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined)
    throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a duration such as 30s or 2m`);
  if (milliseconds > longestMs) {
    throw new UsageError(
      `${flag}: ${JSON.stringify(text)} is longer than ${formatDuration(longestMs)}, the longest there is`,
    );
  }
  return milliseconds;
}

/** The value of a flag that takes a number of lines or `all`. @throws UsageError */
export function countOrAll(flag: string, text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a number of lines or \`all\``);
}

/** Runs `act`, and when nobody knows the bot, says which ones the person may have meant. */
export async function forBot<Result>(client: AdminClient, botId: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AdminRefusal) || error.code !== 'unknown-bot') throw error;
    const names = similarNames(
      botId,
      (await client.bots()).map(({ id }) => id),
    );
    const hint = names.length === 0 ? error.hint : `did you mean ${listOf(names)}?`;
    throw new AdminRefusal(error.status, error.code, error.message, hint, { cause: error });
  }
}

/** Troubles of the runtime itself explain troubles of bots, so they come first; on stderr, beside the result. */
export function noteTroubles(troubles: readonly string[], ignored: readonly string[] = []): void {
  for (const trouble of troubles) note(`${errStyle.paint('red', 'trouble:')} ${plainLine(trouble)}\n`);
  for (const sentence of ignored) note(`${errStyle.paint('yellow', 'not a bot:')} ${plainLine(sentence)}\n`);
  if (troubles.length + ignored.length > 0) note('\n');
}

/** What Ctrl-C says while a command waits; it never takes back what was asked for. */
export function onInterrupt(sentence: string): void {
  process.once('SIGINT', () => {
    note(`\n${sentence}\n`);
    process.exit(EXIT.interrupted);
  });
}

function listOf(names: readonly string[]): string {
  const shown = names.map(plainLine);
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}
