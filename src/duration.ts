/** Durations in the syntax of Go (contract 1.1): `30s`, `1m30s`, `500ms`, `1.5h`. */
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;

/** 24.8 days. A timer of Node that is set for longer rings at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @returns whole milliseconds, or undefined when the text is no duration. `0` alone is one, other bare numbers are not. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART))
    totalMs += Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  return Number.isFinite(totalMs) ? Math.round(totalMs) : undefined;
}

/** The shortest text that {@link parseDuration} reads back as the same number: `90000` is `1m30s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  let restMs = milliseconds;
  let text = '';
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const amount = Math.floor(restMs / size);
    restMs -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text;
}
