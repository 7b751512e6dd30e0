import { availableParallelism } from 'node:os';
import { adminSetting, adminTimeoutSetting, dataDirSetting } from './client-settings.ts';
import type { Setting } from './setting.ts';
import {
  choice,
  duration,
  factor,
  integer,
  optional,
  path,
  portRange,
  secret,
  size,
  text,
  timeZone,
} from './setting-kinds.ts';

/** Asked once per setting, in the order of the help; answers with the value to use. */
export type Pick = <Value>(setting: Setting<Value>) => Value;

/**
 * The one table of every setting, its default and its limits (design 10.7), and at once the shape of the validated
 * configuration: values are grouped by the part of the runtime that takes them.
 */
export function settingsTable(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
    bots: pick({
      group: 'common',
      flag: 'bots',
      env: 'THE0_BOTS',
      kind: path,
      default: 'images/bots',
      help: 'folder with one folder per bot, watched while running',
    }),
    dataDir: pick(dataDirSetting),
    engine: pick({
      group: 'common',
      flag: 'engine',
      env: 'THE0_ENGINE',
      kind: choice('process', 'docker'),
      default: 'process',
      help: 'what runs the bots: child processes (isolates nothing) or Docker containers',
    }),
    timeZone: pick({
      group: 'common',
      flag: 'time-zone',
      env: 'TZ',
      kind: timeZone,
      default: 'UTC',
      help: 'time zone of the runtime and of every bot',
    }),
    log: {
      level: pick({
        group: 'common',
        flag: 'log-level',
        env: 'LOG_LEVEL',
        kind: choice('DEBUG', 'INFO', 'WARN', 'ERROR'),
        default: 'INFO',
        help: 'what the runtime itself prints',
        lenientEnv: (value) => choice('DEBUG', 'INFO', 'WARN', 'ERROR').parse(value),
      }),
      format: pick({
        group: 'common',
        flag: 'log-format',
        env: 'THE0_LOG_FORMAT',
        kind: choice('text', 'json'),
        default: 'text',
        help: 'lines for people, or one JSON object per line',
      }),
    },
    query: {
      host: pick({
        group: 'queries',
        flag: 'host',
        env: 'THE0_HOST',
        kind: text,
        default: '127.0.0.1',
        help: 'address on which queries are answered; 0.0.0.0 lets other machines ask',
      }),
      port: pick({
        group: 'queries',
        flag: 'query-port',
        env: 'QUERY_SERVER_PORT',
        kind: integer('port', 0, 65_535),
        default: 9477,
        help: 'port on which queries are answered; 0 takes any free one',
        lenientEnv: leadingPort,
      }),
      token: pick({
        group: 'queries',
        flag: 'query-token',
        env: 'QUERY_TOKEN',
        kind: secret,
        default: null,
        help: 'bearer token that every query must carry; others on this machine can see flags, so prefer the variable',
      }),
      threads: pick({
        group: 'queries',
        flag: 'query-threads',
        env: 'THE0_QUERY_THREADS',
        kind: integer('count', 0, 64),
        default: 1,
        help: 'threads that answer queries; 0 uses the main thread',
      }),
      limits: {
        requestBytes: pick({
          group: 'queries',
          flag: 'query-request-size',
          env: 'THE0_QUERY_REQUEST_SIZE',
          kind: size('1KiB', '1GiB'),
          default: 1024 ** 2,
          help: 'largest query; above it the answer is 413',
        }),
        answerBytes: pick({
          group: 'queries',
          flag: 'query-answer-size',
          env: 'THE0_QUERY_ANSWER_SIZE',
          kind: size('1KiB', '1GiB'),
          default: 16 * 1024 ** 2,
          help: 'largest answer taken from a bot; above it the query fails and says so',
        }),
        inFlightPerBot: pick({
          group: 'queries',
          flag: 'query-in-flight-per-bot',
          env: 'THE0_QUERY_IN_FLIGHT_PER_BOT',
          kind: count(100_000),
          default: 32,
          help: 'queries to one bot at the same time; above it 503',
        }),
        inFlightTotal: pick({
          group: 'queries',
          flag: 'query-in-flight',
          env: 'THE0_QUERY_IN_FLIGHT',
          kind: count(1_000_000),
          default: 4096,
          help: 'queries to all bots at the same time; above it 503',
        }),
        defaultTimeoutMs: pick({
          group: 'queries',
          flag: 'query-timeout',
          env: 'THE0_QUERY_TIMEOUT',
          kind: duration('1ms', '24h'),
          default: 30_000,
          help: 'time for an answer when the query names none',
        }),
        maxTimeoutMs: pick({
          group: 'queries',
          flag: 'query-max-timeout',
          env: 'THE0_QUERY_MAX_TIMEOUT',
          kind: duration('1ms', '24h'),
          default: 300_000,
          help: 'longest time a query may ask for; more is cut to this',
        }),
        connectPatienceMs: pick({
          group: 'queries',
          flag: 'query-connect-patience',
          env: 'THE0_QUERY_CONNECT_PATIENCE',
          kind: duration('0', '10m'),
          default: 10_000,
          help: 'how long a query waits for a bot that has just started and does not listen yet',
        }),
        heldBytes: pick({
          group: 'queries',
          flag: 'query-held-size',
          env: 'THE0_QUERY_HELD_SIZE',
          kind: size('1MiB', '64GiB'),
          default: 256 * 1024 ** 2,
          help: 'large bodies and answers that one query thread holds at the same time; above it 503',
        }),
        connectRetryMs: pick({
          group: 'queries',
          flag: 'query-connect-retry',
          env: 'THE0_QUERY_CONNECT_RETRY',
          kind: duration('1ms', '10s'),
          default: 25,
          help: 'pause between tries to reach a bot that does not listen yet',
        }),
        idleConnections: pick({
          group: 'queries',
          flag: 'query-idle-connections',
          env: 'THE0_QUERY_IDLE_CONNECTIONS',
          kind: count(1_000_000),
          default: 4096,
          help: 'connections to bots that one query thread keeps open for the next query',
        }),
        idleConnectionMs: pick({
          group: 'queries',
          flag: 'query-idle-time',
          env: 'THE0_QUERY_IDLE_TIME',
          kind: duration('1ms', '1h'),
          default: 4000,
          help: 'how long it keeps them',
        }),
        asksInFlight: pick({
          group: 'queries',
          flag: 'query-asks',
          env: 'THE0_QUERY_ASKS',
          kind: count(1_000_000),
          default: 1024,
          help: 'questions why a bot cannot be asked, at the same time; above it 503',
        }),
        /** How long the front end waits for the supervisor to say why a bot has no route. */
        askDeadlineMs: pick({
          group: 'queries',
          flag: 'query-ask-deadline',
          env: 'THE0_QUERY_ASK_DEADLINE',
          kind: duration('10ms', '1m'),
          default: 2000,
          help: 'longest wait for the reason why a bot cannot be asked',
        }),
      },
    },
    bot: {
      stopGraceMs: pick({
        group: 'bots',
        flag: 'stop-grace',
        env: 'THE0_STOP_GRACE',
        kind: duration('0', '1h'),
        default: 30_000,
        help: 'time between SIGTERM and SIGKILL when a bot is stopped',
      }),
      /** MiB. */
      memoryLimitMiB: pick({
        group: 'bots',
        flag: 'bot-memory',
        env: 'BOT_MEMORY_LIMIT_MB',
        kind: integer('MiB', 6, 16_777_216),
        default: 512,
        help: 'memory of one bot (engine docker)',
        lenientEnv: (value) => integer('MiB', 6, 16_777_216).parse(value),
      }),
      cpuShares: pick({
        group: 'bots',
        flag: 'bot-cpu-shares',
        env: 'BOT_CPU_SHARES',
        kind: integer('shares', 2, 262_144),
        default: 512,
        help: 'weight of one bot when processors are short (engine docker)',
        lenientEnv: (value) => integer('shares', 2, 262_144).parse(value),
      }),
      pidsLimit: pick({
        group: 'bots',
        flag: 'bot-pids',
        env: 'THE0_BOT_PIDS',
        kind: integer('count', 16, 4_194_304),
        default: 1024,
        help: 'processes and threads of one bot (engine docker)',
      }),
      logBytesPerSecond: pick({
        group: 'bots',
        flag: 'bot-log-rate',
        env: 'THE0_BOT_LOG_RATE',
        kind: size('1KiB', '1GiB'),
        default: 1024 ** 2,
        help: 'log of one bot per second; lines above it are dropped and counted',
      }),
      logFileBytes: pick({
        group: 'bots',
        flag: 'bot-log-size',
        env: 'THE0_BOT_LOG_SIZE',
        kind: size('64KiB', '64GiB'),
        default: 16 * 1024 ** 2,
        help: 'size at which bot.log becomes bot.log.1; a bot keeps at most two such files',
      }),
    },
    docker: {
      image: pick({
        group: 'docker',
        flag: 'runtime-image',
        env: 'RUNTIME_IMAGE',
        kind: text,
        default: 'the0-runtime:local',
        help: 'image of the containers; `npm run image` builds the default one',
      }),
      /** Null: a network of our own without traffic between containers. */
      network: pick({
        group: 'docker',
        flag: 'docker-network',
        env: 'DOCKER_NETWORK',
        kind: optional('<name>', 'the name of a Docker network'),
        default: null,
        defaultText: 'a network of its own, without traffic between bots',
        help: 'network of the containers',
      }),
      pull: pick({
        group: 'docker',
        flag: 'pull',
        env: 'THE0_PULL',
        kind: choice('never', 'missing'),
        default: 'never',
        help: 'whether an image that is not there is fetched from its registry',
      }),
      deadlines: {
        callMs: pick({
          group: 'docker',
          flag: 'docker-call-deadline',
          env: 'THE0_DOCKER_CALL_DEADLINE',
          kind: duration('10ms', '10m'),
          default: 15_000,
          help: 'longest wait for Docker to create, inspect or remove',
        }),
        startMs: pick({
          group: 'docker',
          flag: 'docker-start-deadline',
          env: 'THE0_DOCKER_START_DEADLINE',
          kind: duration('10ms', '10m'),
          default: 60_000,
          help: 'longest wait for Docker to start a container',
        }),
        listMs: pick({
          group: 'docker',
          flag: 'docker-list-deadline',
          env: 'THE0_DOCKER_LIST_DEADLINE',
          kind: duration('10ms', '10m'),
          default: 30_000,
          help: 'longest wait for Docker to list containers',
        }),
        pullMs: pick({
          group: 'docker',
          flag: 'docker-pull-deadline',
          env: 'THE0_DOCKER_PULL_DEADLINE',
          kind: duration('1s', '2h'),
          default: 600_000,
          help: 'longest wait for an image to be fetched',
        }),
      },
    },
    process: {
      ports: pick({
        group: 'process',
        flag: 'process-ports',
        env: 'THE0_PROCESS_PORTS',
        kind: portRange,
        default: { first: 20_000, last: 29_999 },
        help: 'ports for the query servers of the bots, on 127.0.0.1',
      }),
      agentExtraMs: pick({
        group: 'process',
        flag: 'agent-grace',
        env: 'THE0_AGENT_GRACE',
        kind: duration('0', '10m'),
        default: 5000,
        help: 'what the agent beside a bot gets to end, after the bot',
      }),
      leftoverGraceMs: pick({
        group: 'process',
        flag: 'leftover-grace',
        env: 'THE0_LEFTOVER_GRACE',
        kind: duration('0', '10m'),
        default: 2000,
        help: 'time between SIGTERM and SIGKILL for processes of a runtime that was killed',
      }),
      killWaitMs: pick({
        group: 'process',
        flag: 'kill-wait',
        env: 'THE0_KILL_WAIT',
        kind: duration('10ms', '10m'),
        default: 5000,
        help: 'how long the end of a process is awaited after SIGKILL',
      }),
      missingProgramMs: pick({
        group: 'process',
        flag: 'missing-program-wait',
        env: 'THE0_MISSING_PROGRAM_WAIT',
        kind: duration('0', '1h'),
        default: 5000,
        help: 'how long an interpreter that was not found is not looked for again',
      }),
    },
    restart: {
      firstMs: pick({
        group: 'restarts',
        flag: 'restart-first',
        env: 'THE0_RESTART_FIRST',
        kind: duration('0', '1h'),
        default: 0,
        help: 'pause before the first restart after a crash',
      }),
      baseMs: pick({
        group: 'restarts',
        flag: 'restart-base',
        env: 'THE0_RESTART_BASE',
        kind: duration('1ms', '1h'),
        default: 1000,
        help: 'upper end of the pause before the second restart in a row; the pause is drawn at random below it',
      }),
      factor: pick({
        group: 'restarts',
        flag: 'restart-factor',
        env: 'THE0_RESTART_FACTOR',
        kind: factor(1, 100),
        default: 2,
        help: 'by how much that upper end grows with every further crash',
      }),
      capMs: pick({
        group: 'restarts',
        flag: 'restart-cap',
        env: 'THE0_RESTART_CAP',
        kind: duration('1ms', '24h'),
        default: 300_000,
        help: 'longest pause between restarts',
      }),
      healthyMs: pick({
        group: 'restarts',
        flag: 'restart-healthy',
        env: 'THE0_RESTART_HEALTHY',
        kind: duration('1ms', '24h'),
        default: 60_000,
        help: 'a bot that ran this long starts again from the first pause',
      }),
    },
    changes: {
      startConcurrency: pick({
        group: 'changes',
        flag: 'start-concurrency',
        env: 'THE0_START_CONCURRENCY',
        kind: count(1024),
        default: 4,
        help: 'bots started at the same time',
      }),
      liveStartConcurrency: pick({
        group: 'changes',
        flag: 'live-start-concurrency',
        env: 'THE0_LIVE_START_CONCURRENCY',
        kind: count(1024),
        default: 4,
        help: 'restarts and edits that may start besides those',
      }),
      /** After this without news the actor asks for an inspect. */
      startDeadlineMs: pick({
        group: 'changes',
        flag: 'start-deadline',
        env: 'THE0_START_DEADLINE',
        kind: duration('100ms', '1h'),
        default: 60_000,
        help: 'a start not seen after this long is looked into',
      }),
      /** Counts from the end of the stop grace. */
      stopDeadlineMs: pick({
        group: 'changes',
        flag: 'stop-deadline',
        env: 'THE0_STOP_DEADLINE',
        kind: duration('100ms', '1h'),
        default: 15_000,
        help: 'a stop not seen this long after the grace is looked into',
      }),
      orphanGraceMs: pick({
        group: 'changes',
        flag: 'orphan-grace',
        env: 'THE0_ORPHAN_GRACE',
        kind: duration('0', '24h'),
        default: 60_000,
        help: 'how long a container that nobody wants is left alone after a start',
      }),
      dependencyRetryMs: pick({
        group: 'changes',
        flag: 'dependency-retry',
        env: 'THE0_DEPENDENCY_RETRY',
        kind: duration('10ms', '1h'),
        default: 5000,
        help: 'how often a bot that waits for the engine or its image is tried again',
      }),
      historyLength: pick({
        group: 'kernel',
        flag: 'actor-history',
        env: 'THE0_ACTOR_HISTORY',
        kind: count(100),
        default: 4,
        help: 'newest reasons that an actor itself keeps; the journal has the rest',
      }),
      resyncMs: pick({
        group: 'changes',
        flag: 'resync',
        env: 'THE0_RESYNC',
        kind: duration('1s', '24h'),
        default: 300_000,
        help: 'how often everything is compared in full, as a safety net',
      }),
      settleMs: pick({
        group: 'changes',
        flag: 'settle',
        env: 'THE0_SETTLE',
        kind: duration('0', '1m'),
        default: 200,
        help: 'a bot folder must be quiet this long before its change counts',
      }),
    },
    journal: {
      segmentBytes: pick({
        group: 'logs',
        flag: 'journal-segment-size',
        env: 'THE0_JOURNAL_SEGMENT_SIZE',
        kind: size('16KiB', '1GiB'),
        default: 4 * 1024 ** 2,
        help: 'size of one file of the history that `why` shows',
      }),
      segments: pick({
        group: 'logs',
        flag: 'journal-segments',
        env: 'THE0_JOURNAL_SEGMENTS',
        kind: integer('count', 2, 10_000),
        default: 8,
        help: 'files of history that are kept',
      }),
      pendingLines: pick({
        group: 'logs',
        flag: 'journal-pending',
        env: 'THE0_JOURNAL_PENDING',
        kind: count(10_000_000),
        default: 65_536,
        help: 'lines of history that may wait for a slow disk before the oldest are dropped',
      }),
      retryMs: pick({
        group: 'logs',
        flag: 'journal-retry',
        env: 'THE0_JOURNAL_RETRY',
        kind: duration('10ms', '1h'),
        default: 1000,
        help: 'pause after a failed write of the history',
      }),
    },
    /** Null: `admin.sock` in the data directory. */
    admin: pick(adminSetting),
    adminTimeoutMs: pick(adminTimeoutSetting),
    adminLimits: {
      connections: pick({
        group: 'admin',
        flag: 'admin-connections',
        env: 'THE0_ADMIN_CONNECTIONS',
        kind: count(10_000),
        default: 128,
        help: 'commands at the same time',
      }),
      requestBytes: pick({
        group: 'admin',
        flag: 'admin-request-size',
        env: 'THE0_ADMIN_REQUEST_SIZE',
        kind: size('1KiB', '1GiB'),
        default: 1024 ** 2,
        help: 'largest command',
      }),
      logFollowers: pick({
        group: 'admin',
        flag: 'log-followers',
        env: 'THE0_LOG_FOLLOWERS',
        kind: count(10_000),
        default: 64,
        help: 'how many `logs --follow` there may be at the same time',
      }),
      logPollMs: pick({
        group: 'admin',
        flag: 'log-poll',
        env: 'THE0_LOG_POLL',
        kind: duration('10ms', '1m'),
        default: 200,
        help: 'how often a followed log is looked at',
      }),
    },
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
    },
    kernel: {
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
      unhandledEnvelopes: pick({
        group: 'kernel',
        flag: 'shard-backlog',
        env: 'THE0_SHARD_BACKLOG',
        kind: integer('count', 64, 100_000_000),
        default: 65_536,
        help: 'messages that may be on their way to one thread',
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
    },
  };
}

/** Every value the runtime is given, read and checked. Times are milliseconds, sizes bytes, unless the name says otherwise. */
export type Settings = DeepReadonly<ReturnType<typeof settingsTable>>;

type DeepReadonly<Value> = Value extends object ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> } : Value;

/** One processor is left for the main thread, which talks to the engine; more than four shards serve only very many bots. */
export function defaultShards(processors: number): number {
  return Math.min(4, Math.max(1, processors - 1));
}

/** The table as a list, in the order of the help. */
export function allSettings(): readonly Setting<unknown>[] {
  const settings: Setting<unknown>[] = [];
  settingsTable((setting) => {
    settings.push(setting);
    return setting.default;
  });
  return settings;
}

/** QUERY_SERVER_PORT as the contract reads it (1.1): `9477abc` is 9477; what does not begin with digits, and 0, is the default. */
function leadingPort(text: string): number | undefined {
  const port = Number.parseInt(text, 10);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
