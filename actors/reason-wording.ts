import type { ReasonFacts } from './reason-kind.ts';

/**
 * How facts become words. Facts come from engines, agents and old journals, so each may be missing or of another type; a
 * sentence then leaves it out and still reads well.
 */

/** `" after 12 s"`, or nothing. */
export function after(facts: ReasonFacts, key = 'afterMs'): string {
  const ms = facts[key];
  return typeof ms === 'number' ? ` after ${duration(ms)}` : '';
}

/** `: "ValueError: x"`, or nothing. */
export function detail(facts: ReasonFacts, key = 'detail'): string {
  const text = textOf(facts, key);
  return text === null ? '' : `: "${text}"`;
}

/** ` (connect ENOENT …)`, or nothing: for what a machine said. */
export function aside(facts: ReasonFacts, key = 'detail'): string {
  const text = textOf(facts, key);
  return text === null ? '' : ` (${text})`;
}

/** ` "main.py"`, or nothing. */
export function quoted(facts: ReasonFacts, key: string): string {
  const text = textOf(facts, key);
  return text === null ? '' : ` "${text}"`;
}

/** The fact as text, or `otherwise`. */
export function fact(facts: ReasonFacts, key: string, otherwise: string): string {
  return textOf(facts, key) ?? otherwise;
}

/** `0 ms` to `999 ms`, `1.2 s`, `12 s`, `3 min 20 s`, `5 h 12 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return 'some time';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${Math.round(ms / 100) / 10} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

function textOf(facts: ReasonFacts, key: string): string | null {
  const value = facts[key];
  if (value === undefined || value === '') return null;
  return String(value);
}
