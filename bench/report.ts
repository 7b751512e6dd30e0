/**
 * How benchmarks print what they measured: every figure next to the floor it is compared with, both from the same run.
 */
import { cpus } from 'node:os';
import process from 'node:process';

export interface Row {
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  /** What the figure is compared with; null when it is compared with the bar itself. */
  readonly floor: number | null;
  /** Figure over floor, or over the bar where there is no floor. */
  readonly ratio: number;
  /** The bar as a person reads it, for example `>= 0.25` or `<= 1.15`. */
  readonly bar: string;
  readonly pass: boolean;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly platform: string;
  readonly date: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    date: new Date().toISOString(),
  };
}

/** What one benchmark found. */
export interface Report {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** Prints a table for people, or with `json` one JSON object. A row that fails its bar sets the exit code to 1. */
export function report(
  rows: readonly Row[],
  options: { readonly json: boolean; readonly notes?: readonly string[] },
): void {
  if (rows.some((row) => !row.pass)) process.exitCode = 1;
  const found: Report = { machine: machine(), rows, notes: options.notes ?? [] };
  console.log(options.json ? JSON.stringify(found) : textOf(found));
}

/** The table for people, with the machine above it and the notes below. */
export function textOf({ machine: { cpu, cores, node, platform, date }, rows, notes }: Report): string {
  const head = ['what', 'figure', 'floor', 'unit', 'ratio', 'bar', ''];
  const lines = [head, ...rows.map(cells)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map((line) => {
    const padded = line.map((cell, i) => (isNumeric(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)));
    return padded.join('  ').trimEnd();
  });
  const title = `${cpu}, ${cores} cores, ${platform}, node ${node}, ${date}\n`;
  return [title, ...table, ...notes.map((note) => `\n${note}`)].join('\n');
}

/** A figure that is compared with its bar, not with a floor. */
export function atMost(what: string, figure: number, bar: number, unit: string): Row {
  return { what, figure, unit, floor: null, ratio: figure / bar, bar: `<= ${bar} ${unit}`, pass: figure <= bar };
}

/** A count that must be just so. */
export function exactly(what: string, figure: number, wanted: number, unit: string): Row {
  const ratio = wanted === 0 ? figure : figure / wanted;
  return { what, figure, unit, floor: null, ratio, bar: `${wanted}`, pass: figure === wanted };
}

/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function cells(row: Row): string[] {
  const floor = row.floor === null ? '-' : round(row.floor);
  return [row.what, round(row.figure), floor, row.unit, row.ratio.toFixed(2), row.bar, row.pass ? 'pass' : 'FAIL'];
}

function isNumeric(column: number): boolean {
  return column === 1 || column === 2 || column === 4;
}

function round(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
