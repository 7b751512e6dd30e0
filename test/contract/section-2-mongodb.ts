import type { Rule } from './rule.ts';

/** Documents in MongoDB and the meaning of a schedule (contract section 2). */
export const SECTION_2: readonly Rule[] = [
  {
    id: '2.1-1',
    rule: 'Realtime bots are in bot_runner.bots, scheduled ones in bot_scheduler.bot_schedules.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: both kinds at once: each from its collection, and an id in both is the realtime bot',
    ],
  },
  {
    id: '2.1-2',
    rule: 'Each database has its partitions, `{_id, bot_count}`, and a counter `partition_id`.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation writes the whole document, and claims a place in a partition',
      'test/desired/mongodb/event-writer.test.ts: a full partition is followed by the next one',
    ],
  },
  {
    id: '2.1-3',
    rule: 'No index is made.',
    departs:
      'The indexes that each event and each due run need are made (weakness 9); other programs do not use these databases.',
    tests: ['test/desired/mongodb/mongo-source.test.ts: makes the indexes that each event needs'],
  },
  {
    id: '2.2-1',
    rule: 'A document of a bot has `id`, `segment_id` of at least 1, `config`, `custom` and perhaps `enabled`, with `_id` made by the server.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation writes the whole document, and claims a place in a partition',
      'test/desired/mongodb/bot-document.test.ts: a document as the Go runtime writes it becomes a definition',
    ],
  },
  {
    id: '2.2-2',
    rule: '`segment_id` and counters are 32 bit integers, dates in `custom` are texts, and numbers of a config are numbers.',
    tests: ['test/desired/mongodb/written-types.test.ts: what is written has the BSON types that the Go runtime reads'],
  },
  {
    id: '2.2-3',
    rule: '`custom` keeps the known fields only; missing texts become empty, missing objects null, unknown keys are dropped.',
    tests: [
      'test/desired/nats/event-payload.test.ts: a flat message gives the document that the Go runtime stores',
      'test/desired/nats/event-payload.test.ts: what is missing is stored as Go stores nothing',
    ],
  },
  {
    id: '2.2-4',
    rule: 'Times of bots are stored as they came, those of schedules as RFC 3339 without a fraction, a missing one as the year 1.',
    tests: [
      'test/desired/nats/event-payload.test.ts: a flat message gives the document that the Go runtime stores',
      'test/desired/nats/event-payload.test.ts: a message of a schedule is only flat, and its times are RFC 3339',
      'test/desired/nats/event-payload.test.ts: a wrapped message of a bot is taken, with its times as RFC 3339 without a fraction',
    ],
  },
  {
    id: '2.3-1',
    rule: '`next_execution_time` of a schedule is a 64 bit integer of Unix seconds.',
    tests: [
      'test/conformance/desired/mongo-run-ledger.test.ts: mongodb: the next time stands where the contract has it, as a 64 bit number of seconds',
      'test/desired/mongodb/event-writer.test.ts: a schedule is due next as its cron says, and that is computed anew only when the cron changes',
    ],
  },
  {
    id: '2.3-2',
    rule: 'A number is the same bot whether it is stored as int, long or double.',
    tests: [
      'test/desired/mongodb/bot-document.test.ts: a number has the same revision and JSON whether it is stored as int, long or double',
    ],
  },
  {
    id: '2.4-1',
    rule: 'A bot is enabled unless the root or its config says no; in the config also by "false", "0" and 0.',
    tests: [
      'test/desired/mongodb/bot-document.test.ts: a bot is enabled unless one of the two places says that it is not',
    ],
  },
  {
    id: '2.4-2',
    rule: 'Each process has a notion of enabled of its own.',
    departs: 'There is one, the strictest, for bots and schedules alike (weakness 13).',
    tests: [
      'test/desired/mongodb/bot-document.test.ts: a bot is enabled unless one of the two places says that it is not',
      'test/desired/directory/bot-json.test.ts: a bot is disabled if either place says so',
    ],
  },
  {
    id: '2.5-1',
    rule: 'A creation writes nothing where the id is there already, else the whole document in one upsert.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation of what is there changes nothing, an update of what is not there creates it',
    ],
  },
  {
    id: '2.5-2',
    rule: 'An update sets config and custom only, leaves enabled and partition as they are, and creates what is not there.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: an update keeps what events know nothing of',
      'test/desired/mongodb/event-writer.test.ts: a creation of what is there changes nothing, an update of what is not there creates it',
    ],
  },
  {
    id: '2.5-3',
    rule: 'An update of a schedule sets the next time only where the expression changed or there was no time.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a schedule is due next as its cron says, and that is computed anew only when the cron changes',
    ],
  },
  {
    id: '2.5-4',
    rule: 'A deletion removes the document and gives its place in the partition back; of what is not there it is no error.',
    tests: ['test/desired/mongodb/event-writer.test.ts: a deletion removes duplicates too and gives their places back'],
  },
  {
    id: '2.5-5',
    rule: 'A partition takes 100 bots, then comes the next number.',
    tests: ['test/desired/mongodb/event-writer.test.ts: a full partition is followed by the next one'],
  },
  {
    id: '2.5-6',
    rule: 'The next time is written after a run, from the time at its end.',
    departs:
      'It is written when the run is claimed, before anything starts: else a restart runs it twice (weakness 26, design 4).',
    tests: [
      'test/conformance/desired/run-ledger.ts: mongodb: a run goes from claimed to started to finished, and not back',
      'test/actors/scheduled.test.ts: an occurrence is claimed, started, recorded, cleared away; then the next is waited for',
    ],
  },
  {
    id: '2.6-1',
    rule: 'A bot may have its id in `_id` as a text; of duplicates one counts.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: an id in _id is one, and of duplicates the first counts and is shown',
      'test/desired/mongodb/bot-document.test.ts: an id may stand in _id as a text, and one that cannot name a container is none',
    ],
  },
  {
    id: '2.6-2',
    rule: 'gc reads the ids of both collections, of disabled bots too.',
    tests: ['test/commands/gc.test.ts: a dry run tells what would go, and the next run removes it'],
  },
  {
    id: '2.6-3',
    rule: 'One document that cannot be decoded ends the cycle for all.',
    departs: 'Documents are read one by one; a bad one is shown and stops nobody else (weakness 10).',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: one bad document never stops the rest, and each is shown',
      'test/desired/mongodb/bot-document.test.ts: a field of the wrong type is a problem that names it and what it should be',
    ],
  },
  {
    id: '2.6-4',
    rule: 'All documents are read at every interval.',
    departs: 'Change streams, hints and a slow comparison replace it (design 6); the interval is the safety net.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: a document written directly is seen through the change stream',
      'test/desired/mongodb/mongo-source.test.ts: on a server without change streams a change is seen when everything is read again, or by a hint',
    ],
  },
  {
    id: '2.7-1',
    rule: 'A schedule has six fields with seconds first, else five, and the golden expressions give the golden times.',
    tests: ['test/actors/cron.test.ts: the next time is the one that the library of the contract gives'],
  },
  {
    id: '2.7-2',
    rule: 'Ranges, names, lists and steps are those of the library; 7 for Sunday, L, W, #, reversed ranges, step 0 and @reboot are refused.',
    tests: [
      'test/actors/cron.test.ts: what the library refuses, or breaks over, is a problem with a clause about it',
      'test/actors/cron.test.ts: around changes of the clocks, and for odd expressions, it is as in the library as well',
    ],
  },
  {
    id: '2.7-3',
    rule: 'With a bare star in one of the two day fields both must match, else either may; a stepped star is no star.',
    tests: ['test/actors/cron.test.ts: the next time is the one that the library of the contract gives'],
  },
  {
    id: '2.7-4',
    rule: 'Descriptors and @every work, @every in whole seconds of at least one.',
    tests: ['test/actors/cron.test.ts: the next time is the one that the library of the contract gives'],
  },
  {
    id: '2.7-5',
    rule: 'TZ= and CRON_TZ= name a zone, else it is that of the process, by itself UTC.',
    tests: [
      'test/actors/cron.test.ts: the next time is the one that the library of the contract gives',
      'test/config/load-settings.test.ts: nothing given means the defaults, which work',
    ],
  },
  {
    id: '2.7-6',
    rule: 'The next time is strictly later, in whole seconds, and changes of the clock are as in the library.',
    tests: [
      'test/actors/cron.test.ts: around changes of the clocks, and for odd expressions, it is as in the library as well',
    ],
  },
  {
    id: '2.7-7',
    rule: 'An impossible date is due always.',
    departs: 'It never runs and says so (weakness 5); the year 1 that the Go runtime stores is not taken for due.',
    tests: [
      'test/actors/cron.test.ts: an impossible date has no next time',
      'test/actors/scheduled.test.ts: the year 1, which the Go runtime stores for impossible dates, is not taken for due',
    ],
  },
];
