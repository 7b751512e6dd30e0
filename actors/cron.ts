/**
 * Cron expressions, with the exact meaning they have in robfig/cron v3.0.1 (contract 2.7): stored schedules and the times
 * next to them were made by it, so its oddities count.
 */
import { type CronFields, CronSyntaxError, parseFields } from './cron-fields.ts';
import { nextMatch } from './cron-search.ts';
import { isTimeZone } from './time-zone.ts';

export type Cron =
  /** At the times of a calendar. `zone` null: the runtime's own. */
  | { readonly kind: 'calendar'; readonly zone: string | null; readonly fields: CronFields }
  /** `@every`. */
  | { readonly kind: 'interval'; readonly seconds: number };

export interface CronProblem {
  readonly kind: 'problem';
  /** A clause for people, such as `it must have 5 fields, …`. */
  readonly detail: string;
}

const DESCRIPTORS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** Never throws. */
export function parseCron(text: string): Cron | CronProblem {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof CronSyntaxError) return { kind: 'problem', detail: error.message };
    throw error;
  }
}

/**
 * The first time after `afterUnixSeconds`, in whole Unix seconds.
 * @param afterUnixSeconds may have a fraction
 * @param defaultZone IANA name, for expressions that name none; one that does not exist counts as UTC
 * @returns null when nothing matches within five years, as on February 30: it never runs
 */
export function nextAfter(cron: Cron, afterUnixSeconds: number, defaultZone: string): number | null {
  const after = Math.floor(afterUnixSeconds);
  if (cron.kind === 'interval') return after + cron.seconds;
  return nextMatch(cron.fields, after, cron.zone ?? defaultZone);
}

/**
 * The time to run at after the one that is due: later than both it and now, so that everything that was missed is made up
 * for by one run. An interval goes on from the occurrence and not from when it was carried out, so that it does not drift.
 */
export function nextOccurrence(cron: Cron, occurrence: number, nowUnixSeconds: number, zone: string): number | null {
  if (cron.kind !== 'interval') return nextAfter(cron, Math.max(occurrence, nowUnixSeconds), zone);
  const missed = Math.max(0, Math.floor((nowUnixSeconds - occurrence) / cron.seconds));
  return occurrence + (missed + 1) * cron.seconds;
}

function parse(text: string): Cron {
  if (text === '') throw new CronSyntaxError('it is empty');
  let zone: string | null = null;
  let rest = text;
  if (text.startsWith('TZ=') || text.startsWith('CRON_TZ=')) {
    const end = text.indexOf(' ');
    if (end < 0) throw new CronSyntaxError('it names a time zone and no time');
    zone = zoneNamed(text.slice(text.indexOf('=') + 1, end));
    rest = text.slice(end).trim();
  }
  if (!rest.startsWith('@')) return { kind: 'calendar', zone, fields: parseFields(rest) };
  if (rest.startsWith('@every ')) return { kind: 'interval', seconds: intervalSeconds(rest.slice('@every '.length)) };
  const fields = DESCRIPTORS.get(rest);
  if (fields === undefined)
    throw new CronSyntaxError(`"${rest}" is not one of ${[...DESCRIPTORS.keys()].join(', ')} and @every`);
  return { kind: 'calendar', zone, fields: parseFields(fields) };
}

/** As Go's `time.LoadLocation`: no name is UTC, `Local` the zone of the process. */
function zoneNamed(name: string): string | null {
  if (name === '') return 'UTC';
  if (name === 'Local') return null;
  if (!isTimeZone(name)) throw new CronSyntaxError(`"${name}" is no time zone`);
  return name;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** What Go can hold of a duration: 2⁶³ nanoseconds. */
const LONGEST_SECONDS = 9_223_372_036;

/** As Go's `time.ParseDuration`, then whole seconds and at least one. */
function intervalSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  const whole = /^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text);
  if (!whole && !/^[+-]?0$/.test(text)) throw new CronSyntaxError(`"${text}" is no duration such as 90s or 1h30m`);
  const size = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0), 0);
  if (size > LONGEST_SECONDS) throw new CronSyntaxError(`"${text}" is longer than 292 years`);
  // A sum such as 0.1 + 0.2 is a little beside what it means.
  return text.startsWith('-') ? 1 : Math.max(1, Math.floor(size + 1e-9));
}
