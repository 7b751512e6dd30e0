import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, RESULTS } from '../../../bench/all/saved-result.ts';
import { machine } from '../../../bench/report.ts';
import type { Agent } from './minio-stage.ts';

/** What one sweep did. */
export interface SavedRun {
  readonly agent: Agent;
  /** The seeds, both included. */
  readonly from: number;
  readonly to: number;
  readonly outageSeconds: number;
  readonly seconds: number;
  /** By what went wrong in them, those that failed included. */
  readonly points: Readonly<Record<string, number>>;
  /** Their seeds. */
  readonly failed: readonly number[];
}

/** Raised when a reader of the format before would misread it. */
const FORMAT = 1;
const MOST_RUNS = 30;
const FILE = join(RESULTS, 'faults-agent.json');

/** Adds it to those before; of these the latest are kept. */
export function saveRun(run: SavedRun): void {
  const { date, ...where } = machine();
  const runs = [...runsBefore(), { commit: commit(), date, ...run }].slice(-MOST_RUNS);
  const total: Record<string, { points: number; failed: number }> = {};
  for (const { agent, points, failed } of runs) {
    const sum = total[agent] ?? { points: 0, failed: 0 };
    const more = Object.values(points).reduce((all, count) => all + count, 0);
    total[agent] = { points: sum.points + more, failed: sum.failed + failed.length };
  }
  const result = { format: FORMAT, name: 'faults-agent', machine: where, total, runs };
  writeFileSync(FILE, `${JSON.stringify(result, null, 2)}\n`);
}

function runsBefore(): SavedRun[] {
  if (!existsSync(FILE)) return [];
  const saved: unknown = JSON.parse(readFileSync(FILE, 'utf8'));
  if (typeof saved !== 'object' || saved === null || !('runs' in saved)) return [];
  return Array.isArray(saved.runs) ? saved.runs.filter(isRun) : [];
}

function isRun(value: unknown): value is SavedRun {
  return typeof value === 'object' && value !== null && 'agent' in value && 'points' in value && 'failed' in value;
}
