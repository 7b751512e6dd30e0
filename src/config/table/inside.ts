import { availableParallelism } from 'node:os';
import type { Pick } from '../setting.ts';
import { duration, integer } from '../setting-kinds.ts';

/** Threads. */
export function shardSettings(pick: Pick) {
  return {
    /** Worker threads for actors; 0: all in the main thread. */
    shards: pick({
      group: 'kernel',
      flag: 'shards',
      env: 'THE0_SHARDS',
      kind: integer('count', 0, 64),
      default: defaultShards(availableParallelism()),
      defaultText: 'one less than there are processors, from 1 to 4',
      help: 'threads that the actors of the bots are spread over; 0 uses the main thread',
    }),
    shardReplace: {
      first: pick({
        group: 'kernel',
        flag: 'shard-replace-first',
        env: 'THE0_SHARD_REPLACE_FIRST',
        kind: duration('0', '1m'),
        default: 100,
        help: 'pause before a shard that died twice in a row is replaced',
      }),
      cap: pick({
        group: 'kernel',
        flag: 'shard-replace-cap',
        env: 'THE0_SHARD_REPLACE_CAP',
        kind: duration('1ms', '10m'),
        default: 10_000,
        help: 'longest such pause',
      }),
      forgivenMs: pick({
        group: 'advanced',
        flag: 'shard-forgiven',
        env: 'THE0_SHARD_FORGIVEN',
        kind: duration('1s', '24h'),
        default: 60_000,
        help: 'a shard that lived this long counts as one that never died',
      }),
    },
    /** What a shard had no room for. */
    offerAgainMs: pick({
      group: 'advanced',
      flag: 'shard-offer-again',
      env: 'THE0_SHARD_OFFER_AGAIN',
      kind: duration('1ms', '10s'),
      default: 20,
      help: 'how soon what a full shard had no room for is offered to it again',
    }),
    lostActorPauseMs: pick({
      group: 'advanced',
      flag: 'lost-actor-pause',
      env: 'THE0_LOST_ACTOR_PAUSE',
      kind: duration('1ms', '10m'),
      default: 1000,
      help: 'pause before an actor that failed beyond recovery is made anew',
    }),
  };
}

/** The actor kernel. */
export function kernelSettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    mailboxSize: pick({
      group: 'kernel',
      flag: 'mailbox-size',
      env: 'THE0_MAILBOX_SIZE',
      kind: integer('count', 4, 1_000_000),
      default: 64,
      help: 'messages that may wait for one actor',
    }),
    messagesPerActorTurn: pick({
      group: 'kernel',
      flag: 'messages-per-turn',
      env: 'THE0_MESSAGES_PER_TURN',
      kind: count(100_000),
      default: 16,
      help: 'messages one actor handles before it is the turn of the next',
    }),
    turnBudgetMs: pick({
      group: 'kernel',
      flag: 'turn-budget',
      env: 'THE0_TURN_BUDGET',
      kind: duration('1ms', '1s'),
      default: 8,
      help: 'time the actors of a thread may work before timers and sockets have their turn',
    }),
    dueTimersPerTurn: pick({
      group: 'advanced',
      flag: 'due-timers',
      env: 'THE0_DUE_TIMERS',
      kind: count(1_000_000),
      default: 1024,
      help: 'timers of one thread that are handled before sockets have their turn',
    }),
    unhandledEnvelopes: pick({
      group: 'kernel',
      flag: 'shard-backlog',
      env: 'THE0_SHARD_BACKLOG',
      kind: integer('count', 64, 100_000_000),
      default: 65_536,
      help: 'messages that may be on their way to one thread',
    }),
    controlDeadlineMs: pick({
      group: 'kernel',
      flag: 'shard-deadline',
      env: 'THE0_SHARD_DEADLINE',
      kind: duration('100ms', '10m'),
      default: 10_000,
      help: 'longest wait for such a thread to start, to stop or to say how its bots are',
    }),
    restartBudget: {
      count: pick({
        group: 'kernel',
        flag: 'actor-failures',
        env: 'THE0_ACTOR_FAILURES',
        kind: count(10_000),
        default: 5,
        help: 'failures of one actor after which it rests until told otherwise',
      }),
      withinMs: pick({
        group: 'kernel',
        flag: 'actor-failures-within',
        env: 'THE0_ACTOR_FAILURES_WITHIN',
        kind: duration('1s', '24h'),
        default: 60_000,
        help: 'the time in which these failures are counted',
      }),
    },
  };
}

/** One processor is left for the main thread, which talks to the engine; more than four shards serve only very many bots. */
export function defaultShards(processors: number): number {
  return Math.min(4, Math.max(1, processors - 1));
}
