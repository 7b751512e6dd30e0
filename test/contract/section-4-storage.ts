import type { Rule } from './rule.ts';

/** Objects in MinIO or S3 (contract section 4). */
export const SECTION_4: readonly Rule[] = [
  {
    id: '4.1-1',
    rule: 'The code of a bot is the object that custom.filePath names, a ZIP in custom-bots; the runtime makes no such bucket.',
    tests: [
      'test/commands/store-check.test.ts: the code bucket is not made, but waited for, and the store is not probed again',
      'test/agent/prepare-errand.test.ts: the agent fetches code and runs it, and the bot sees no credential',
    ],
  },
  {
    id: '4.1-2',
    rule: 'The state is <id>/state.tar.gz in bot-state, application/gzip.',
    tests: ['test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read'],
  },
  {
    id: '4.1-3',
    rule: 'The log is logs/<id>/<YYYYMMDD>.log in bot-logs, plain text.',
    tests: ['test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read'],
  },
  {
    id: '4.1-4',
    rule: 'Chunks of logs lie beside it as .tmp-<number> for a moment.',
    departs:
      'No chunk is needed: what is new is joined to what is there in the store. gc still clears chunks of the Go runtime.',
    tests: [
      'test/agent/logs/log-sync.test.ts: a log of 6 MB and one of 60 MB cost the same to append to, a small one is sent again',
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
    ],
  },
  {
    id: '4.1-5',
    rule: 'The result of a query is <id>/<nanoseconds>-<16 hex>/result.json in query-results, application/json, and is removed after it was read.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read',
    ],
  },
  {
    id: '4.1-6',
    rule: 'A bucket backtest is made.',
    departs: 'Nothing uses it (weakness 48).',
    tests: [
      'test/commands/store-check.test.ts: a good store is known after the first try, its state bucket made, and nothing is left in it',
    ],
  },
  {
    id: '4.1-7',
    rule: 'Buckets for state, logs and results are made when they are needed.',
    tests: [
      'test/agent/state/fencing.test.ts: a state that does not exist is a first run; its bucket is made when there is something to store',
      'test/commands/store-check.test.ts: a good store is known after the first try, its state bucket made, and nothing is left in it',
    ],
  },
  {
    id: '4.1-8',
    rule: 'The roles do nothing until the code bucket is there.',
    tests: [
      'test/commands/store-check.test.ts: the code bucket is not made, but waited for, and the store is not probed again',
    ],
  },
  {
    id: '4.2-1',
    rule: 'A store has MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY, all three.',
    tests: [
      'test/config/object-store.test.ts: a store is described by the variables of the contract',
      'test/config/object-store.test.ts: half a store is refused, and no secret is shown',
    ],
  },
  {
    id: '4.2-2',
    rule: 'TLS is on for 1, t, T, true, TRUE and True in MINIO_USE_SSL or MINIO_SSL.',
    tests: [
      'test/config/object-store.test.ts: TLS is asked for as Go reads it, by either variable, and anything else is no',
    ],
  },
  {
    id: '4.2-3',
    rule: 'Sizes of states are 8192 and 10 MiB, also where the variable is no integer.',
    tests: [
      'test/config/load-settings.test.ts: sizes of states that are no integers are the default, with a warning (contract 4.2)',
    ],
  },
  {
    id: '4.2-4',
    rule: 'Containers get MINIO_CONTAINER_ENDPOINT instead of MINIO_ENDPOINT where there is one.',
    tests: [
      'test/config/object-store.test.ts: buckets and the address for containers can differ',
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
    ],
  },
  {
    id: '4.2-5',
    rule: 'Other names of buckets and other sizes do not reach the containers.',
    departs: 'They do, and the defaults stay (contract 4.2 allows it).',
    tests: [
      'test/engine/bot-environment.test.ts: names buckets and sizes only where they are not what the agent takes by itself',
    ],
  },
  {
    id: '4.3-1',
    rule: 'Code is unpacked with its modes, folders of files are made, and nothing but the code is left.',
    tests: [
      'test/agent/stored-code.test.ts: the archive becomes the code, and nothing else is left but the marker',
      "test/storage/code-archive/extract.test.ts: an archive by Python's zipfile (ZIP_DEFLATED) is unpacked with its modes",
      'test/storage/code-archive/extract.test.ts: an archive by Info-ZIP, with entries for folders, is unpacked',
    ],
  },
  {
    id: '4.3-2',
    rule: 'What was in the place before stays.',
    departs: 'A version is put in whole or not at all (design 8); files of others are left alone.',
    tests: [
      'test/agent/stored-code.test.ts: another archive under the same key replaces everything',
      'test/agent/stored-code.test.ts: a directory with files of somebody else is left alone',
    ],
  },
  {
    id: '4.3-3',
    rule: 'Entries that lead out are skipped, absolute ones re-rooted, links become text, and nothing is limited.',
    departs: 'Such an archive is refused, with limits on number, size and ratio (weakness 54).',
    tests: [
      'test/storage/code-archive/extract.test.ts: the name ../escaped leads out of the code and is refused',
      'test/storage/code-archive/extract.test.ts: a gigabyte of zeros that says it is small is refused at the first byte too many',
      'test/agent/stored-code.test.ts: an archive that unpacks to more than the limits allow is too large',
    ],
  },
  {
    id: '4.3-4',
    rule: 'Archives of the CLI are read: deflated, `/` in names, no entries for folders, modes kept, vendored packages inside.',
    tests: [
      'test/storage/code-archive/pack.test.ts: what is packed is what is unpacked, here and by Python',
      'test/storage/code-archive/extract.test.ts: a streamed archive by Python, with data descriptors and 64-bit fields, is unpacked',
    ],
  },
  {
    id: '4.4-1',
    rule: 'The state is a gzip of a tar with names relative to the state directory, .the0-state/ at its root, and any reader can extract it.',
    tests: [
      'test/agent/state/other-readers.test.ts: what is stored of a bot that changes everything is what others extract, as a user who is not root',
      "test/storage/archive/round-trip.test.ts: Go's archive/tar reads the same",
      'test/storage/archive/round-trip.test.ts: GNU tar extracts the same',
      'test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read',
    ],
  },
  {
    id: '4.4-2',
    rule: 'A restored state has its modes and never reaches outside of its directory.',
    tests: [
      'test/storage/archive/round-trip.test.ts: what is packed is extracted again, to the last bit',
      'test/storage/archive/hostile.test.ts: a file called ../outside is refused',
    ],
  },
  {
    id: '4.4-3',
    rule: 'One file may have 10 MiB and all 8 GiB; above that nothing is uploaded.',
    departs:
      'A file above its limit is left out and named, the others are stored; above the limit of all nothing is stored.',
    tests: [
      'test/agent/state/taking.test.ts: a file above the limit is left out, with its size and the setting; the others are stored',
      'test/agent/state/taking.test.ts: a state above its limits is not stored, and says which',
    ],
  },
  {
    id: '4.4-4',
    rule: 'A state above its limits is restored up to there.',
    departs: 'What cannot be restored whole keeps the bot from starting (weakness 38).',
    tests: [
      'test/storage/archive/hostile.test.ts: limits on entries, one file and all files hold',
      'test/agent/state/fencing.test.ts: a damaged archive keeps the bot from starting, and leaves nothing behind',
    ],
  },
  {
    id: '4.4-5',
    rule: 'A directory that is not there or empty is never uploaded.',
    departs: 'One that is not there is not; the end of the last file is (weakness 36).',
    tests: [
      'test/agent/state/taking.test.ts: a state directory that is not there does not empty the stored state',
      'test/agent/state/fencing.test.ts: that the last file is deleted is stored, too',
    ],
  },
  {
    id: '4.5-1',
    rule: 'The ETag of the state changes with its content, so that the API notices it.',
    tests: ['test/agent/state/fencing.test.ts: every upload changes the ETag, even to a content that was there before'],
  },
  {
    id: '4.5-2',
    rule: 'A state that the API rewrote or deleted is lived with, and stored again at the next change.',
    tests: [
      'test/agent/state/fencing.test.ts: a plain archive, as the API or the Go runtime writes it, is restored, and replaced at the next real change',
      'test/agent/state/fencing.test.ts: a state that was deleted in the store is stored again, whole, at the next real change',
    ],
  },
  {
    id: '4.5-3',
    rule: 'The archive stays below the 100 MiB that the API takes, while the live state does.',
    tests: [
      'test/storage/archive/upload-plan.test.ts: an archive of 80 MiB never grows above 90 by what was overridden, and is not tidied all the time',
    ],
  },
  {
    id: '4.5-4',
    rule: 'Each day has one object, in order, and is only ever extended, so that size and ranges can be trusted.',
    tests: [
      'test/agent/logs/log-sync.test.ts: each day has its own object, and the day after knows where the day before ended',
      'test/agent/logs/log-sync.test.ts: whatever fails and whenever the agent dies, every line is stored once and in order',
      'test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read',
    ],
  },
  {
    id: '4.5-5',
    rule: 'Each stored line is a JSON object with a timestamp, ended by a newline, so that the API can tell its time.',
    tests: ['test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read'],
  },
  {
    id: '4.6-1',
    rule: 'A JSON object with a timestamp is stored byte for byte.',
    tests: ['test/agent/logs/stored-line.test.ts: a JSON object with a timestamp is stored byte for byte'],
  },
  {
    id: '4.6-2',
    rule: 'A JSON object without one gets it, in RFC 3339 with whole seconds.',
    tests: [
      'test/agent/logs/stored-line.test.ts: a JSON object without a timestamp gets one and keeps its keys, numbers and their order',
    ],
  },
  {
    id: '4.6-3',
    rule: 'Such an object is written anew with sorted keys and rounded numbers.',
    departs: 'Its bytes are kept (weakness 49): no reader asks for the order.',
    tests: [
      'test/agent/logs/stored-line.test.ts: a JSON object without a timestamp gets one and keeps its keys, numbers and their order',
    ],
  },
  {
    id: '4.6-4',
    rule: 'Anything else becomes a message with a timestamp, NaN and arrays too.',
    tests: ['test/agent/logs/stored-line.test.ts: everything else becomes a message, with its indentation'],
  },
  {
    id: '4.6-5',
    rule: 'Blank lines are left out.',
    tests: ['test/agent/logs/stored-line.test.ts: a blank line is not stored'],
  },
  {
    id: '4.6-6',
    rule: 'Both ends of a line are trimmed.',
    departs: 'Only of JSON: an indented text keeps its indentation (weakness 49).',
    tests: ['test/agent/logs/stored-line.test.ts: everything else becomes a message, with its indentation'],
  },
  {
    id: '4.6-7',
    rule: 'Day and time are those of the upload in the zone of the agent.',
    tests: ['test/agent/logs/stored-line.test.ts: day and timestamp are those of the local zone'],
  },
  {
    id: '4.7-1',
    rule: 'The object of a day only grows and is never missing in between.',
    tests: [
      'test/agent/logs/log-sync.test.ts: lines are stored as they come, and the rest when the bot has ended',
      'test/conformance/storage/suite.ts: never shows a reader half a version',
    ],
  },
];
