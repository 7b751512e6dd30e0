import { type ContainerOwner, readLabels } from './container-labels.ts';
import { phaseOfSummary } from './container-view.ts';
import type { ContainerSummary } from './docker-api.ts';
import { goBotIn } from './go-container.ts';

/**
 * Where containers of the Go runtime are taken over, a bot can have several: it does not keep them apart by name. One stays,
 * as that runtime would have it (contract 5.5): the newest that runs; if none does, our own, else the newest.
 */
export function onePerBot(
  summaries: readonly ContainerSummary[],
  owner: ContainerOwner,
): { readonly kept: readonly ContainerSummary[]; readonly surplus: readonly ContainerSummary[] } {
  const kept = new Map<string, ContainerSummary>();
  const surplus: ContainerSummary[] = [];
  for (const summary of summaries) {
    const identity = readLabels(summary.Labels, owner);
    const botId = typeof identity === 'string' ? goBotIn(summary.Labels) : identity.botId;
    if (botId === null) continue;
    const rival = kept.get(botId);
    const wins = rival === undefined || isBetter(summary, rival);
    if (wins) kept.set(botId, summary);
    if (rival !== undefined) surplus.push(wins ? rival : summary);
  }
  return { kept: [...kept.values()], surplus };
}

function isBetter(one: ContainerSummary, other: ContainerSummary): boolean {
  const [runs, otherRuns] = [one, other].map((summary) => phaseOfSummary(summary) === 'running');
  if (runs !== otherRuns) return runs === true;
  const [isOurs, otherIsOurs] = [one, other].map(({ Labels }) => goBotIn(Labels) === null);
  if (!runs && isOurs !== otherIsOurs) return isOurs === true;
  // In seconds; Docker lists the newest first, so of two of one second the first stays.
  return one.Created > other.Created;
}
