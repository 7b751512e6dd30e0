import type { Rule } from './rule.ts';

/** Bots as Docker containers, and the services that keep them (contract section 5). */
export const SECTION_5: readonly Rule[] = [
  {
    id: '5.1-1',
    rule: 'Where Docker is comes from DOCKER_HOST and its fellows.',
    tests: [
      'test/engine/docker/docker-host.test.ts: where Docker is, and how it is spoken to, comes from the environment',
    ],
  },
  {
    id: '5.1-2',
    rule: 'Runtimes are python3.11, nodejs20, rust-stable, dotnet8, gcc13, cpp-gcc13, scala3 and ghc96; nothing is made for another.',
    tests: ['test/actors/blocked.test.ts: a bot that cannot be used is blocked at once: runtime-unknown'],
  },
  {
    id: '5.1-3',
    rule: 'The image is RUNTIME_IMAGE where that is not empty; it is fetched only when it is missing.',
    tests: [
      "test/config/load-settings.test.ts: an image of one's own is fetched when it is missing, the default one is only built",
      'test/engine/docker/bot-image.test.ts: is looked for once while it is there',
      'test/engine/docker/bot-image.test.ts: is pulled where that is allowed, and the error says why it could not be',
    ],
  },
  {
    id: '5.1-4',
    rule: 'Without RUNTIME_IMAGE the image is that of the Go runtime.',
    departs: 'It is our own tag, built here; the error names the command that builds it (design 9).',
    tests: [
      "test/config/load-settings.test.ts: an image of one's own is fetched when it is missing, the default one is only built",
      'test/engine/docker/docker-engine.test.ts: names the image that is missing and the command that builds it',
    ],
  },
  {
    id: '5.2-1',
    rule: 'User, work directory, stop signal, command, hosts, read-only root, capabilities and options of security are as listed.',
    tests: [
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
      'test/engine/docker/docker-engine.test.ts: is what contract 5.2 says',
    ],
  },
  {
    id: '5.2-2',
    rule: 'The labels runtime.managed, runtime.id, runtime.entrypoint and runtime.type say what it is.',
    tests: [
      'test/engine/docker/container-labels.test.ts: have what others look for (contract 5.2)',
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    id: '5.2-3',
    rule: 'The name is any.',
    departs: 'It follows from the id, so that the engine itself refuses a second copy (design 6).',
    tests: [
      'test/engine/docker/container-name.test.ts: is always the same for one id',
      'test/engine/docker/container-name.test.ts: is one Docker takes, whatever the id',
    ],
  },
  {
    id: '5.2-4',
    rule: 'The network is DOCKER_NETWORK, else the default bridge.',
    departs: 'Without a setting it is a bridge of its own on which bots do not reach each other (design 10.5).',
    tests: [
      'test/engine/docker/docker-engine.test.ts: is on the network that is configured',
      'test/engine/docker/docker-engine.test.ts: is on a bridge without traffic between containers',
    ],
  },
  {
    id: '5.2-5',
    rule: '/bot, /state, /query, /var/the0 and /tmp are in memory with the options listed, and only /bot may hold programs.',
    tests: [
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
    ],
  },
  {
    id: '5.2-6',
    rule: 'Memory is BOT_MEMORY_LIMIT_MB, 512 MiB by itself and when it cannot be read; shares of processors are BOT_CPU_SHARES, 512.',
    tests: [
      'test/config/load-settings.test.ts: a bad memory limit in the variable gives the default and a warning',
      'test/config/settings.test.ts: variables have the names of the contract, or begin with THE0_',
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
    ],
  },
  {
    id: '5.2-7',
    rule: 'Docker never restarts a bot, and keeps the container of a realtime one when it has ended.',
    tests: ['test/engine/docker/docker-engine.test.ts: is what contract 5.2 says'],
  },
  {
    id: '5.2-8',
    rule: 'Docker removes containers of scheduled runs by itself.',
    departs: 'They are removed once their end is recorded, so that no short run vanishes with its code (weakness 30).',
    tests: [
      'test/actors/scheduled.test.ts: an occurrence is claimed, started, recorded, cleared away; then the next is waited for',
      'test/conformance/engine/suite.ts: begins a run of a scheduled bot once, and keeps what is left of it until it is removed',
    ],
  },
  {
    id: '5.2-9',
    rule: 'DEV_RUNTIME_PATH mounts another runtime over /app/runtime.',
    tests: [
      'test/engine/docker/docker-engine.test.ts: has another program in place of /app/runtime when one is given, and cannot change it',
      'test/engine/docker/bot-container.test.ts: has the program for /app/runtime that is given, in queries too, and is of another shape with another',
      'test/config/load-settings.test.ts: the path of another runtime is one of the host of Docker, so it is absolute and has no colon',
    ],
  },
  {
    id: '5.2-10',
    rule: "There are no volumes, ports, ulimits or limits of processes, and Docker's own log is as Docker has it.",
    departs:
      "Processes, processors and Docker's log are bounded (weakness 32; --docker-log-driver default leaves the log to the daemon); bots of a directory have three mounts (design 9).",
    tests: [
      'test/engine/docker/docker-engine.test.ts: has limits of processors, processes, memory and of what Docker keeps of its output',
      'test/engine/docker/bot-container.test.ts: has its files from directories, or everything from the store, and credentials only for the store',
    ],
  },
  {
    id: '5.2-11',
    rule: 'The environment has the names and values listed, in their order.',
    tests: [
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
      'test/engine/bot-environment.test.ts: has the names of contract 5.2 in their order',
      'test/engine/bot-environment.test.ts: has the values of contract 5.2 for a realtime bot',
    ],
  },
  {
    id: '5.2-12',
    rule: 'Runs of scheduled bots say IS_SCHEDULED=true and BOT_TYPE=scheduled, and questions have path, parameters and key.',
    tests: [
      'test/engine/run-environment.test.ts: a run of a scheduled bot says that it is one',
      'test/engine/run-environment.test.ts: a question has path, parameters and the place of its result, and names the query program',
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    id: '5.2-13',
    rule: 'The keys of the store are those of the runtime.',
    departs: 'Each bot has keys for its own objects (weakness 33); where a store can make none, that is told.',
    tests: [
      'test/storage/minio/bot-credentials.test.ts: open its own code, state, log and results, and nothing of another',
      'test/engine/docker/keys-of-containers.test.ts: are those of the runtime when the store makes none, which its conditions say; a bot of a directory needs none',
    ],
  },
  {
    id: '5.2-14',
    rule: 'The config is JSON as Go writes it: sorted, escaped, without needless fractions; `{}` where there is none.',
    tests: [
      'test/engine/go-json.test.ts: gives the bytes whose hashes the contract records (App. C)',
      'test/engine/go-json.test.ts: gives the whole documents whose hashes the contract records',
      'test/engine/go-json.test.ts: escapes what could end a script or a line, and nothing else beyond ASCII',
      'test/engine/run-environment.test.ts: a bot without config has an empty one',
    ],
  },
  {
    id: '5.2-15',
    rule: 'CONFIG is `null` where there is no config.',
    departs:
      'It is `{}`, as BOT_CONFIG: no program reads CONFIG, and both of a container of the Go runtime count as the same.',
    tests: [
      'test/engine/run-environment.test.ts: a bot without config has an empty one',
      'test/engine/docker/go-containers.test.ts: are of the desired revision when all they show is as desired, whatever is found out first',
    ],
  },
  {
    id: '5.3-1',
    rule: '/healthz and /readyz answer any method with ok or not ready, other paths with 404.',
    tests: [
      'test/admin/health-server.test.ts: is healthy from the start, and ready when every dependency is, for any HTTP method',
      'test/admin/health-server.test.ts: other paths are 404, metrics too where there are none; a page that fails is 500 and told',
    ],
  },
  {
    id: '5.3-2',
    rule: 'Before the first probe and after a signal a service is not ready.',
    tests: [
      'test/admin/health-server.test.ts: is healthy from the start, and ready when every dependency is, for any HTTP method',
      'test/admin/readiness.test.ts: a process without dependencies is ready until it ends',
    ],
  },
  {
    id: '5.3-3',
    rule: 'bot-runner and bot-scheduler have their health on :8080, and are ready when MongoDB and the code bucket are there.',
    tests: [
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
      'test/e2e/services/readiness.test.ts: while MongoDB is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while object store is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/commands/runtime-health.test.ts: the code bucket is part of readiness',
    ],
  },
  {
    id: '5.3-4',
    rule: 'The loop of gc has it on :8084.',
    tests: ['test/commands/gc-port.test.ts: with an interval gc has its health on port 8084, or ends'],
  },
  {
    id: '5.3-5',
    rule: 'A health port that cannot be had is only logged.',
    departs: 'The process ends and names it (weakness 34).',
    tests: [
      'test/admin/health-server.test.ts: a port that cannot be had is an error for people',
      'test/commands/gc.test.ts: it is exit code 1 without a store, MongoDB or its port, and when it refuses; no password is shown',
    ],
  },
  {
    id: '5.3-6',
    rule: 'While a dependency is away nothing is started or stopped, and what runs is left alone.',
    tests: [
      'test/actors/engine-trouble.test.ts: a running bot is left alone while the engine cannot be asked about it',
      'test/desired/mongodb/mongo-source.test.ts: while MongoDB is away nothing is removed, it is told once, and then all is caught up',
      'test/actors/scheduled.test.ts: without the ledger nothing starts, and what runs goes on',
      'test/e2e/services/readiness.test.ts: while NATS is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while Docker is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
    ],
  },
  {
    id: '5.4-1',
    rule: 'Health comes first; then MongoDB, Docker and NATS; and only then the first reconciliation.',
    tests: [
      'test/commands/service-commands.test.ts: health answers before anything is waited for, and is not ready by then',
      'test/desired/nats/nats-feed.test.ts: of a backlog only the last event of each bot is applied, before anything is delivered',
      'test/supervisor/life.test.ts: the engine has told what runs before the first bot is desired',
    ],
  },
  {
    id: '5.5-1',
    rule: 'A desired bot without a container is started, a container that is not desired is stopped.',
    tests: [
      'test/actors/start-and-adopt.test.ts: a desired bot without a container is started, with the flood',
      'test/supervisor/life.test.ts: a container that nobody desires is left alone for the grace, then removed, and its bot forgotten',
    ],
  },
  {
    id: '5.5-2',
    rule: 'All containers are listed at every interval.',
    departs: 'Events of the engine are followed, with a slow comparison behind them (weaknesses 17 and 25).',
    tests: [
      'test/engine/docker/event-watch.test.ts: subscribes before it lists, and passes events on',
      'test/engine/docker/docker-engine.test.ts: finds by comparing what no event told',
    ],
  },
  {
    id: '5.5-3',
    rule: 'Containers are known by their labels; those without id or of another type are left alone.',
    tests: [
      'test/engine/docker/container-labels.test.ts: of a kind that another role keeps are foreign',
      'test/engine/docker/container-labels.test.ts: without a number where one belongs are foreign',
      'test/engine/docker/go-containers.test.ts: are left alone when they are scheduled runs or queries, or when nothing is to be taken over',
    ],
  },
  {
    id: '5.5-4',
    rule: 'Of several running containers of one bot the newest stays.',
    tests: [
      'test/engine/docker/go-containers.test.ts: of which one bot has several are ended but for the newest that runs',
    ],
  },
  {
    id: '5.5-5',
    rule: 'A changed config stops the bot and starts it anew; an unchanged one does nothing.',
    tests: [
      'test/actors/change-of-desire.test.ts: a changed spec replaces the running container: stop, remove, start',
      'test/actors/change-of-desire.test.ts: the same spec again does nothing',
    ],
  },
  {
    id: '5.5-6',
    rule: 'Only the config is compared.',
    departs: 'What a bot runs on counts besides: file path, entry points, runtime, version (weakness 19).',
    tests: [
      'test/engine/docker/go-containers.test.ts: are of another revision when anything they show is another, and are ended like any',
      'test/desired/mongodb/mongo-source.test.ts: a change of what no bot runs on is not told',
    ],
  },
  {
    id: '5.5-7',
    rule: 'What is found running is adopted with the config of now, whatever it was started with.',
    departs: 'It is adopted by the revision on its label, or by what its environment shows (weakness 18).',
    tests: [
      'test/actors/start-and-adopt.test.ts: a running container of the desired revision is adopted untouched',
      'test/actors/start-and-adopt.test.ts: a running container of another revision is stopped, removed and replaced',
    ],
  },
  {
    id: '5.5-8',
    rule: 'A bot that has ended is started again, with any code, 0 too, at the next interval.',
    departs: 'At once after the first crash, then with growing pauses (weaknesses 15 and 17, design 4).',
    tests: [
      'test/actors/crash.test.ts: the first crash is followed at once by a start in place, and both are recorded',
      'test/actors/crash.test.ts: exit 0 restarts like a crash, with its own code',
      'test/actors/crash.test.ts: the second crash in a row waits for its backoff',
    ],
  },
  {
    id: '5.6-1',
    rule: 'A bot without entry point `bot` or with an unknown runtime is not started.',
    tests: ['test/actors/blocked.test.ts: a bot that cannot be used is blocked at once: entrypoint-undefined'],
  },
  {
    id: '5.6-2',
    rule: 'A start that fails is tried again, with pauses that grow up to 300 s.',
    tests: [
      'test/actors/engine-trouble.test.ts: a start the engine refuses backs off, and is no restart',
      'test/actors/restart-policy.test.ts: each further retry waits at most base × factorⁿ, never more than the cap',
    ],
  },
  {
    id: '5.7-1',
    rule: 'A stop is SIGTERM, then a kill after 30 s.',
    departs: 'After the grace of the bot and that of its agent, 32 s in all, so that the last state is stored.',
    tests: [
      'test/engine/docker/bot-container.test.ts: gets the grace of the bot and that of its agent before Docker kills it',
      'test/conformance/engine/suite.ts: ends a bot that ignores SIGTERM after its grace',
    ],
  },
  {
    id: '5.7-2',
    rule: 'A stop that fails is told as a success.',
    departs: 'It is asked for again, with a reason (weakness 22).',
    tests: ['test/actors/engine-trouble.test.ts: a stop the engine refuses is asked for again after a pause'],
  },
  {
    id: '5.8-1',
    rule: 'A signal to bot-runner stops the bots that it started.',
    departs: 'Bots are left running and adopted by the next one (weakness 24, design 9); `down` stops them.',
    tests: [
      'test/e2e/services/roles.test.ts: SIGTERM leaves bots running; what was changed meanwhile is applied at the return, and nothing else is touched',
      'test/supervisor/stop-all.test.ts: closing leaves containers as they are',
    ],
  },
  {
    id: '5.9-1',
    rule: 'What is due is run, in a container that says it is scheduled; a new schedule first runs at its next time.',
    tests: [
      'test/actors/scheduled.test.ts: a new schedule first runs at its next time, not at once',
      'test/conformance/engine/suite.ts: begins a run of a scheduled bot once, and keeps what is left of it until it is removed',
    ],
  },
  {
    id: '5.9-2',
    rule: 'Runs of one bot never overlap, and what was missed becomes one run.',
    tests: [
      'test/actors/scheduled.test.ts: what was missed while the runtime was down is made up for by one run',
      'test/simulation/scheduled.test.ts: whatever happens, no occurrence runs twice and no two runs overlap, with 2 on one ledger',
    ],
  },
  {
    id: '5.9-3',
    rule: 'Any number of bots runs at the same time, for any time.',
    departs: 'Both have a limit that can be set (weakness 29).',
    tests: [
      'test/supervisor/scheduled.test.ts: 2,000 bots that are due in the same second run each exactly once, no more at a time than may, in the order of the gate',
      'test/actors/scheduled.test.ts: a run that lasts too long is ended, and told so',
    ],
  },
  {
    id: '5.9-4',
    rule: 'A schedule that cannot be read runs at every check.',
    departs: 'It is blocked with a reason (weakness 28).',
    tests: ['test/actors/scheduled.test.ts: impossible dates never run, unreadable ones block, each with a reason'],
  },
  {
    id: '5.9-5',
    rule: 'Disabling or deleting a bot does not end its run.',
    tests: ['test/actors/scheduled.test.ts: disabling or deleting a bot ends no run, and no other follows'],
  },
  {
    id: '5.9-6',
    rule: 'A restart of the scheduler runs once more what was running.',
    departs: 'A started run is never run again; one that is found is adopted (weakness 26).',
    tests: [
      'test/actors/scheduled.test.ts: what was started is never run again',
      'test/actors/scheduled.test.ts: a run that is found after a restart is adopted, and its end recorded',
    ],
  },
  {
    id: '5.9-7',
    rule: 'A changed config counts from the next run on.',
    tests: ['test/actors/scheduled.test.ts: a change applies to the next run'],
  },
  {
    id: '5.10-1',
    rule: 'A kill, also for want of memory, is an exit like any.',
    tests: [
      'test/engine/docker/docker-engine.test.ts: is seen: a kill',
      'test/engine/docker/docker-engine.test.ts: says that a bot ran out of memory',
    ],
  },
  {
    id: '5.10-2',
    rule: 'A runtime that is killed leaves containers running and adopts them when it is back.',
    tests: [
      'test/simulation/simulation.test.ts: when only the runtime and its shards are restarted, no bot is touched',
      'test/e2e/take-over.test.ts: keeps its containers running, replaces them once when they are edited, and can be replaced by it again',
    ],
  },
  {
    id: '5.10-3',
    rule: 'While Docker is away nothing is decided.',
    tests: [
      'test/actors/engine-trouble.test.ts: an engine that cannot be reached makes a start wait; that is no crash',
      'test/supervisor/life.test.ts: what vanished while the engine was away is started again when it is back',
    ],
  },
  {
    id: '5.11-1',
    rule: 'Figures are not served over HTTP.',
    departs: 'They are, on /metrics beside the health checks (design 9).',
    tests: [
      'test/admin/metrics/runtime-metrics.test.ts: bots, starts, failures, restarts and exits are on the page that Prometheus reads',
      'test/commands/up-health.test.ts: up answers health checks and shows metrics when it is asked to',
    ],
  },
];
