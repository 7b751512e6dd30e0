import { readFileSync } from 'node:fs';

/** A bot has few; this bounds what a fork bomb costs the agent. */
const MOST_PROCESSES = 256;

/** Processes and their descendants, as far as Linux tells; those that are gone are left out. */
export function withDescendants(leaders: readonly number[]): number[] {
  const found = [...leaders];
  for (let position = 0; position < found.length && found.length < MOST_PROCESSES; position += 1) {
    found.push(...childrenOf(found[position] ?? 0));
  }
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return []; // It is gone, or this is not Linux.
  }
}
