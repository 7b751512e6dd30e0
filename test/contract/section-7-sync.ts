import type { Rule } from './rule.ts';

/** Storing state and log while a bot runs (contract section 7). */
export const SECTION_7: readonly Rule[] = [
  {
    id: '7.1-1',
    rule: 'An agent stores while its bot runs, and once more at its end.',
    tests: [
      'test/agent/sync/execute-sync.test.ts: stores what the bot wrote and said, and the next start has it',
      'test/agent/sync/execute-sync.test.ts: stores a change soon after it was made, at any depth',
    ],
  },
  {
    id: '7.1-2',
    rule: '`daemon sync` does the same beside a bot, at its own interval, and ends after a last sync when the done file is there.',
    tests: [
      'test/agent/sync/daemon.test.ts: sync beside a bot that stores nothing itself keeps its state and log',
      'test/agent/sync/daemon.test.ts: sync ends by itself when the done file is there',
    ],
  },
  {
    id: '7.1-3',
    rule: '/readyz of the daemon is 503, then 200, /healthz always 200.',
    tests: ['test/agent/sync/daemon.test.ts: sync takes neither an empty directory nor half a state for the state'],
  },
  {
    id: '7.1-4',
    rule: 'A wrong configuration of the daemon is exit code 1.',
    tests: ['test/agent/sync/daemon.test.ts: without a store it says which variable is missing'],
  },
  {
    id: '7.1-5',
    rule: 'State goes before log, one after the other.',
    departs: 'They are independent: a state that cannot be stored does not hold up the log (design 10.4).',
    tests: [
      'test/agent/sync/execute-sync.test.ts: a state above a limit is not stored, the good one stays, and a condition says so',
    ],
  },
  {
    id: '7.2-1',
    rule: 'A write of the log triggers a sync of both, at most every 200 ms; changes in depth wait for up to 60 s.',
    departs: 'Every change is seen, at any depth, and settles before it is stored (weakness 43).',
    tests: [
      'test/agent/sync/state-watch.test.ts: a change at any depth is told with its directory',
      'test/agent/sync/state-loop.test.ts: a burst of changes is stored at once, not one by one',
      'test/agent/sync/state-loop.test.ts: changes that never pause are stored all the same',
    ],
  },
  {
    id: '7.2-2',
    rule: 'What no event told is stored within 60 s.',
    tests: ['test/agent/sync/state-loop.test.ts: without a single watch, changes are found by the sweep'],
  },
  {
    id: '7.3-1',
    rule: 'What is unchanged is not uploaded.',
    tests: ['test/agent/state/fencing.test.ts: what is unchanged is not uploaded again, also after a restart'],
  },
  {
    id: '7.3-2',
    rule: 'The first sync uploads everything again, and a touched file too.',
    departs: 'Neither (weakness 42).',
    tests: [
      'test/agent/state/taking.test.ts: a touched file is not uploaded; one with another mode is',
      'test/agent/state/unchanged-tree.test.ts: what was restored is not read again',
    ],
  },
  {
    id: '7.3-3',
    rule: 'An upload that failed is made again.',
    tests: [
      'test/agent/sync/state-loop.test.ts: what a failed attempt did not store is stored by a later one, and both is told once',
    ],
  },
  {
    id: '7.3-4',
    rule: 'Everything below the state path is stored.',
    tests: [
      'test/agent/state/random-changes.test.ts: after 400 syncs of random changes the stored state is the directory, and no archive was too large (pieces can be small)',
      'test/agent/state/other-readers.test.ts: what is stored of a bot that changes everything is what others extract, as a user who is not root',
    ],
  },
  {
    id: '7.4-1',
    rule: 'The log is read on from where it was stored up to; one that became smaller is read from its start.',
    tests: [
      'test/agent/logs/log-source.test.ts: whole lines come once, in order, and a torn line when it is ended',
      'test/agent/logs/log-source.test.ts: a file that was cut off is read from its start',
    ],
  },
  {
    id: '7.4-2',
    rule: 'Pieces are at most one MiB and end with a line where there is one; the last may be torn.',
    departs: 'A torn line waits for its end (weakness 46 and design 8); a line longer than one append goes in pieces.',
    tests: [
      'test/agent/logs/log-source.test.ts: whole lines come once, in order, and a torn line when it is ended',
      'test/agent/logs/log-source.test.ts: a line longer than one append goes in pieces',
    ],
  },
  {
    id: '7.4-3',
    rule: 'What is not stored is tried again, and nothing is passed over.',
    tests: [
      'test/agent/logs/log-sync.test.ts: whatever fails and whenever the agent dies, every line is stored once and in order',
      'test/agent/logs/log-sync.test.ts: the end is tried again while the store asks for that',
    ],
  },
  {
    id: '7.4-4',
    rule: 'bot.log is never rotated.',
    departs: 'It is, at a limit, and what has gone unsent is counted (weakness 31).',
    tests: [
      'test/agent/log.test.ts: a full log file makes room for a new one, and one old file is kept',
      'test/agent/logs/log-source.test.ts: nothing is lost or repeated when the file is rotated between two looks',
    ],
  },
  {
    id: '7.4-5',
    rule: 'A log bucket that fails at the start ends log storing for good.',
    departs: 'It is tried again (weakness 47).',
    tests: ['test/agent/logs/log-sync.test.ts: trouble is told once, and its end'],
  },
  {
    id: '7.5-1',
    rule: 'Trouble of state or log never stops the bot.',
    tests: [
      'test/agent/log.test.ts: a full disk does not stop the bot, and one line says what is missing',
      'test/agent/sync/execute-sync.test.ts: a state above a limit is not stored, the good one stays, and a condition says so',
    ],
  },
  {
    id: '7.5-2',
    rule: 'There is no way in which storing ends the bot.',
    departs: 'A start that a later one has superseded ends, since two must not write one state (design 8).',
    tests: [
      'test/agent/sync/execute-sync.test.ts: an older start that meets the state of a later one ends, and stores nothing',
    ],
  },
  {
    id: '7.6-1',
    rule: '`daemon init` fetches code and state; without --code-file no code.',
    tests: ['test/agent/sync/daemon.test.ts: init brings code and state, and says what is wrong'],
  },
];
