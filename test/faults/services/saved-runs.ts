import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, RESULTS } from '../../../bench/all/saved-result.ts';
import { machine } from '../../../bench/report.ts';

/** What one sweep did. */
export interface SavedRun {
  /** The seeds, both included. */
  readonly from: number;
  readonly to: number;
  /** Of each round. */
  readonly bots: number;
  readonly seconds: number;
  /** By what went wrong in them. Kills and events of rounds that failed are not counted. */
  readonly kinds: Readonly<
    Record<string, { readonly rounds: number; readonly kills: number; readonly events: number }>
  >;
  /** Their seeds. */
  readonly failed: readonly number[];
}

/** Raised when a reader of the format before would misread it. */
const FORMAT = 1;
const MOST_RUNS = 30;
const FILE = join(RESULTS, 'faults-services.json');

/** Adds it to those before; of these the latest are kept. */
export function saveRun(run: SavedRun): void {
  const { date, ...where } = machine();
  const runs = [...runsBefore(), { commit: commit(), date, ...run }].slice(-MOST_RUNS);
  const total = { rounds: 0, kills: 0, events: 0, failed: 0 };
  for (const { kinds, failed } of runs) {
    total.failed += failed.length;
    for (const { rounds, kills, events } of Object.values(kinds)) {
      total.rounds += rounds;
      total.kills += kills;
      total.events += events;
    }
  }
  const result = { format: FORMAT, name: 'faults-services', machine: where, total, runs };
  writeFileSync(FILE, `${JSON.stringify(result, null, 2)}\n`);
}

function runsBefore(): SavedRun[] {
  if (!existsSync(FILE)) return [];
  const saved: unknown = JSON.parse(readFileSync(FILE, 'utf8'));
  if (typeof saved !== 'object' || saved === null || !('runs' in saved)) return [];
  return Array.isArray(saved.runs) ? saved.runs.filter(isRun) : [];
}

function isRun(value: unknown): value is SavedRun {
  return typeof value === 'object' && value !== null && 'kinds' in value && 'failed' in value;
}
