import { median } from '../report.ts';

/** Of milliseconds, for a note: `4 to 120, p50 31`. */
export function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  return `${sorted[0]} to ${sorted.at(-1)}, p50 ${Math.round(median(values))}`;
}
