import type { Scenario } from './rule.ts';

/** What the tests of the Go runtime show, by their files, and its acceptance bots (contract section 13). */
export const SCENARIOS: readonly Scenario[] = [
  {
    of: 'cmd/app/main_test.go',
    scenario: 'Defaults from the environment, also for numbers that are missing, wrong or empty.',
    tests: [
      'test/config/load-settings.test.ts: an empty variable is an empty value for text, and as good as not set for the rest',
      'test/config/load-settings.test.ts: QUERY_SERVER_PORT is read as loosely as the contract has it',
      'test/config/load-settings.test.ts: a bad memory limit in the variable gives the default and a warning',
    ],
  },
  {
    of: 'cmd/app/daemon_test.go',
    scenario: 'init and sync without a store, with defaults, with one and many files, without code.',
    tests: [
      'test/agent/sync/daemon.test.ts: without a store it says which variable is missing',
      'test/agent/sync/daemon.test.ts: init brings code and state, and says what is wrong',
      'test/agent/agent-arguments.test.ts: the daemon has defaults for everything but the bot',
      'test/agent/sync/daemon.test.ts: sync stores what is there and what comes, and ends on a signal with all of it',
    ],
  },
  {
    of: 'cmd/app/execute_helpers_test.go',
    scenario:
      'Exit codes, spawn failures, cancellation, log files, required and optional variables, code and state that are missing.',
    tests: [
      'test/agent/execute.test.ts: a bot that ends well ends the agent with 0',
      'test/agent/execute.test.ts: a missing interpreter is said, in the log too',
      'test/agent/stop.test.ts: a bot that ignores SIGTERM is killed after the grace, with its children',
      'test/agent/log.test.ts: a log that cannot be opened does not keep the bot from running',
      'test/agent/prepare-errand.test.ts: no object ends the agent with its own reason, in the log too',
      'test/agent/state/fencing.test.ts: a state that does not exist is a first run; its bucket is made when there is something to store',
    ],
  },
  {
    of: 'internal/execute/config_test.go',
    scenario: 'Defaults of what is built inside.',
    tests: [
      'test/agent/agent-limits.test.ts: what cannot be read as a whole, or is of another format, leaves all defaults and a sentence',
    ],
  },
  {
    of: 'internal/execute/helpers_test.go',
    scenario: 'Commands of all runtimes, environment, parameters, modes of programs.',
    tests: [
      'test/agent/bot-command.test.ts: scala3 runs bot.jar:a.b.Main as the contract says',
      'test/agent/bot-environment.test.ts: each query parameter is a variable of its own, as Go prints it',
      'test/agent/bot-environment.test.ts: Python finds vendored packages, then the code, then what was there, then the SDK',
      'test/agent/execute.test.ts: a compiled bot that came without its mode is made executable',
    ],
  },
  {
    of: 'internal/execute/process_test.go',
    scenario: 'A real process with and without a log, failures of start and wait.',
    tests: [
      'test/agent/execute.test.ts: the output is repeated on the agent’s own, stream by stream',
      'test/agent/execute.test.ts: a compiled bot that is no program is said',
      'test/agent/execute.test.ts: a bot runs, and ends with its own code, also where no log can be written',
    ],
  },
  {
    of: 'internal/execute/storage_test.go',
    scenario: 'No code file, and results that are not there or cannot be read.',
    tests: [
      'test/agent/sync/query-state.test.ts: that leaves no result ends with 1 and says so',
      'test/agent/sync/query-state.test.ts: that leaves a pipe for a result ends with 1, too',
    ],
  },
  {
    of: 'internal/daemon/state_syncer_test.go and sync_test.go',
    scenario: 'What is uploaded when, and that a failure is tried again.',
    tests: [
      'test/agent/state/taking.test.ts: a state directory that is not there does not empty the stored state',
      'test/agent/state/fencing.test.ts: what is unchanged is not uploaded again, also after a restart',
      'test/agent/state/random-changes.test.ts: after 400 syncs of random changes the stored state is the directory, and no archive was too large (pieces can be small)',
      'test/agent/sync/state-loop.test.ts: what a failed attempt did not store is stored by a later one, and both is told once',
    ],
  },
  {
    of: 'internal/daemon/logs_syncer_test.go',
    scenario: 'First, more and no new lines, pieces, failures, live lines beside them.',
    tests: [
      'test/agent/logs/log-sync.test.ts: lines are stored as they come, and the rest when the bot has ended',
      'test/agent/logs/log-sync.test.ts: nothing is asked of the store while no line comes',
      'test/agent/logs/log-source.test.ts: a line longer than one append goes in pieces',
      'test/agent/sync/execute-sync.test.ts: what the bot says is published as it says it',
    ],
  },
  {
    of: 'internal/daemon/nats_publisher_test.go',
    scenario: 'Wrong addresses, closed connections, hidden passwords, ids in subjects.',
    tests: [
      'test/agent/logs/live-log-subject.test.ts: the subject of a live log is the id of its bot, made harmless',
      'test/agent/logs/live-log.test.ts: what is told of a refusal holds no credential, and the next server is tried',
      'test/agent/logs/live-log.test.ts: a server that does not speak NATS, or asks for TLS, is told as such',
    ],
  },
  {
    of: 'internal/daemon/sync_runner_test.go',
    scenario: 'Readiness, and a last sync that still can.',
    tests: [
      'test/agent/sync/daemon.test.ts: sync takes neither an empty directory nor half a state for the state',
      'test/agent/sync/execute-sync.test.ts: an end that cannot be stored is in the last words',
    ],
  },
  {
    of: 'internal/daemon/watcher_test.go',
    scenario: 'What is watched, made and missed.',
    tests: [
      'test/agent/sync/state-watch.test.ts: a root that is not there is no error either',
      'test/agent/sync/state-watch.test.ts: what is made in new directories is told, however fast it came',
      'test/agent/sync/state-loop.test.ts: a burst of changes is stored at once, not one by one',
    ],
  },
  {
    of: 'internal/daemon/daemon_integration_test.go',
    scenario: 'Code, state and log with a real store.',
    tests: [
      'test/agent/sync/daemon.test.ts: init brings code and state, and says what is wrong',
      'test/agent/sync/daemon.test.ts: sync beside a bot that stores nothing itself keeps its state and log',
    ],
  },
  {
    of: 'internal/docker/bot-runner/subscriber',
    scenario: 'Created, duplicate, updated, absent, deleted, wrapped, poison, end.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation writes the whole document, and claims a place in a partition',
      'test/desired/mongodb/event-writer.test.ts: a creation of what is there changes nothing, an update of what is not there creates it',
      'test/desired/mongodb/event-writer.test.ts: a deletion removes duplicates too and gives their places back',
      'test/desired/nats/event-payload.test.ts: a wrapped message of a bot is taken, with its times as RFC 3339 without a fraction',
      'test/desired/nats/nats-feed.test.ts: poison is ended with a reason that holds nothing of it, and the others go on',
    ],
  },
  {
    of: 'internal/docker/bot-scheduler/subscriber',
    scenario: 'The same for schedules, with the time of the next run, and never wrapped.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: schedules come on their own subjects, with the time of their next run',
      'test/desired/mongodb/event-writer.test.ts: a schedule is due next as its cron says, and that is computed anew only when the cron changes',
      'test/desired/nats/event-payload.test.ts: a message of a schedule is only flat, and its times are RFC 3339',
    ],
  },
  {
    of: 'internal/docker/config_test.go',
    scenario: 'Required variables, defaults, wrong numbers, TLS, the address for containers.',
    tests: [
      'test/config/object-store.test.ts: half a store is refused, and no secret is shown',
      'test/config/object-store.test.ts: TLS is asked for as Go reads it, by either variable, and anything else is no',
      'test/config/object-store.test.ts: buckets and the address for containers can differ',
    ],
  },
  {
    of: 'internal/docker/container_builder_test.go',
    scenario: 'Everything a container is made with.',
    tests: [
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
      'test/engine/bot-environment.test.ts: has the names of contract 5.2 in their order',
      'test/engine/run-environment.test.ts: a question has path, parameters and the place of its result, and names the query program',
    ],
  },
  {
    of: 'internal/docker/service_test.go',
    scenario: 'Reconciliation of realtime bots, failures, readiness.',
    tests: [
      'test/actors/start-and-adopt.test.ts: a desired bot without a container is started, with the flood',
      'test/actors/start-and-adopt.test.ts: a running container of the desired revision is adopted untouched',
      'test/actors/change-of-desire.test.ts: a changed spec replaces the running container: stop, remove, start',
      'test/actors/change-of-desire.test.ts: a bot that is disabled from the start is never started',
      'test/engine/docker/go-containers.test.ts: of which one bot has several are ended but for the newest that runs',
      'test/actors/engine-trouble.test.ts: a start the engine refuses backs off, and is no restart',
      'test/simulation/simulation.test.ts: whatever happens, bots end up as desired, and never run twice',
      'test/e2e/services/readiness.test.ts: while MongoDB is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while NATS is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while object store is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while Docker is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
    ],
  },
  {
    of: 'internal/docker/state_test.go',
    scenario: 'Counters, failures and their window, many at the same time.',
    tests: [
      'test/actors/restart-policy.test.ts: each further retry waits at most base × factorⁿ, never more than the cap',
      'test/supervisor/executor.test.ts: calls for one bot are made one after the other, for different bots side by side',
    ],
  },
  {
    of: 'internal/docker/schedule_service_test.go',
    scenario: 'Needs, runtimes, at most once, results, waiting, readiness.',
    tests: [
      'test/supervisor/scheduled.test.ts: 2,000 bots that are due in the same second run each exactly once, no more at a time than may, in the order of the gate',
      'test/actors/scheduled.test.ts: a failed run is told with its code, and not repeated',
      'test/actors/scheduled.test.ts: without the ledger nothing starts, and what runs goes on',
      'test/e2e/services/readiness.test.ts: while MongoDB is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
      'test/e2e/services/readiness.test.ts: while NATS is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched',
    ],
  },
  {
    of: 'internal/docker/dependency_checker_test.go',
    scenario: 'What is not there is not healthy, and a bucket counts.',
    tests: [
      'test/commands/store-check.test.ts: the code bucket is not made, but waited for, and the store is not probed again',
      'test/admin/readiness.test.ts: a probe that never answers is not ready after its time, and does not keep the end waiting',
    ],
  },
  {
    of: 'internal/docker/container_orchestrator_test.go',
    scenario: 'What a container is said to be.',
    tests: [
      'test/engine/docker/docker-answers.test.ts: tells codes from signals',
      'test/conformance/engine/suite.ts: shows a bot without a container as absent',
    ],
  },
  {
    of: 'internal/docker/query_handler_test.go',
    scenario:
      'Results through the store, errors of handlers, timeouts, answers that are no JSON, no query entry point.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/conformance/engine/query-suite.ts: says that there is no result, or that it is too large',
      'test/conformance/engine/query-suite.ts: refuses a bot without query program, and says that the code is not there',
    ],
  },
  {
    of: 'internal/docker/query_server_test.go',
    scenario: 'Statuses, health, start and end.',
    tests: [
      'test/query/http-api.test.ts: what has no route is refused in the words of the supervisor',
      'test/query/http-api.test.ts: /health answers any method, without a token too',
      'test/query/front-end.test.ts: with 2 threads: after close the port is free again',
    ],
  },
  {
    of: 'internal/docker/query_resolver_test.go',
    scenario: 'Realtime before scheduled, ids in either place, scheduled never asked directly.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: both kinds at once: each from its collection, and an id in both is the realtime bot',
      'test/desired/mongodb/mongo-source.test.ts: an id in _id is one, and of duplicates the first counts and is shown',
      'test/query/ephemeral/process.test.ts: also when they are on a schedule',
    ],
  },
  {
    of: 'internal/docker/runner_test.go',
    scenario: 'Real containers of Node and Python: start, list, logs, stop.',
    tests: [
      'test/conformance/engine/suite.ts: answers a start with the running container, its incarnation and revisions',
      'test/conformance/engine/suite.ts: stops a bot that obeys SIGTERM and keeps its container as exited',
      'test/engine/docker/container-labels.test.ts: have what others look for (contract 5.2)',
    ],
  },
  {
    of: 'internal/query/server_test.go',
    scenario: 'Routes, validation, parameters and timeouts, shapes of errors.',
    tests: [
      'test/query/query-request.test.ts: a full request is read',
      'test/query/query-request.test.ts: wrong types are an invalid request body that names the field',
      'test/query/http-api.test.ts: an answer has status, data, whole nanoseconds, a time stamp and a trailing newline',
    ],
  },
  {
    of: 'internal/query/realtime_test.go',
    scenario: 'The POST to the bot, failures on the way, answers.',
    tests: [
      'test/query/upstream.test.ts: params reach the bot in the body and in the URL',
      'test/query/upstream.test.ts: of a long body that is not JSON only the beginning is repeated',
      'test/query/upstream.test.ts: a bot that does not listen and is not young is refused at once, with the likely cause',
    ],
  },
  {
    of: 'internal/runtime/runtime_test.go',
    scenario: 'The image, and which runtimes there are.',
    tests: [
      "test/config/load-settings.test.ts: an image of one's own is fetched when it is missing, the default one is only built",
      'test/actors/blocked.test.ts: a bot that cannot be used is blocked at once: runtime-unknown',
    ],
  },
  {
    of: 'internal/runtime/storage/archive_test.go',
    scenario: 'Files, folders, ways out, empty and broken archives.',
    tests: [
      'test/storage/code-archive/extract.test.ts: an archive by Info-ZIP, with entries for folders, is unpacked',
      'test/storage/code-archive/extract.test.ts: the name ../escaped leads out of the code and is refused',
      'test/storage/code-archive/extract.test.ts: an empty archive is an empty folder',
      'test/storage/code-archive/extract.test.ts: no ZIP at all is refused',
    ],
  },
  {
    of: 'internal/runtime/storage/state_test.go and storage_integration_test.go',
    scenario: 'There and back, ways out, nothing to store, aborted uploads, what is not there.',
    tests: [
      'test/storage/archive/round-trip.test.ts: what is packed is extracted again, to the last bit',
      'test/storage/archive/hostile.test.ts: a file called ../outside is refused',
      'test/storage/s3/light-client.test.ts: says when parts stay in the store because they could not be removed',
      'test/agent/stored-code.test.ts: a missing object is told from a damaged one',
    ],
  },
  {
    of: 'internal/runtime/storage/query_result_test.go',
    scenario: 'Results that are made, read, removed, missing, large and empty.',
    tests: [
      'test/conformance/storage/suite.ts: gives back what was written, its size and when',
      'test/conformance/storage/suite.ts: removes, and removing again is no error',
      'test/agent/sync/stored-objects.test.ts: state, log and result are the objects that others read',
    ],
  },
  {
    of: 'internal/minio-logger/format_test.go',
    scenario: 'Lines as they are stored.',
    tests: [
      'test/agent/logs/stored-line.test.ts: a JSON object with a timestamp is stored byte for byte',
      'test/agent/logs/stored-line.test.ts: everything else becomes a message, with its indentation',
      'test/agent/logs/stored-line.test.ts: a blank line is not stored',
    ],
  },
  {
    of: 'internal/minio-logger/minio_logger_test.go',
    scenario: 'Appends, many at a time, large logs, nothing left over.',
    tests: [
      'test/agent/logs/log-sync.test.ts: lines of an old and a new container do not displace each other',
      'test/agent/logs/log-sync.test.ts: a log of 6 MB and one of 60 MB cost the same to append to, a small one is sent again',
      'test/conformance/storage/suite.ts: joins kept ranges, also unaligned ones, with new bytes',
    ],
  },
  {
    of: 'internal/gc/gc_test.go',
    scenario: 'Orphans, errors on the way, ages.',
    tests: [
      'test/gc/sweep.test.ts: removes logs and state of a bot nobody knows, once its grace is over',
      'test/gc/sweep.test.ts: an object that cannot be removed is counted and told, the others are removed, and the state stays to be found',
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
    ],
  },
  {
    of: 'internal/k8s/**',
    scenario: 'Pods, CronJobs, Jobs, names and health on Kubernetes.',
    kubernetes: true,
  },
  {
    of: 'internal/model/model_test.go',
    scenario: 'Which values enable a bot.',
    tests: [
      'test/desired/mongodb/bot-document.test.ts: a bot is enabled unless one of the two places says that it is not',
    ],
  },
  {
    of: 'internal/util',
    scenario: 'Cron, levels of the log, tries.',
    tests: [
      'test/actors/cron.test.ts: the next time is the one that the library of the contract gives',
      'test/commands/terminal/service-log.test.ts: the level leaves out what is below it, transitions too',
      'test/storage/retry.test.ts: goes on until it works, with pauses that double up to a bound and are partly random',
    ],
  },
  {
    of: 'no Go test: SIGTERM while a bot runs',
    scenario: 'What the Go tests leave out: the order of a stop.',
    tests: ['test/agent/sync/execute-sync.test.ts: what the bot writes while it obeys SIGTERM is stored'],
  },
  {
    of: 'no Go test: a NATS that is away',
    scenario: 'Events and live logs over an outage.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: nothing is lost and the order is kept while NATS and MongoDB are restarted with events flowing',
      'test/agent/logs/live-log.test.ts: the connection comes back after the server was away, and both is told once',
    ],
  },
  {
    of: 'no Go test: poison documents',
    scenario: 'Documents of every wrong kind.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: one bad document never stops the rest, and each is shown',
      'test/desired/mongodb/bot-document.test.ts: what has no JSON form is a problem that names its place, not its value',
    ],
  },
  {
    of: 'no Go test: a scheduler that ends during a run',
    scenario: 'What runs is adopted and counted once.',
    tests: ['test/actors/scheduled.test.ts: a run that is found after a restart is adopted, and its end recorded'],
  },
  {
    of: 'no Go test: a query whose time is up',
    scenario: 'Nothing of it is left.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    of: 'no Go test: parameters from proxy to SDK',
    scenario: 'With the servers of the real SDKs.',
    tests: ['test/query/sdk-servers.test.ts: a query server of the python SDK gets its params, and its errors arrive'],
  },
  {
    of: 'no Go test: the offset of a log after a restart',
    scenario: 'No line twice.',
    tests: ['test/agent/logs/log-sync.test.ts: an agent that died before it noted an acknowledgement repeats nothing'],
  },
  {
    of: 'no Go test: a state that is deleted',
    scenario: 'The end of the last file.',
    tests: ['test/agent/state/fencing.test.ts: that the last file is deleted is stored, too'],
  },
  {
    of: 'no Go test: archives of files that change',
    scenario: 'Never in halves.',
    tests: [
      'test/agent/state/taking.test.ts: a file that is cut off and written again while it is read is never stored in halves (in memory)',
    ],
  },
  {
    of: 'py-test-bot',
    scenario:
      'A Python bot that runs for ever and prints now and then; here a line is out at once, and SIGTERM ends it.',
    tests: [
      'test/agent/acceptance-bots.test.ts: a Python bot that prints for ever runs until it is stopped, and each line is out at once',
    ],
  },
  {
    of: 'py-multi-test-bot',
    scenario: 'A Python bot that ends by itself after a second, with four lines and success.',
    tests: ['test/agent/acceptance-bots.test.ts: a Python bot of several lines ends by itself with success'],
  },
  {
    of: 'js-test-bot',
    scenario: 'A Node bot that ends at once: two lines and a result.',
    tests: ['test/agent/acceptance-bots.test.ts: a Node bot of two lines ends by itself with success and its result'],
  },
  {
    of: 'python-portfolio-tracker',
    scenario:
      'A scheduled Python bot with state and queries: the history grows by one with each run. images/bots has grid-trader for the realtime half.',
    tests: [
      'test/agent/acceptance-bots.test.ts: a scheduled Python bot remembers one more run each time, and a question reads it',
      'test/e2e/services/switch-over.test.ts: a tracker remembers one more run each time, each in a container of its own, and is asked in another',
      'test/sdk/example-bots.test.ts: grid-trader trades, answers, and goes on after a restart',
    ],
  },
  {
    of: 'typescript-price-alerts',
    scenario:
      'A realtime Node bot with metrics, state that outlives restarts, and queries with parameters: images/bots/price-alerts.',
    tests: [
      'test/sdk/example-bots.test.ts: price-alerts follows a price, raises alerts, answers, and goes on after a restart',
    ],
  },
  {
    of: 'main_raw.py and main_raw.ts',
    scenario: 'Bots without an SDK, that print their metrics as JSON themselves.',
    tests: ['test/agent/acceptance-bots.test.ts: a bot without an SDK has its metrics in the log as it printed them'],
  },
];
