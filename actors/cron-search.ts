import type { CronFields } from './cron-fields.ts';
import { offsetAt } from './time-zone.ts';

/** The search gives up in the sixth calendar year from now. */
const YEARS = 5;

/**
 * And after this many days: more than there are in these years. Where a zone left out a whole day (Samoa, at the end of 2011)
 * a step to the next one leads back, for ever in the model.
 */
const MOST_DAYS = 3_000;

/**
 * The first second after `after` that matches, in Unix seconds; null when there is none within five years.
 *
 * Goes from the month down to the second, as robfig/cron v3.0.1 does (`spec.go`), step by step and with the same order of
 * steps: what happens around a change of the clocks follows from it. A time that a day does not have is skipped, and one that
 * it has twice comes twice.
 */
export function nextMatch(fields: CronFields, after: number, zone: string): number | null {
  const { second, minute, hour, month, dayOfMonth, dayOfWeek } = fields;
  // A field of nothing but commas matches never.
  if ([second, minute, hour, month].some(({ values }) => values.size === 0)) return null;
  if (dayOfMonth.values.size + dayOfWeek.values.size === 0) return null;
  let time = localTime(after + 1, zone);
  const lastYear = time.year + YEARS;
  let reset = false;
  let days = 0;

  search: while (time.year <= lastYear) {
    while (!month.values.has(time.month)) {
      if (!reset) time = timeAt(time.year, time.month, 1, 0, zone);
      reset = true;
      time = timeAt(time.year, time.month + 1, time.day, secondOfDay(time), zone);
      if (time.month === 1) continue search;
    }
    while (!dayMatches(fields, time)) {
      if (++days > MOST_DAYS) return null;
      if (!reset) time = timeAt(time.year, time.month, time.day, 0, zone);
      reset = true;
      time = timeAt(time.year, time.month, time.day + 1, secondOfDay(time), zone);
      // Where clocks change at midnight, this day begins at 1:00, or the step ended at 23:00 of the day before.
      if (time.hour !== 0) time = localTime(time.unix + (time.hour > 12 ? 24 - time.hour : -time.hour) * 3600, zone);
      if (time.day === 1) continue search;
    }
    while (!hour.values.has(time.hour)) {
      if (!reset) time = timeAt(time.year, time.month, time.day, time.hour * 3600, zone);
      reset = true;
      time = localTime(time.unix + 3600, zone);
      if (time.hour === 0) continue search;
    }
    while (!minute.values.has(time.minute)) {
      if (!reset) time = localTime(Math.floor(time.unix / 60) * 60, zone);
      reset = true;
      time = localTime(time.unix + 60, zone);
      if (time.minute === 0) continue search;
    }
    while (!second.values.has(time.second)) {
      reset = true;
      time = localTime(time.unix + 1, zone);
      if (time.second === 0) continue search;
    }
    return time.unix;
  }
  return null;
}

/** Where both days are restricted, either may match; where one is left open, both must. */
function dayMatches({ dayOfMonth, dayOfWeek }: CronFields, time: LocalTime): boolean {
  const ofMonth = dayOfMonth.values.has(time.day);
  const ofWeek = dayOfWeek.values.has(time.weekday);
  return dayOfMonth.isStar || dayOfWeek.isStar ? ofMonth && ofWeek : ofMonth || ofWeek;
}

/** An instant, and what a clock on the wall shows at it. */
interface LocalTime {
  readonly unix: number;
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function localTime(unix: number, zone: string): LocalTime {
  const shown = new Date((unix + offsetAt(zone, unix)) * 1000);
  return {
    unix,
    year: shown.getUTCFullYear(),
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    weekday: shown.getUTCDay(),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
  };
}

/** The instant at which the wall shows this, as Go's `time.Date` has it where there is none or where there are two. */
function timeAt(year: number, month: number, day: number, second: number, zone: string): LocalTime {
  const asUtc = Date.UTC(year, month - 1, day) / 1000 + second;
  const guess = asUtc - offsetAt(zone, asUtc);
  return localTime(asUtc - offsetAt(zone, guess), zone);
}

function secondOfDay({ hour, minute, second }: LocalTime): number {
  return hour * 3600 + minute * 60 + second;
}
