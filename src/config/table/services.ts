import type { Pick, SettingKind } from '../setting.ts';
import { age, duration, integer } from '../setting-kinds.ts';

/** An address of MongoDB. Never shown: it may hold a password. Whether it is good the driver says (contract 1.1: empty is a value). */
const mongoUri: SettingKind<string | null> = {
  secret: true,
  emptyIsValue: true,
  placeholder: '<uri>',
  expected: 'an address such as mongodb://host:27017',
  parse: (text) => (text === '' || /^mongodb(\+srv)?:\/\/[\x21-\x7e]+$/.test(text) ? text : undefined),
  show: (value) => (value === null || value === '' ? '' : '(set)'),
};

/** As a process that stands by names them, separated by commas: `<engine>@<number>`, with the number of the last that was heard of it. */
const goneEngines: SettingKind<string> = {
  secret: false,
  emptyIsValue: true,
  placeholder: '<engine@n>',
  expected:
    'what a process that stands by says is to be given here, such as 4a1f…@17, or several of these, separated by commas',
  parse: (text) => (text === '' || text.split(',').every((one) => /^[^\s@]+@\d+$/.test(one)) ? text : undefined),
  show: (engines) => engines,
};

/** Contract 1.2. */
export const DEFAULT_MONGO_URI = 'mongodb://localhost:27017';

/** Contract 1.3: nothing or less than nothing is the default. */
const interval: SettingKind<number> = { ...duration('100ms', '24h'), saysNothing: /^-|^0+[a-z]*$/ };

