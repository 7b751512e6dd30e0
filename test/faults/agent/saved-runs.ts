import { saveRun } from '../saved-runs.ts';
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

export function saveAgentRun(run: SavedRun): void {
  saveRun('faults-agent', run, isRun, (runs) => {
    const total: Record<string, { points: number; failed: number }> = {};
    for (const { agent, points, failed } of runs) {
      const sum = total[agent] ?? { points: 0, failed: 0 };
      const more = Object.values(points).reduce((all, count) => all + count, 0);
      total[agent] = { points: sum.points + more, failed: sum.failed + failed.length };
    }
    return total;
  });
}

function isRun(value: object): value is SavedRun {
  return 'agent' in value && 'points' in value && 'failed' in value;
}
