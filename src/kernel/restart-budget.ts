import type { RestartBudget } from './limits.ts';

/**
 * Writes one failure into `failures`, the times of an actor's last ones (oldest first, at most `budget.count`).
 * @returns true when the budget is exhausted: `budget.count` earlier failures lie within the last `budget.withinMs`
 */
export function spendRestart(failures: number[], now: number, budget: RestartBudget): boolean {
  // Of a time to come are those of before the clock was set back: nobody knows how long ago they are.
  while (failures[0] !== undefined && failures[0] > now) failures.shift();
  const oldest = failures[0];
  const exhausted =
    budget.count === 0 || (failures.length >= budget.count && oldest !== undefined && now - oldest <= budget.withinMs);
  failures.push(now);
  if (failures.length > budget.count) failures.shift();
  return exhausted;
}
