import type { Rule } from './rule.ts';

/** Lifecycle events and live logs over NATS (contract section 3). */
export const SECTION_3: readonly Rule[] = [
  {
    id: '3.1-1',
    rule: 'The six subjects the0.bot.* and the0.bot-schedule.* with created, updated and deleted are followed.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: what the API publishes becomes a definition, changes and goes',
      'test/desired/nats/nats-feed.test.ts: schedules come on their own subjects, with the time of their next run',
    ],
  },
  {
    id: '3.1-2',
    rule: 'Events are read without memory, and what is published meanwhile is lost.',
    departs: 'A durable consumer on the stream of the API keeps them (weakness 1, design 6).',
    tests: [
      'test/desired/nats/nats-feed.test.ts: events that were published while the runtime was down are applied at its return',
    ],
  },
  {
    id: '3.1-3',
    rule: 'An event is never answered, for its publisher waits for the answer of the stream.',
    tests: [
      'test/desired/nats/core-follower.test.ts: an event is never answered, since its publisher waits for the answer of the stream',
    ],
  },
  {
    id: '3.1-4',
    rule: 'The queue group is `runtime`: of runtimes beside each other, the Go one too, one gets an event.',
    tests: ['test/desired/nats/core-follower.test.ts: of two runtimes on the subjects themselves one gets an event'],
  },
  {
    id: '3.1-5',
    rule: 'The streams are made by the API, and the runtime works without them.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: without a stream the subjects themselves are followed, and the stream as soon as there is one',
    ],
  },
  {
    id: '3.1-6',
    rule: 'An old backlog rolls nothing back: it is read before the first reconciliation, and events are idempotent.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: of a backlog only the last event of each bot is applied, before anything is delivered',
      'test/desired/mongodb/event-writer.test.ts: only a later event is applied',
    ],
  },
  {
    id: '3.2-1',
    rule: 'A created or updated event has id, config and custom; a deleted one counts by its id alone.',
    tests: [
      'test/desired/nats/event-payload.test.ts: a flat message gives the document that the Go runtime stores',
      'test/desired/nats/event-payload.test.ts: of a deletion only the id counts',
    ],
  },
  {
    id: '3.2-2',
    rule: 'Bots, not schedules, also come wrapped in `data`.',
    tests: [
      'test/desired/nats/event-payload.test.ts: a wrapped message of a bot is taken, with its times as RFC 3339 without a fraction',
      'test/desired/nats/event-payload.test.ts: a message of a schedule is only flat, and its times are RFC 3339',
    ],
  },
  {
    id: '3.2-3',
    rule: 'Names are matched in any case of letters, unknown ones are passed over, and the config stays as it came.',
    tests: [
      'test/desired/nats/event-payload.test.ts: keys of a message are matched as Go does, those of the config stay as they are',
    ],
  },
  {
    id: '3.2-4',
    rule: 'A value of the wrong type is no event.',
    tests: [
      'test/desired/nats/event-payload.test.ts: messages that are no good are refused without a word of what is in them',
    ],
  },
  {
    id: '3.2-5',
    rule: 'An event without id becomes a bot without id.',
    departs: 'It is refused and told (weakness 6).',
    tests: [
      'test/desired/nats/event-payload.test.ts: messages that are no good are refused without a word of what is in them',
      'test/desired/nats/nats-feed.test.ts: poison is ended with a reason that holds nothing of it, and the others go on',
    ],
  },
  {
    id: '3.2-6',
    rule: 'An empty filePath is allowed.',
    tests: ['test/desired/nats/event-payload.test.ts: what is missing is stored as Go stores nothing'],
  },
  {
    id: '3.3-1',
    rule: 'An event that cannot be used is dropped and told, and the next ones are applied.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: poison is ended with a reason that holds nothing of it, and the others go on',
    ],
  },
  {
    id: '3.3-2',
    rule: 'A schedule needs an expression that parses, else nothing is written.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a schedule that can never be due is refused, and takes no place in a partition',
    ],
  },
  {
    id: '3.3-3',
    rule: 'An update that changes nothing is an error in the log.',
    departs: 'It is none (weakness 14).',
    tests: ['test/desired/mongodb/event-writer.test.ts: an update that changes nothing is no trouble'],
  },
  {
    id: '3.4-1',
    rule: 'Live logs go to the0.bot.logs.<id>, with `_` for whatever is no letter, digit, `_` or `-`, and `unknown` for no id.',
    tests: ['test/agent/logs/live-log-subject.test.ts: the subject of a live log is the id of its bot, made harmless'],
  },
  {
    id: '3.4-2',
    rule: 'They carry the text as the bot wrote it, several whole lines at once.',
    tests: [
      'test/agent/logs/live-log.test.ts: lines are published on the subject of their bot, whole and in order',
      'test/agent/sync/execute-sync.test.ts: what the bot says is published as it says it',
    ],
  },
  {
    id: '3.4-3',
    rule: 'They are published only after the same text is stored.',
    departs: 'They are published at once, for whoever watches (design 8); what is stored does not depend on it.',
    tests: [
      'test/agent/logs/live-log.test.ts: lines are published on the subject of their bot, whole and in order',
      'test/agent/sync/execute-sync.test.ts: what the bot says is published as it says it',
    ],
  },
  {
    id: '3.4-4',
    rule: 'There are live logs only with NATS_URL in the container.',
    tests: [
      'test/engine/bot-environment.test.ts: leaves out what is not there',
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
    ],
  },
  {
    id: '3.5-1',
    rule: 'The connection is given up after two minutes.',
    departs: 'It is tried for ever, and readiness tells (weakness 2).',
    tests: [
      'test/desired/nats/nats-feed.test.ts: nothing is lost and the order is kept while NATS and MongoDB are restarted with events flowing',
      'test/desired/nats/nats-feed.test.ts: a NATS that is not there holds up the start only so long, is told, and is used when it comes',
    ],
  },
  {
    id: '3.5-2',
    rule: 'A start has ended only when the server knows the subscriptions.',
    tests: [
      'test/desired/nats/core-follower.test.ts: an event is never answered, since its publisher waits for the answer of the stream',
    ],
  },
  {
    id: '3.5-3',
    rule: 'The connection for live logs comes back by itself, and after a first failure too.',
    tests: [
      'test/agent/logs/live-log.test.ts: the connection comes back after the server was away, and both is told once',
      'test/agent/logs/live-log.test.ts: what is told of a refusal holds no credential, and the next server is tried',
    ],
  },
  {
    id: '3.5-4',
    rule: 'Subscribers have a MongoDB connection of their own from MONGO_URI, and no order between the three kinds of events.',
    departs: 'One client and one ordered consumer (weaknesses 8 and 12).',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation that comes after its deletion does not bring the bot back',
      'test/desired/nats/nats-feed.test.ts: nothing is lost and the order is kept while NATS and MongoDB are restarted with events flowing',
    ],
  },
];
