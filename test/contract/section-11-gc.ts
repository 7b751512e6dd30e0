import type { Rule } from './rule.ts';

/** Clearing the store (contract section 11). */
export const SECTION_11: readonly Rule[] = [
  {
    id: '11-1',
    rule: 'Chunks named .tmp-… that are older than an hour go, by the name of the file only.',
    tests: [
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
    ],
  },
  {
    id: '11-2',
    rule: 'Unfinished uploads older than an hour are aborted in the buckets of logs and states.',
    tests: [
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
      'test/storage/minio/upkeep.test.ts: uploads that nobody finished are listed with their age, and aborted; twice is no error',
    ],
  },
  {
    id: '11-3',
    rule: 'Bots are found by their logs and states, and those that neither collection knows lose both.',
    tests: [
      'test/gc/sweep.test.ts: removes logs and state of a bot nobody knows, once its grace is over',
      'test/commands/gc.test.ts: a dry run tells what would go, and the next run removes it',
    ],
  },
  {
    id: '11-4',
    rule: 'Orphans go at once.',
    departs: 'After a grace, and never many at a time without a person (weakness 72).',
    tests: [
      'test/gc/sweep.test.ts: keeps an orphan to which something was written lately, also when that happens in the middle',
      'test/gc/sweep.test.ts: too many orphans at once are kept until a person says so',
    ],
  },
  {
    id: '11-5',
    rule: 'A MongoDB that cannot be read ends the sweep with nothing removed.',
    tests: [
      'test/gc/sweep.test.ts: a MongoDB that is empty, away or of somebody else keeps everything, and starts no grace',
    ],
  },
  {
    id: '11-6',
    rule: 'An empty MongoDB makes everything an orphan.',
    departs: 'It is not believed (weakness 72).',
    tests: [
      'test/gc/sweep.test.ts: a MongoDB that is empty, away or of somebody else keeps everything, and starts no grace',
      'test/gc/sweep.test.ts: keys alone show that there are bots: a MongoDB that knows none of them is not believed',
    ],
  },
  {
    id: '11-7',
    rule: 'An object that cannot be removed is told, and the sweep goes on.',
    tests: [
      'test/gc/sweep.test.ts: an object that cannot be removed is counted and told, the others are removed, and the state stays to be found',
    ],
  },
  {
    id: '11-8',
    rule: 'A bucket that is not there fails the sweep.',
    departs: 'It is swept in peace (weakness 73).',
    tests: [
      'test/gc/sweep.test.ts: a store without buckets is swept in peace, and one that does not answer is a problem',
    ],
  },
  {
    id: '11-9',
    rule: 'The count holds objects that were not there.',
    departs: 'It holds what was removed (weakness 74).',
    tests: ['test/gc/sweep.test.ts: removes logs and state of a bot nobody knows, once its grace is over'],
  },
  {
    id: '11-10',
    rule: 'The buckets are MINIO_LOGS_BUCKET and MINIO_STATE_BUCKET; code is never touched.',
    tests: ['test/commands/gc.test.ts: a dry run tells what would go, and the next run removes it'],
  },
  {
    id: '11-11',
    rule: 'Results of queries are never touched.',
    departs: 'Stale ones go, and keys that no bot has any more (weakness 66).',
    tests: [
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
      'test/gc/sweep.test.ts: unused credentials are removed after the same grace, and none by a MongoDB that is not believed',
    ],
  },
];
