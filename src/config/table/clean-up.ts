import type { Pick } from '../setting.ts';
import { age, integer } from '../setting-kinds.ts';

/** What `gc` removes, and when it does not trust what it sees (contract 11, 12.5 #72). */
export function cleanUpSettings(pick: Pick) {
  return {
    graceMs: pick({
      group: 'advanced',
      flag: 'gc-grace',
      env: 'THE0_GC_GRACE',
      kind: age('0', '8760h'),
      default: 24 * 3_600_000,
      help: 'how long a bot must be gone, and its newest log and state old, before `gc` removes them',
    }),
    staleMs: pick({
      group: 'advanced',
      flag: 'gc-stale',
      env: 'THE0_GC_STALE',
      kind: age('1m', '720h'),
      default: 3_600_000,
      help: 'age from which `gc` removes unfinished uploads, pieces of logs and results of queries',
    }),
    sharePercent: pick({
      group: 'advanced',
      flag: 'gc-share',
      env: 'THE0_GC_SHARE',
      kind: integer('percent', 0, 100),
      default: 25,
      help: 'part of all stored bots, and of all their keys, that one run of `gc` may remove; with more to remove it removes none',
    }),
    fewOrphans: pick({
      group: 'advanced',
      flag: 'gc-few',
      env: 'THE0_GC_FEW',
      kind: integer('count', 0, 1_000_000),
      default: 5,
      help: 'so many bots, and keys, one run of `gc` may remove whatever part of all they are',
    }),
    orphans: pick({
      group: 'advanced',
      flag: 'gc-orphans',
      env: 'THE0_GC_ORPHANS',
      kind: integer('count', 1, 100_000),
      default: 10_000,
      help: 'bots that are gone of which one run of `gc` takes notice; the others wait for a later one',
    }),
    removalsAtOnce: pick({
      group: 'advanced',
      flag: 'gc-removals',
      env: 'THE0_GC_REMOVALS',
      kind: integer('count', 1, 1_024),
      default: 8,
      help: 'things that `gc` removes at the same time',
    }),
  };
}
