import type { Pick } from '../setting.ts';
import { choice, dockerHostPath, duration, integer, optional, portRange, size, text } from '../setting-kinds.ts';

/** What `npm run image` builds. */
const OWN_IMAGE = 'the0-runtime:local';

/** Engine docker. */
export function dockerSettings(pick: Pick) {
  const image = pick({
    group: 'docker',
    flag: 'runtime-image',
    env: 'RUNTIME_IMAGE',
    kind: text,
    default: OWN_IMAGE,
    help: 'image of the containers; `npm run image` builds the default one',
  });
  return {
    image,
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
    devRuntimePath: pick({
      group: 'docker',
      flag: 'dev-runtime',
      env: 'DEV_RUNTIME_PATH',
      kind: dockerHostPath,
      default: null,
      defaultText: 'what the image has',
      help: 'for work on the runtime: a program that containers run in place of /app/runtime; a path on the host of Docker',
    }),
    pull: pick({
      group: 'docker',
      flag: 'pull',
      env: 'THE0_PULL',
      kind: choice('never', 'missing'),
      // Contract 5.1 pulls what is missing. Our own image is only ever built here: whatever a registry has by its name is not ours.
      default: image === OWN_IMAGE ? 'never' : 'missing',
      defaultText: 'never for the default image, missing for any other',
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
    logDriver: pick({
      group: 'docker',
      flag: 'docker-log-driver',
      env: 'THE0_DOCKER_LOG_DRIVER',
      kind: choice('json-file', 'default'),
      default: 'json-file',
      help: 'where Docker keeps what a container printed: in two files of docker-log-size, or where its daemon keeps that of others',
    }),
    /** A container has two such files. */
    logBytes: pick({
      group: 'docker',
      flag: 'docker-log-size',
      env: 'THE0_DOCKER_LOG_SIZE',
      kind: size('64KiB', '64GiB'),
      default: 4 * 1024 ** 2,
      help: 'size of one of the two files in which Docker keeps what a container printed',
    }),
    sockets: {
      calls: pick({
        group: 'advanced',
        flag: 'docker-connections',
        env: 'THE0_DOCKER_CONNECTIONS',
        kind: integer('count', 1, 10_000),
        default: 32,
        help: 'calls to Docker at the same time; further ones wait',
      }),
      /** A stop keeps its socket for the whole grace of a bot. */
      stops: pick({
        group: 'advanced',
        flag: 'docker-stop-connections',
        env: 'THE0_DOCKER_STOP_CONNECTIONS',
        kind: integer('count', 1, 100_000),
        default: 1024,
        help: 'stops and removals that Docker is asked for at the same time',
      }),
    },
    reconnect: {
      firstMs: pick({
        group: 'advanced',
        flag: 'docker-reconnect-first',
        env: 'THE0_DOCKER_RECONNECT_FIRST',
        kind: duration('1ms', '10m'),
        default: 250,
        help: 'pause before Docker is tried again after it was lost; it doubles every time',
      }),
      capMs: pick({
        group: 'advanced',
        flag: 'docker-reconnect-cap',
        env: 'THE0_DOCKER_RECONNECT_CAP',
        kind: duration('1ms', '1h'),
        default: 5000,
        help: 'longest pause before Docker is tried again',
      }),
    },
    keys: {
      mode: pick({
        group: 'docker',
        flag: 'bot-credentials',
        env: 'THE0_BOT_CREDENTIALS',
        kind: choice('auto', 'service-account', 'sts', 'shared'),
        default: 'auto',
        help: 'how containers get keys to the object store that open their own bot only; shared: they get those of the runtime',
      }),
      deadlineMs: pick({
        group: 'docker',
        flag: 'bot-credentials-deadline',
        env: 'THE0_BOT_CREDENTIALS_DEADLINE',
        kind: duration('10ms', '10m'),
        default: 10_000,
        help: 'longest wait for such keys; the first one holds up the start of the runtime',
      }),
      atOnce: pick({
        group: 'advanced',
        flag: 'bot-credentials-calls',
        env: 'THE0_BOT_CREDENTIALS_CALLS',
        kind: integer('count', 1, 256),
        default: 8,
        help: 'bots for which keys are made at the same time; others wait',
      }),
      sessionMs: pick({
        group: 'advanced',
        flag: 'bot-credentials-session',
        env: 'THE0_BOT_CREDENTIALS_SESSION',
        kind: duration('15m', '168h'),
        default: 7 * 24 * 3_600_000,
        help: 'how long keys from STS are asked for; the store may give less',
      }),
      renewPercent: pick({
        group: 'advanced',
        flag: 'bot-credentials-renew',
        env: 'THE0_BOT_CREDENTIALS_RENEW',
        kind: integer('percent', 1, 95),
        default: 75,
        help: 'how much of the time of keys from STS may be over before their bot is restarted with others',
      }),
      lookMs: pick({
        group: 'advanced',
        flag: 'bot-credentials-look',
        env: 'THE0_BOT_CREDENTIALS_LOOK',
        kind: duration('100ms', '1h'),
        default: 60_000,
        help: 'how often it is looked whose keys end',
      }),
    },
    takesOver: pick({
      group: 'docker',
      flag: 'take-over',
      env: 'THE0_TAKE_OVER',
      kind: choice('none', 'go'),
      default: 'none',
      help: 'whether containers of bots that the Go runtime made are taken over, and removed when nobody desires them',
    }),
    lastWordsMs: pick({
      group: 'advanced',
      flag: 'docker-last-words-wait',
      env: 'THE0_DOCKER_LAST_WORDS_WAIT',
      kind: duration('1ms', '1m'),
      default: 2000,
      help: 'longest wait for what a bot left as the cause of its end, before the end is told without it',
    }),
    imageCheckMs: pick({
      group: 'advanced',
      flag: 'docker-image-check',
      env: 'THE0_DOCKER_IMAGE_CHECK',
      kind: duration('0', '1h'),
      default: 1000,
      help: 'how long a missing image is not looked for again',
    }),
  };
}

/** Engine process. */
export function processSettings(pick: Pick) {
  return {
    ports: pick({
      group: 'process',
      flag: 'process-ports',
      env: 'THE0_PROCESS_PORTS',
      kind: portRange,
      default: { first: 20_000, last: 29_999 },
      help: 'ports for the query servers of the bots, on 127.0.0.1',
    }),
    /** MiB. */
    agentHeapMiB: pick({
      group: 'advanced',
      flag: 'agent-heap',
      env: 'THE0_AGENT_HEAP_MB',
      kind: integer('MiB', 16, 65_536),
      default: 64,
      help: 'memory that the agent beside a bot may use for JavaScript (engine process)',
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
  };
}
