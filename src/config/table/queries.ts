import type { Pick } from '../setting.ts';
import { duration, integer, secret, size, text } from '../setting-kinds.ts';

/** The front end. */
export function querySettings(pick: Pick) {
  const count = (max: number) => integer('count', 1, max);
  return {
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
      stalledReaderMs: pick({
        group: 'queries',
        flag: 'query-stalled-reader',
        env: 'THE0_QUERY_STALLED_READER',
        kind: duration('10ms', '1h'),
        default: 10_000,
        help: 'how long whoever asked may leave an answer unread before the connection is closed',
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
      runAsksPerBot: pick({
        group: 'queries',
        flag: 'query-run-asks-per-bot',
        env: 'THE0_QUERY_RUN_ASKS_PER_BOT',
        kind: count(100_000),
        default: 512,
        help: 'queries to one bot that does not run, at the same time, answered or waiting; above it 503',
      }),
    },
    /** Bots that do not run: their query programs are started for a question. */
    runs: {
      runs: pick({
        group: 'queries',
        flag: 'query-runs',
        env: 'THE0_QUERY_RUNS',
        kind: count(1024),
        default: 8,
        help: 'query programs of bots that do not run, at the same time; further ones wait',
      }),
      runsPerBot: pick({
        group: 'queries',
        flag: 'query-runs-per-bot',
        env: 'THE0_QUERY_RUNS_PER_BOT',
        kind: count(1024),
        default: 4,
        help: 'the same of one bot',
      }),
      runsWaiting: pick({
        group: 'queries',
        flag: 'query-runs-waiting',
        env: 'THE0_QUERY_RUNS_WAITING',
        kind: count(100_000),
        default: 1024,
        help: 'query programs that wait for others to end; above it 503',
      }),
      resultRemoveMs: pick({
        group: 'queries',
        flag: 'query-result-remove-deadline',
        env: 'THE0_QUERY_RESULT_REMOVE_DEADLINE',
        kind: duration('100ms', '10m'),
        default: 5000,
        help: 'how long a result that was read may take to be removed from the object store',
      }),
    },
  };
}

/** QUERY_SERVER_PORT as the contract reads it (1.1): `9477abc` is 9477; what does not begin with digits, and 0, is the default. */
function leadingPort(text: string): number | undefined {
  const port = Number.parseInt(text, 10);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
