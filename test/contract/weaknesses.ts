import type { Weakness } from './rule.ts';

/** The weaknesses of the Go runtime (contract section 12), by number, and how they are gone. */
export const WEAKNESSES: readonly Weakness[] = [
  {
    number: 1,
    gone: 'Events that are published while the runtime is down are applied at its return.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: events that were published while the runtime was down are applied at its return',
    ],
  },
  {
    number: 2,
    gone: 'NATS may be away for any time; readiness tells, and the connection comes back.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: a NATS that is not there holds up the start only so long, is told, and is used when it comes',
      'test/desired/nats/nats-feed.test.ts: nothing is lost and the order is kept while NATS and MongoDB are restarted with events flowing',
    ],
  },
  {
    number: 3,
    gone: 'A NATS that is missing at the start is tried again.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: a NATS that is not there holds up the start only so long, is told, and is used when it comes',
    ],
  },
  {
    number: 4,
    gone: 'A schedule of `TZ=` and nothing else is a problem of one bot.',
    tests: ['test/actors/cron.test.ts: what the library refuses, or breaks over, is a problem with a clause about it'],
  },
  {
    number: 5,
    gone: 'An impossible date never runs, and says so.',
    tests: [
      'test/actors/cron.test.ts: an impossible date has no next time',
      'test/actors/scheduled.test.ts: impossible dates never run, unreadable ones block, each with a reason',
    ],
  },
  {
    number: 6,
    gone: 'An event without id is refused.',
    tests: [
      'test/desired/nats/event-payload.test.ts: messages that are no good are refused without a word of what is in them',
    ],
  },
  {
    number: 7,
    gone: 'Ids are unique by an index, and a refused event takes no place in a partition.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: makes the indexes that each event needs',
      'test/desired/mongodb/event-writer.test.ts: a schedule that can never be due is refused, and takes no place in a partition',
    ],
  },
  {
    number: 8,
    gone: 'Events of one bot are applied in order, and a late creation does not bring it back.',
    tests: [
      'test/desired/mongodb/event-writer.test.ts: a creation that comes after its deletion does not bring the bot back',
      'test/desired/mongodb/event-writer.test.ts: only a later event is applied',
    ],
  },
  {
    number: 9,
    gone: 'What each event and each due run look for has an index.',
    tests: ['test/desired/mongodb/mongo-source.test.ts: makes the indexes that each event needs'],
  },
  {
    number: 10,
    gone: 'One bad document stops nobody else.',
    tests: ['test/desired/mongodb/mongo-source.test.ts: one bad document never stops the rest, and each is shown'],
  },
  {
    number: 11,
    gone: 'Nothing of an event is in a log or a reason.',
    tests: [
      'test/desired/nats/nats-feed.test.ts: poison is ended with a reason that holds nothing of it, and the others go on',
      'test/desired/nats/event-payload.test.ts: messages that are no good are refused without a word of what is in them',
    ],
  },
  {
    number: 12,
    gone: 'One MongoDB client serves all parts, from one address.',
    tests: ['test/desired/nats/nats-feed.test.ts: what the API publishes becomes a definition, changes and goes'],
  },
  {
    number: 13,
    gone: 'There is one notion of enabled, the strictest.',
    tests: [
      'test/desired/mongodb/bot-document.test.ts: a bot is enabled unless one of the two places says that it is not',
    ],
  },
  {
    number: 14,
    gone: 'An update that changes nothing is no trouble.',
    tests: ['test/desired/mongodb/event-writer.test.ts: an update that changes nothing is no trouble'],
  },
  {
    number: 15,
    gone: 'A bot that crashes again and again is started with growing pauses, also after a restart of the runtime.',
    tests: [
      'test/actors/crash.test.ts: the second crash in a row waits for its backoff',
      'test/actors/start-and-adopt.test.ts: a backoff from before a restart of the runtime goes on, with its reason',
    ],
  },
  {
    number: 16,
    gone: 'Why a bot ended is kept and told, and a wanted stop is no crash.',
    tests: [
      'test/engine/docker/docker-engine.test.ts: reads the last words of every run of a container',
      'test/actors/change-of-desire.test.ts: a disabled bot is stopped and removed, and its exit is no crash',
    ],
  },
  {
    number: 17,
    gone: 'A crash is seen by its event and followed at once.',
    tests: [
      'test/actors/crash.test.ts: the first crash is followed at once by a start in place, and both are recorded',
    ],
  },
  {
    number: 18,
    gone: 'What is adopted is replaced when its config changes.',
    tests: [
      'test/actors/start-and-adopt.test.ts: a running container of another revision is stopped, removed and replaced',
      'test/e2e/take-over.test.ts: keeps its containers running, replaces them once when they are edited, and can be replaced by it again',
      'test/e2e/services/switch-over.test.ts: bot-runner adopts what runs on what is desired, and replaces once what was edited, before or after it came',
    ],
  },
  {
    number: 19,
    gone: 'Another file path or entry point replaces the bot, too.',
    tests: [
      'test/engine/docker/go-containers.test.ts: are of another revision when anything they show is another, and are ended like any',
    ],
  },
  {
    number: 20,
    gone: 'A slow start is not made twice.',
    tests: [
      'test/supervisor/life.test.ts: a flood of first starts is not looked into and not started twice because it takes long',
      'test/simulation/simulation.test.ts: whatever happens, bots end up as desired, and never run twice',
    ],
  },
  {
    number: 21,
    gone: 'A start that fails leaves no container, and one that was never started is replaced.',
    tests: [
      'test/engine/docker/docker-engine.test.ts: leaves nothing behind when the network is missing',
      'test/engine/docker/docker-engine.test.ts: takes the place of a container that was created and never started',
    ],
  },
  {
    number: 22,
    gone: 'A stop that fails is seen and asked for again.',
    tests: ['test/actors/engine-trouble.test.ts: a stop the engine refuses is asked for again after a pause'],
  },
  {
    number: 23,
    gone: 'Stops run side by side and hold up no start.',
    tests: [
      'test/supervisor/executor.test.ts: calls for one bot are made one after the other, for different bots side by side',
      'test/supervisor/stop-all.test.ts: stopping all ends bots in whatever state they are, and remembers what they must',
    ],
  },
  {
    number: 24,
    gone: 'The end of the runtime leaves bots running.',
    tests: [
      'test/supervisor/stop-all.test.ts: closing leaves containers as they are',
      'test/e2e/take-over.test.ts: keeps its containers running, replaces them once when they are edited, and can be replaced by it again',
    ],
  },
  {
    number: 25,
    gone: 'Events are followed; one list in a while is compared with what is known.',
    tests: ['test/engine/docker/event-watch.test.ts: compares now and then, and takes a list that fails for a loss'],
  },
  {
    number: 26,
    gone: 'A run is claimed in one step before it starts, and runs once, however many schedulers there are.',
    tests: [
      'test/conformance/desired/run-ledger.ts: mongodb: of many who claim at the same time one gets it',
      'test/simulation/scheduled.test.ts: whatever happens, no occurrence runs twice and no two runs overlap, with 2 on one ledger',
      'test/e2e/killed-in-a-run-docker.test.ts: a run goes on while its runtime is killed; the next one adopts it, records its code and begins none twice',
      'test/engine/docker/late-starts.test.ts: is taken when the answer to the start is lost, and not ended and begun once more',
    ],
  },
  {
    number: 27,
    gone: 'A schedule that was changed during a run is not overwritten.',
    tests: [
      'test/conformance/desired/run-ledger.ts: mongodb: a plan is made only from what is known; it leaves the run alone',
    ],
  },
  {
    number: 28,
    gone: 'A schedule that cannot be read runs never.',
    tests: ['test/actors/scheduled.test.ts: impossible dates never run, unreadable ones block, each with a reason'],
  },
  {
    number: 29,
    gone: 'Parallel runs and the length of one are bounded.',
    tests: [
      'test/supervisor/scheduled.test.ts: 2,000 bots that are due in the same second run each exactly once, no more at a time than may, in the order of the gate',
      'test/actors/scheduled.test.ts: a run that lasts too long is ended, and told so',
    ],
  },
  {
    number: 30,
    gone: 'A run that is over at once keeps its code and its words.',
    tests: [
      'test/conformance/engine/suite.ts: begins a run of a scheduled bot once, and keeps what is left of it until it is removed',
    ],
  },
  {
    number: 31,
    gone: 'The log of a bot is bounded where it lies, in memory too.',
    tests: [
      'test/agent/log.test.ts: a full log file makes room for a new one, and one old file is kept',
      'test/agent/logs/log-source.test.ts: lines that are rotated away unsent are counted',
    ],
  },
  {
    number: 32,
    gone: "Processes, processors and Docker's own log are bounded.",
    tests: [
      'test/engine/docker/docker-engine.test.ts: has limits of processors, processes, memory and of what Docker keeps of its output',
    ],
  },
  {
    number: 33,
    gone: 'A bot sees no keys of the store, and those of its agent open its own objects only.',
    tests: [
      'test/storage/minio/bot-credentials.test.ts: open its own code, state, log and results, and nothing of another',
      'test/images/runtime-image.test.ts: credentials are in the environment of no process, PID 1 included, and on no open pipe',
      'test/commands/bots-nats.test.ts: bots get the account for live logs, else that of the runtime, unless that is not wanted',
    ],
  },
  {
    number: 34,
    gone: 'A port that cannot be had ends the process and is named.',
    tests: [
      'test/admin/health-server.test.ts: a port that cannot be had is an error for people',
      'test/query/front-end.test.ts: with 2 threads: a port in use is an error that names it',
    ],
  },
  {
    number: 35,
    gone: 'A bot gets SIGTERM, and what it does then is stored.',
    tests: [
      'test/agent/sync/execute-sync.test.ts: what the bot writes while it obeys SIGTERM is stored',
      'test/images/runtime-image.test.ts: a stop reaches the bot as SIGTERM, once, and ends with its code',
    ],
  },
  {
    number: 36,
    gone: 'The end of the last file of a state is stored.',
    tests: ['test/agent/state/fencing.test.ts: that the last file is deleted is stored, too'],
  },
  {
    number: 37,
    gone: 'A file that changes while it is read is never stored in halves.',
    tests: [
      'test/agent/state/taking.test.ts: a file that is cut off and written again while it is read is never stored in halves (in memory)',
      'test/agent/state/taking.test.ts: a file that grows all the time is stored as a beginning of itself',
      'test/agent/state/taking.test.ts: sockets, pipes and links that lead out are passed over, each with one notice',
    ],
  },
  {
    number: 38,
    gone: 'A state that cannot be restored keeps the bot from starting.',
    tests: [
      'test/agent/state/fencing.test.ts: a damaged archive keeps the bot from starting, and leaves nothing behind',
      'test/agent/sync/execute-sync.test.ts: a stored state that cannot be read keeps the bot from starting, and its log says why',
    ],
  },
  {
    number: 39,
    gone: 'A sync beside a bot takes no half restored state.',
    tests: ['test/agent/sync/daemon.test.ts: sync takes neither an empty directory nor half a state for the state'],
  },
  {
    number: 40,
    gone: 'A start beside a state in use keeps it.',
    tests: [
      'test/agent/state/fencing.test.ts: an agent that starts again beside a state directory in use keeps it, and uploads only what differs',
    ],
  },
  {
    number: 41,
    gone: 'An upload is of known size and takes little memory.',
    tests: [
      'test/agent/state/taking.test.ts: large and many files go by way of the disk, in several uploads',
      'test/storage/s3/transfer-garbage.test.ts: Buffers that went through a client do not gather',
    ],
  },
  {
    number: 42,
    gone: 'Of an unchanged tree nothing is read, and a small change uploads little.',
    tests: [
      'test/agent/state/unchanged-tree.test.ts: of an unchanged tree no content is read; of a changed one only what changed',
      'test/storage/archive/upload-plan.test.ts: a change of the first file of 80 MiB takes nothing away: all that is there is kept in one piece',
    ],
  },
  {
    number: 43,
    gone: 'Changes are seen at any depth, and the last one is stored soon.',
    tests: [
      'test/agent/sync/state-watch.test.ts: a change at any depth is told with its directory',
      'test/agent/sync/state-loop.test.ts: changes that never pause are stored all the same',
    ],
  },
  {
    number: 44,
    gone: 'A large log costs no more to append to than a small one.',
    tests: [
      'test/agent/logs/log-sync.test.ts: a log of 6 MB and one of 60 MB cost the same to append to, a small one is sent again',
    ],
  },
  {
    number: 45,
    gone: 'Two writers of one log lose no line.',
    tests: ['test/agent/logs/log-sync.test.ts: lines of an old and a new container do not displace each other'],
  },
  {
    number: 46,
    gone: 'An agent that starts again repeats no line.',
    tests: ['test/agent/logs/log-sync.test.ts: an agent that died before it noted an acknowledgement repeats nothing'],
  },
  {
    number: 47,
    gone: 'A bucket or a NATS that failed at the start is tried again.',
    tests: [
      'test/agent/logs/log-sync.test.ts: trouble is told once, and its end',
      'test/agent/logs/live-log.test.ts: the connection comes back after the server was away, and both is told once',
    ],
  },
  {
    number: 48,
    gone: 'The log bucket can be named, and no other is made.',
    tests: [
      'test/e2e/stored-bots-docker.test.ts: run from it, and have their state and log in it, through a kill and until the end',
    ],
  },
  {
    number: 49,
    gone: 'Lines keep their indentation, their numbers and their order.',
    tests: [
      'test/agent/logs/stored-line.test.ts: a JSON object without a timestamp gets one and keeps its keys, numbers and their order',
      'test/agent/logs/stored-line.test.ts: everything else becomes a message, with its indentation',
    ],
  },
  {
    number: 50,
    gone: 'Code that cannot be fetched is told in the log of the bot.',
    tests: ['test/agent/prepare-errand.test.ts: no object ends the agent with its own reason, in the log too'],
  },
  {
    number: 51,
    gone: 'A bot ends with all its processes, and none becomes a zombie.',
    tests: [
      'test/agent/execute.test.ts: a grandchild that holds the output neither delays the end nor lives on',
      'test/images/runtime-image.test.ts: processes that a bot leaves behind become no zombies',
    ],
  },
  {
    number: 52,
    gone: 'A query server that ends is started again.',
    tests: [
      'test/agent/query-server.test.ts: a query server that crashes is started again, and the bot is told nothing',
    ],
  },
  {
    number: 53,
    gone: 'Programs for queries are made executable.',
    tests: [
      'test/agent/execute.test.ts: a question is asked by QUERY_PATH or --query, which wins, of a program that archives left unexecutable',
    ],
  },
  {
    number: 54,
    gone: 'Archives are read in steps, with limits; links in them are refused.',
    tests: [
      'test/storage/code-archive/extract.test.ts: a gigabyte of zeros is refused before anything is written',
      'test/storage/code-archive/extract.test.ts: a million entries are refused',
    ],
  },
  {
    number: 55,
    gone: 'A version that is there is not written over.',
    tests: [
      'test/agent/stored-code.test.ts: a version that is there already is not fetched again, and its files are not touched',
    ],
  },
  {
    number: 56,
    gone: 'A Python bot that fails ends as failed.',
    tests: [
      'test/images/python-bot.test.ts: an exception ends with 1, a traceback of the bot only, and its text in the result',
      'test/images/python-bot.test.ts: the result of the SDK\'s the0.error("no data") stands',
    ],
  },
  {
    number: 57,
    gone: 'A Node bot hears SIGTERM, and a throw leaves a result.',
    tests: [
      'test/images/node-bot.test.ts: SIGTERM ends a bot that does not listen for it, with its exit listeners',
      'test/images/node-bot.test.ts: a main that throws ends with 1 and says why',
    ],
  },
  {
    number: 58,
    gone: 'What Python prints is out at once.',
    tests: ['test/images/python-bot.test.ts: a line is out as soon as it is printed'],
  },
  {
    number: 59,
    gone: 'The query port can ask for a token, and takes only so much.',
    tests: [
      'test/query/http-api.test.ts: with a token set, a query without it is 401 in the error shape and asks nobody',
      'test/query/limits.test.ts: all queries together are bounded',
    ],
  },
  {
    number: 60,
    gone: 'Routes are held in one place and go with their bots.',
    tests: [
      'test/actors/engine-trouble.test.ts: a new actor of a bot that is gone withdraws the route that an older one published',
      'test/query/front-end.test.ts: with 2 threads: routes set before and after the start are known, withdrawn ones are not',
    ],
  },
  {
    number: 61,
    gone: 'Parameters reach the SDKs in the URL as well.',
    tests: [
      'test/query/upstream.test.ts: params reach the bot in the body and in the URL',
      'test/query/sdk-servers.test.ts: a query server of the python SDK gets its params, and its errors arrive',
    ],
  },
  {
    number: 62,
    gone: 'A query to a running bot asks neither database nor engine.',
    tests: [
      'test/query/front-end.test.ts: with 2 threads: routes set before and after the start are known, withdrawn ones are not',
      'test/query/limits.test.ts: questions to the supervisor are bounded, and shared by queries to one bot',
    ],
  },
  {
    number: 63,
    gone: 'On Kubernetes a query reads no whole collection.',
    kubernetes: true,
  },
  {
    number: 64,
    gone: 'A query run is not taken for the bot.',
    tests: [
      'test/conformance/engine/query-suite.ts: takes a run for the bot neither while the bot starts nor while it stops',
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    number: 65,
    gone: 'A run whose time is up is ended.',
    tests: [
      'test/conformance/engine/query-suite.ts: ends the program when nobody waits any more, and when its time is up, and leaves nothing behind',
    ],
  },
  {
    number: 66,
    gone: 'Results of failed queries are removed.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/gc/sweep.test.ts: removes stale chunks, unfinished uploads and results of queries, whatever MongoDB says, and no young ones',
    ],
  },
  {
    number: 67,
    gone: 'The error of a handler is kept.',
    tests: ['test/query/ephemeral/process.test.ts: with the answer or the error of their handlers'],
  },
  {
    number: 68,
    gone: 'A Job for a query has a deadline.',
    kubernetes: true,
  },
  {
    number: 69,
    gone: 'Long timeouts hold, and bodies are bounded.',
    tests: [
      'test/query/limits.test.ts: zero, negative and absent timeouts are the default, long ones are cut',
      'test/query/limits.test.ts: an endless answer ends at the limit',
    ],
  },
  {
    number: 70,
    gone: 'Handlers cannot change the state of the live bot.',
    tests: ['test/sdk/query-server.test.ts: lets handlers read the state but not change it'],
  },
  {
    number: 71,
    gone: 'A question to a bot that does not run costs a start.',
    tests: [
      'test/query/ephemeral/query-runs.test.ts: who asks the same while a run goes on shares it, however the parameters are written',
      'test/query/ephemeral/process.test.ts: however many ask at the same time',
    ],
  },
  {
    number: 72,
    gone: 'gc believes no empty MongoDB, has a grace, and can tell without doing.',
    tests: [
      'test/gc/sweep.test.ts: a MongoDB that is empty, away or of somebody else keeps everything, and starts no grace',
      'test/gc/sweep.test.ts: a dry run says what it would remove and changes nothing, not even what sweeps remember',
    ],
  },
  {
    number: 73,
    gone: 'A bucket that is not there is no failure.',
    tests: [
      'test/gc/sweep.test.ts: a store without buckets is swept in peace, and one that does not answer is a problem',
    ],
  },
  {
    number: 74,
    gone: 'What is counted was removed.',
    tests: ['test/gc/sweep.test.ts: removes logs and state of a bot nobody knows, once its grace is over'],
  },
  {
    number: 75,
    gone: 'A failing scheduled bot on Kubernetes runs once.',
    kubernetes: true,
  },
  {
    number: 76,
    gone: 'A CronJob keeps zone and seconds of its schedule.',
    kubernetes: true,
  },
  {
    number: 77,
    gone: 'A changed config on Kubernetes costs no cycle.',
    kubernetes: true,
  },
  {
    number: 78,
    gone: 'Pods have their settings, and no keys in plain sight.',
    kubernetes: true,
  },
  {
    number: 79,
    gone: 'Readiness on Kubernetes is the truth.',
    kubernetes: true,
  },
  {
    number: 80,
    gone: 'Of several controllers one acts.',
    kubernetes: true,
  },
  {
    number: 81,
    gone: 'The chart knows which clusters it needs.',
    kubernetes: true,
  },
  {
    number: 82,
    gone: 'Volumes of pods are bounded, and bots have no account token.',
    kubernetes: true,
  },
];
