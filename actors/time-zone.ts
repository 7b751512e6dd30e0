/**
 * Offsets of time zones. `Intl` knows them but is slow to ask, so what it said is kept: per zone, and in a zone per day, as
 * long as nothing changes on that day.
 */

/** Zones at a time; one more and the oldest is forgotten. */
const MOST_ZONES = 64;
/** Days remembered of one zone: more than the search for a next time can look at. */
const MOST_DAYS = 4096;

const DAY_SECONDS = 86_400;

interface Zone {
  readonly formatter: Intl.DateTimeFormat;
  /** Offset in seconds on a day that has one; null for a day on which it changes. */
  readonly days: Map<number, number | null>;
}

const zones = new Map<string, Zone>();

/** Is there such a zone? Only names of the IANA data base count, not `+01:00`. */
export function isTimeZone(name: string): boolean {
  return zoneOf(name) !== null;
}

/** @returns what a clock in `zone` shows more than UTC, in seconds; 0 for a zone that does not exist */
export function offsetAt(name: string, unixSeconds: number): number {
  const zone = zoneOf(name);
  if (zone === null || zone === UTC) return 0;
  const day = Math.floor(unixSeconds / DAY_SECONDS);
  let ofDay = zone.days.get(day);
  if (ofDay === undefined) {
    const atFirst = askOffset(zone, day * DAY_SECONDS);
    ofDay = askOffset(zone, (day + 1) * DAY_SECONDS) === atFirst ? atFirst : null;
    if (zone.days.size >= MOST_DAYS) zone.days.clear();
    zone.days.set(day, ofDay);
  }
  return ofDay ?? askOffset(zone, unixSeconds);
}

const UTC = 'UTC';

function zoneOf(name: string): Zone | typeof UTC | null {
  if (name === UTC) return UTC;
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    const zone = { formatter: formatterOf(name), days: new Map<number, number | null>() };
    const oldest = zones.size >= MOST_ZONES ? zones.keys().next().value : undefined;
    if (oldest !== undefined) zones.delete(oldest);
    zones.set(name, zone);
    return zone;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}

function askOffset({ formatter }: Zone, unixSeconds: number): number {
  const shown = /(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)/.exec(formatter.format(unixSeconds * 1000));
  if (shown === null) return 0;
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = shown.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - unixSeconds;
}