/** MongoDB and NATS, where the desired state comes from them. */
export function serviceSettings(pick: Pick) {
  const milliseconds = duration('1ms', '24h');
  const advanced = (flag: string, value: number, help: string) =>
    pick({
      group: 'advanced',
      flag,
      env: `THE0_${flag.toUpperCase().replaceAll('-', '_')}`,
      kind: milliseconds,
      default: value,
      help,
    });
  const count = (flag: string, value: number, most: number, help: string) =>
    pick({
      group: 'advanced',
      flag,
      env: `THE0_${flag.toUpperCase().replaceAll('-', '_')}`,
      kind: integer('count', 1, most),
      default: value,
      help,
    });
  return {
    /** Null: not given. */
    mongoUri: pick({
      group: 'common',
      flag: 'mongo-uri',
      env: 'MONGO_URI',
      kind: mongoUri,
      default: null,
      defaultText: `none for \`up\`, else ${DEFAULT_MONGO_URI}`,
      help: 'MongoDB that holds the bots; without it `up` takes them from a folder',
    }),
    mongo: {
      waitMs: advanced('mongo-wait', 10_000, 'how long an operation, also the first one, waits for MongoDB'),
      silenceMs: advanced('mongo-silence', 30_000, 'how long MongoDB may be silent in the middle of an operation'),
      connections: count('mongo-connections', 20, 1_000, 'connections to MongoDB'),
    },
    desired: {
      rereadMs: pick({
        group: 'common',
        flag: 'reconcile-interval',
        env: 'THE0_RECONCILE_INTERVAL',
        kind: interval,
        default: 30_000,
        help: 'how often all bots are read again from a MongoDB that has no change streams',
      }),
      watchedRereadMs: advanced('reconcile-interval-watched', 300_000, 'the same, from a MongoDB that has them'),
      retryMs: advanced(
        'mongo-retry',
        250,
        'pause before what MongoDB could not do is tried again; it doubles every time',
      ),
      longestRetryMs: advanced('mongo-retry-cap', 10_000, 'longest pause between tries of what MongoDB could not do'),
      supportCheckMs: advanced(
        'change-stream-check',
        300_000,
        'how often a MongoDB without change streams is asked again',
      ),
      emptyPauseMs: advanced(
        'change-stream-pause',
        25,
        'pause before a MongoDB that says at once that nothing has changed is asked again; it doubles every time',
      ),
      longestEmptyPauseMs: advanced('change-stream-pause-cap', 200, 'longest of those pauses'),
      gatherMs: advanced('reread-gather', 50, 'how long changes are gathered before all bots are read again'),
      batch: count('mongo-batch', 200, 10_000, 'documents that are read at once'),
      mostHints: count('mongo-hints', 10_000, 1_000_000, 'bots that wait to be read again; with more all are read'),
      readMs: advanced('mongo-read', 3_000, 'how long a read of single bots may take'),
      lookMs: advanced(
        'mongo-look',
        600,
        'how long a query to a bot that does not run waits for what MongoDB has of it now; less than a third of query-ask-deadline',
      ),
      mostLooks: count('mongo-looks', 1_024, 100_000, 'bots that are read together for such queries'),
      absentMs: advanced(
        'mongo-absent',
        250,
        'how long a bot that was asked for and is not there is not looked for again',
      ),
      tombstoneMs: pick({
        group: 'advanced',
        flag: 'tombstone-age',
        env: 'THE0_TOMBSTONE_AGE',
        kind: age('1h', '8760h'),
        default: 8 * 24 * 3_600_000,
        help: 'how long a deleted bot is remembered; longer than events are kept in NATS',
      }),
    },
    lease: {
      expiryMs: advanced('lease-expiry', 15_000, 'a holder of a role that was not heard of for this long is gone'),
      renewMs: advanced('lease-renew', 3_000, 'how often the holder says that it is there'),
      takeFrom: pick({
        group: 'advanced',
        flag: 'take-from-engine',
        env: 'THE0_TAKE_FROM_ENGINE',
        kind: goneEngines,
        default: '',
        help: 'engine that is gone for good, as a process that stands by has named it: its bots are run here',
      }),
      abandonedMs: pick({
        group: 'advanced',
        flag: 'lease-abandoned',
        env: 'THE0_LEASE_ABANDONED',
        kind: age('0', '8760h'),
        default: 0,
        help: 'bots are run here when nothing was heard for this long of who kept them on another engine, even if they run there still; 0: never',
      }),
    },
    events: {
      connectMs: advanced('nats-connect', 2_000, 'how long one try to connect to NATS may take'),
      reconnectMs: advanced('nats-reconnect', 1_000, 'pause between such tries'),
      pingMs: advanced('nats-ping', 20_000, 'how often a silent NATS is asked whether it is there'),
      connectWaitMs: advanced('nats-start-wait', 5_000, 'how long the start waits for NATS'),
      backlogWaitMs: advanced(
        'nats-backlog-wait',
        60_000,
        'how long the start waits for events that were kept to be applied',
      ),
      ackWaitMs: advanced('nats-ack-wait', 10_000, 'after this long without a sign an event is sent again'),
      noteMs: advanced('nats-note', 30_000, 'how often it is noted how far events were applied'),
      streamLookMs: advanced(
        'nats-stream-look',
        10_000,
        'how often the stream of events is looked for while there is none',
      ),
      retryMs: advanced(
        'nats-retry',
        250,
        'pause before an event that could not be stored is tried again; it doubles every time',
      ),
      longestRetryMs: advanced('nats-retry-cap', 5_000, 'longest pause between tries to store an event'),
      heldToldMs: advanced(
        'nats-held-told',
        15_000,
        'when an event could not be stored for this long, the runtime counts as not ready',
      ),
      batchMs: advanced('nats-batch-wait', 5_000, 'how long NATS may take over a batch of events that were kept'),
      batch: count('nats-batch', 500, 10_000, 'events that are asked for at once'),
      mostBots: count(
        'nats-backlog-bots',
        100_000,
        10_000_000,
        'bots whose last events are found before they are applied',
      ),
      atOnce: count('nats-backlog-at-once', 8, 1_000, 'of these, how many are written at the same time'),
      mostWaiting: count(
        'nats-waiting',
        10_000,
        1_000_000,
        'events that may wait to be stored while no stream keeps them',
      ),
      toldMs: advanced('nats-told', 12 * 3_600_000, 'how long `ls` and `why` tell of events that were lost or refused'),
      mostWaitingBytes: count('nats-waiting-bytes', 67_108_864, 1_073_741_824, 'bytes of such events'),
    },
  };
}
