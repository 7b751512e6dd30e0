const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** A span in its one or two largest units, for people: `45s`, `3m`, `2h 10m`, `5d 3h`. */
export function formatSpan(milliseconds: number): string {
  const wholeMs = Math.max(0, milliseconds);
  const index = UNITS.findIndex(([, size]) => wholeMs >= size);
  const [unit, size] = UNITS[index] ?? ['s', 1000];
  const amount = Math.floor(wholeMs / size);
  const smaller = UNITS[index + 1];
  // A second unit only where the first alone says little.
  if (index >= 0 && index < 2 && amount < 10 && smaller !== undefined) {
    const rest = Math.floor((wholeMs - amount * size) / smaller[1]);
    if (rest > 0) return `${amount}${unit} ${rest}${smaller[0]}`;
  }
  return `${amount}${unit}`;
}

export function formatAge(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1000 ? 'now' : `${formatSpan(nowMs - atMs)} ago`;
}

/** Local time of the person who reads; with the date when it is not today. */
export function formatMoment(atMs: number, nowMs: number): string {
  const at = localParts(atMs);
  return at.date === localParts(nowMs).date ? at.time : `${at.date} ${at.time}`;
}

/** The same with the time zone of the person who reads, which need not be the one of the runtime. */
export function formatMomentInZone(atMs: number, nowMs: number): string {
  return `${formatMoment(atMs, nowMs)} ${zoneAt(atMs)}`;
}

/** `UTC`, `UTC+2`, `UTC-3:30`: a name would have to be known. */
export function zoneAt(atMs: number): string {
  const offset = -new Date(atMs).getTimezoneOffset();
  if (offset === 0) return 'UTC';
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `UTC${offset < 0 ? '-' : '+'}${hours}${minutes === 0 ? '' : `:${String(minutes).padStart(2, '0')}`}`;
}

function localParts(milliseconds: number): { date: string; time: string } {
  const moment = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return {
    date: `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`,
    time: `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`,
  };
}
