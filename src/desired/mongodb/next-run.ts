import { nextAfter, parseCron } from '../../../actors/cron.ts';

/** `next_execution_time` of what never runs: the last second of the year 9999, which is due for no reader. */
export const NEVER_DUE = 253_402_300_799;

/** When a cron expression is due next, in Unix seconds strictly after `afterSeconds`; null for never. */
export type NextRun = (
  schedule: string,
  afterSeconds: number,
) => { readonly next: number | null } | { readonly problem: string };

/** @param zone of expressions that name none: the runtime's own (contract 2.7) */
export function cronNextRun(zone: string): NextRun {
  return (schedule, afterSeconds) => {
    const cron = parseCron(schedule);
    if (cron.kind === 'problem') return { problem: cron.detail };
    return { next: nextAfter(cron, afterSeconds, zone) };
  };
}
