import { readSetting } from '../config/read-setting.ts';
import { SETTING_GROUPS, type Setting, type SettingGroup } from '../config/setting.ts';
import { allSettings } from '../config/settings.ts';
import { plainLine } from './terminal/plain-text.ts';
import type { Style } from './terminal/style.ts';
import { renderTable } from './terminal/table.ts';
import { wrapText } from './terminal/text-width.ts';

/** Those in whose flag, variable, group or description all words stand, whatever their case; without words all. */
export function settingsAbout(words: readonly string[]): readonly Setting<unknown>[] {
  const wanted = words.map((word) => word.toLowerCase().replace(/^--/, ''));
  return allSettings().filter(({ flag, env, group, help }) => {
    const text = [flag, env, SETTING_GROUPS[group], help].join('\n').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** Settings as data, for `settings --json`. */
export function describeSettings(settings: readonly Setting<unknown>[]) {
  return settings.map(describeSetting);
}

function describeSetting(setting: Setting<unknown>) {
  const { flag, env, group, kind, help } = setting;
  return {
    flag: `--${flag}`,
    env,
    group: SETTING_GROUPS[group],
    unit: kind.placeholder.replace(/^<|>$/g, ''),
    expected: kind.expected,
    default: defaultOf(setting),
    value: currentValue(setting).shown,
    help,
  };
}

/** Narrower than this, what the settings are for would have no room beside the other columns. */
const NARROW_COLUMNS = 130;

/** Settings for people, one table per group. */
export function settingsReference(settings: readonly Setting<unknown>[], style: Style): string {
  const stacked = style.width < NARROW_COLUMNS;
  const groups = Object.keys(SETTING_GROUPS).filter((group): group is SettingGroup => group in SETTING_GROUPS);
  return groups
    .filter((group) => settings.some((setting) => setting.group === group))
    .map((group) => {
      const rows = settings
        .filter((setting) => setting.group === group)
        .map((setting) => {
          const { shown, fromEnvironment } = currentValue(setting);
          const value = fromEnvironment ? `${shown} *` : defaultOf(setting);
          return [
            { text: `--${setting.flag} ${setting.kind.placeholder}` },
            { text: setting.env },
            { text: plainLine(value === '' ? '-' : value) },
            { text: setting.help },
          ];
        });
      const heading = style.paint('bold', SETTING_GROUPS[group]);
      if (stacked) return `${heading}\n${rows.map((row) => stackedRow(row, style)).join('')}`;
      return `${heading}\n${renderTable(style, ['FLAG', 'ENVIRONMENT', 'DEFAULT', 'FOR'], rows, 'wrap')}`;
    })
    .join('\n');
}

/** One setting on lines of its own, where a table has no room. */
function stackedRow([flag, env, value, help]: readonly { readonly text: string }[], style: Style): string {
  const about = `${help?.text ?? ''} (default ${value?.text ?? '-'}; ${env?.text ?? ''})`;
  const lines = wrapText(about, style.width - 4).map((line) => `    ${line}`);
  return `  ${style.paint('bold', flag?.text ?? '')}\n${lines.join('\n')}\n`;
}

function defaultOf({ kind, default: value, defaultText }: Setting<unknown>): string {
  return defaultText ?? kind.show(value);
}

function currentValue(setting: Setting<unknown>): { shown: string; fromEnvironment: boolean } {
  const { value, source, problem } = readSetting(setting, process.env, {});
  const fromEnvironment = source === 'environment';
  if (problem !== null)
    return { shown: setting.kind.secret ? '(unusable)' : `${process.env[setting.env]} (unusable)`, fromEnvironment };
  return { shown: setting.kind.show(value), fromEnvironment };
}
