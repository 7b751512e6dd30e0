/** The fields of a cron expression, each as the values at which it matches (contract 2.7; robfig/cron v3.0.1, `parser.go`). */
export interface CronFields {
  readonly second: CronField;
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  readonly month: CronField;
  readonly dayOfWeek: CronField;
}

export interface CronField {
  readonly values: ReadonlySet<number>;
  /** It has a `*` or `?` without a step: it restricts nothing, and says so. */
  readonly isStar: boolean;
}

/** What of an expression cannot be used, as a clause for people. */
export class CronSyntaxError extends Error {}

interface Bounds {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const SECOND: Bounds = { name: 'second', min: 0, max: 59 };
const OTHERS: readonly [Bounds, Bounds, Bounds, Bounds, Bounds] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/**
 * @param text five fields, or six with the seconds first
 * @throws CronSyntaxError
 */
export function parseFields(text: string): CronFields {
  const words = text.split(/[\s\u0085]+/u).filter((word) => word !== '');
  if (words.length !== 5 && words.length !== 6) {
    throw new CronSyntaxError(`it must have 5 fields, or 6 with the seconds first, and has ${words.length}`);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = words.slice(-5);
  const [minutes, hours, days, months, weekdays] = OTHERS;
  return {
    second: parseField(words.length === 6 ? (words[0] ?? '') : '0', SECOND),
    minute: parseField(minute ?? '', minutes),
    hour: parseField(hour ?? '', hours),
    dayOfMonth: parseField(dayOfMonth ?? '', days),
    month: parseField(month ?? '', months),
    dayOfWeek: parseField(dayOfWeek ?? '', weekdays),
  };
}

/** A list: ranges with commas between them. Empty ones do not count, so that `,` alone never matches. */
function parseField(text: string, bounds: Bounds): CronField {
  const values = new Set<number>();
  let isStar = false;
  for (const range of text.split(',')) {
    if (range !== '' && addRange(values, range, bounds)) isStar = true;
  }
  return { values, isStar };
}

/** @returns whether it is a bare star */
function addRange(values: Set<number>, text: string, bounds: Bounds): boolean {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreBounds] = range.split('-');
  const isStar = low === '*' || low === '?';
  if (moreSteps.length > 0) throw wrong(text, bounds, 'has more than one slash');
  let start = bounds.min;
  let end = bounds.max;
  if (!isStar) {
    if (moreBounds.length > 0) throw wrong(text, bounds, 'has more than one hyphen');
    start = namedOrNumber(low, text, bounds);
    // `a/n` goes on to the end of the field.
    if (high !== undefined) end = namedOrNumber(high, text, bounds);
    else if (stepText === undefined) end = start;
  }
  const step = stepText === undefined ? 1 : numberOf(stepText, text, bounds);
  if (start < bounds.min || end > bounds.max) throw wrong(text, bounds, `is not within ${bounds.min} to ${bounds.max}`);
  if (start > end) throw wrong(text, bounds, 'ends before it begins');
  if (step === 0) throw wrong(text, bounds, 'has a step of 0');
  for (let value = start; value <= end; value += step) values.add(value);
  return isStar && step === 1;
}

function namedOrNumber(word: string, text: string, bounds: Bounds): number {
  const named = word === '' ? -1 : (bounds.names?.indexOf(word.toLowerCase()) ?? -1);
  return named >= 0 ? named : numberOf(word, text, bounds);
}

function numberOf(word: string, text: string, bounds: Bounds): number {
  if (!/^\+?\d{1,18}$|^-0{1,18}$/.test(word)) throw wrong(text, bounds, 'is not a number, a range or a list of these');
  return Number(word);
}

function wrong(text: string, { name }: Bounds, what: string): CronSyntaxError {
  return new CronSyntaxError(`"${text}" as its ${name} ${what}`);
}
