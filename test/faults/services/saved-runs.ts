import { saveRun } from '../saved-runs.ts';

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

export function saveServicesRun(run: SavedRun): void {
  saveRun('faults-services', run, isRun, (runs) => {
    const total = { rounds: 0, kills: 0, events: 0, failed: 0 };
    for (const { kinds, failed } of runs) {
      total.failed += failed.length;
      for (const { rounds, kills, events } of Object.values(kinds)) {
        total.rounds += rounds;
        total.kills += kills;
        total.events += events;
      }
    }
    return total;
  });
}

function isRun(value: object): value is SavedRun {
  return 'kinds' in value && 'failed' in value;
}
