import type { Rule } from './rule.ts';

/** The command line (contract section 1 and the image of section 0). */
export const SECTION_1: readonly Rule[] = [
  {
    id: '0-1',
    rule: 'The image starts `/app/runtime execute` by itself, as user 1000, in /bot, and without an entry point of its own.',
    tests: [
      'test/images/runtime-image.test.ts: its user, work directory and command are those other components rely on',
    ],
  },
  {
    id: '0-2',
    rule: 'Bots in the image have Python 3.11 and Node 20, their wrappers, and the directories they may write to.',
    tests: [
      'test/images/runtime-image.test.ts: bots run as user 1000 on a read-only root, in /bot, with Python 3.11 and the SDK',
      'test/images/runtime-image.test.ts: Node bots run on Node 20 with the SDK, the agent on Node 22',
      'test/images/image-tools.test.ts: has curl, the interpreters of Python and Node bots, their wrappers and its directories',
    ],
  },
  {
    id: '0-3',
    rule: 'An agent works on a read-only root where only /tmp, /bot, /state, /query and /var/the0 can be written.',
    tests: [
      'test/images/runtime-image.test.ts: bots run as user 1000 on a read-only root, in /bot, with Python 3.11 and the SDK',
    ],
  },
  {
    id: '0-4',
    rule: 'PYTHONUNBUFFERED is not set in the image.',
    departs:
      'Buffered output comes late and is lost in a kill (weakness 58), so bots get PYTHONUNBUFFERED=1 from the agent; design 9 and 10.4.',
    tests: [
      'test/agent/bot-environment.test.ts: Python finds vendored packages, then the code, then what was there, then the SDK',
      'test/images/python-bot.test.ts: a line is out as soon as it is printed',
    ],
  },
  {
    id: '0-5',
    rule: 'curl is in the image, since health checks of compose files call it.',
    tests: [
      'test/images/image-tools.test.ts: has curl, the interpreters of Python and Node bots, their wrappers and its directories',
    ],
  },
  {
    id: '1.1-1',
    rule: 'Without a command the help is shown, and that is success.',
    tests: ['test/commands/cli.test.ts: without a command it shows all of them and is content'],
  },
  {
    id: '1.1-2',
    rule: 'An unknown command, an unknown flag or a missing required one is exit code 1 with a message on stderr.',
    tests: [
      'test/commands/cli.test.ts: what it does not know is exit code 1 with a word about it',
      'test/agent/execute.test.ts: an unknown command and an unknown flag are refused',
      'test/agent/agent-arguments.test.ts: "daemon sync" is refused',
    ],
  },
  {
    id: '1.1-3',
    rule: 'Words behind a command that nothing asks for are passed over.',
    tests: [
      'test/agent/agent-arguments.test.ts: flags of every command and further words are accepted',
      'test/commands/gc.test.ts: a dry run tells what would go, and the next run removes it',
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
    ],
  },
  {
    id: '1.1-4',
    rule: '`version` prints `the0-runtime version <x.y.z>` on stdout and is success.',
    departs:
      'It prints its own version and, outside the image, its own short form: the number 1.3.2 is that of another program (design 9).',
    tests: [
      'test/agent/execute.test.ts: version names this program',
      'test/commands/cli.test.ts: version prints our own name and version',
    ],
  },
  {
    id: '1.1-5',
    rule: 'Durations are read as Go reads them: 30s, 1m30s, 5m.',
    tests: ['test/duration.test.ts: durations are read in the syntax of Go'],
  },
  {
    id: '1.1-6',
    rule: 'A variable that is set to nothing is a value where the value is a text: an empty MONGO_URI is an empty address.',
    tests: [
      'test/config/service-settings.test.ts: the address of MongoDB is never shown, and an empty one is a value',
      'test/config/load-settings.test.ts: an empty variable is an empty value for text, and as good as not set for the rest',
    ],
  },
  {
    id: '1.1-7',
    rule: 'QUERY_SERVER_PORT takes leading digits; nothing, nonsense and 0 are 9477.',
    tests: ['test/config/load-settings.test.ts: QUERY_SERVER_PORT is read as loosely as the contract has it'],
  },
  {
    id: '1.1-8',
    rule: '`completion` prints a script for a shell, which the library of the command line brings along.',
    departs: 'There is no such command, and it is an unknown one: nothing but a person at a shell calls it.',
    tests: ['test/commands/cli.test.ts: what it does not know is exit code 1 with a word about it'],
  },
  {
    id: '1.2-1',
    rule: 'Every command takes --mongo-uri and --nats-url.',
    tests: [
      'test/agent/agent-arguments.test.ts: flags of every command and further words are accepted',
      'test/commands/gc.test.ts: a dry run tells what would go, and the next run removes it',
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
    ],
  },
  {
    id: '1.2-2',
    rule: '--mongo-uri comes from MONGO_URI, and without either it is mongodb://localhost:27017.',
    tests: [
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
    ],
  },
  {
    id: '1.2-3',
    rule: '--nats-url comes from NATS_URL, is empty by itself, and takes a list with commas.',
    tests: ['test/config/load-settings.test.ts: addresses of NATS are checked, and never shown'],
  },
  {
    id: '1.2-4',
    rule: 'An address of NATS may ask for TLS with tls://, and bots get it for their live logs.',
    departs:
      'Agents of bots do not speak TLS, which would cost a megabyte in each: with such an address only there are no live logs, which is said.',
    tests: [
      'test/desired/nats/tls.test.ts: is reached under both names, where somebody vouches for it',
      'test/desired/nats/tls.test.ts: an address that asks for it is not used without it',
      'test/commands/bots-nats.test.ts: without TLS in their agents bots get no address that asks for it, and people are told, unless they chose so',
    ],
  },
  {
    id: '1.3-1',
    rule: '`bot-runner` takes --reconcile-interval, 30 s by itself and for nothing or less.',
    tests: [
      'test/config/service-settings.test.ts: an interval of nothing or less is the default',
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
    ],
  },
  {
    id: '1.3-2',
    rule: '`bot-runner` ends with 1 without MongoDB or the variables of MinIO, goes on without NATS, and ends with 0 on SIGTERM.',
    tests: [
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
      'test/desired/nats/nats-feed.test.ts: a NATS that is not there holds up the start only so long, is told, and is used when it comes',
      'test/e2e/services/roles.test.ts: SIGTERM leaves bots running; what was changed meanwhile is applied at the return, and nothing else is touched',
    ],
  },
  {
    id: '1.3-3',
    rule: '`bot-scheduler` looks for due runs at each --check-interval, 10 s by itself.',
    departs:
      'Each bot has a timer for its next run, so nothing waits for an interval (design 6); the flag is taken, and says how often documents are read again.',
    tests: [
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
      'test/e2e/services/roles.test.ts: a scheduled bot runs when it is due, once each time, and answers queries in between',
    ],
  },
  {
    id: '1.3-4',
    rule: '`bot-scheduler` needs NATS besides: without an address it ends with 1.',
    tests: [
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
    ],
  },
  {
    id: '1.3-5',
    rule: '`query-server` takes --port from QUERY_SERVER_PORT, 9477 by itself and for 0, and ends with 1 without MinIO.',
    tests: [
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
      'test/commands/service-commands.test.ts: a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password',
    ],
  },
  {
    id: '1.3-6',
    rule: '`query-server` has no health server on :8080, does not use NATS, and ends with 0 on SIGTERM.',
    tests: [
      'test/commands/query-server.test.ts: query-server needs no NATS and has no other port, and ends well on SIGTERM',
    ],
  },
  {
    id: '1.3-7',
    rule: 'A port that `query-server` cannot have is only logged.',
    departs: 'A process that cannot be asked must end and say why (weakness 34, design 9).',
    tests: ['test/query/front-end.test.ts: with 2 threads: a port in use is an error that names it'],
  },
  {
    id: '1.3-8',
    rule: '`gc` sweeps once; with --interval again and again, with health on :8084; a first sweep that fails is exit code 1, a later one is told.',
    tests: [
      'test/commands/gc.test.ts: with an interval it sweeps again and again, answers health checks, and ends well on SIGTERM',
      'test/commands/gc.test.ts: it is exit code 1 without a store, MongoDB or its port, and when it refuses; no password is shown',
      'test/gc/sweep-loop.test.ts: a first sweep that fails ends it; one that refused does not',
    ],
  },
  {
    id: '1.3-9',
    rule: '`execute` takes --query, --query-server-only, --skip-sync and --skip-query-server, and ends with the code of its bot.',
    tests: [
      'test/agent/agent-arguments.test.ts: flags are taken in both forms',
      "test/agent/execute.test.ts: the agent ends with its bot's exit code and says so",
    ],
  },
  {
    id: '1.3-10',
    rule: '`daemon init` needs --bot-id, has defaults for the paths, and ends with 1 when something is wrong.',
    tests: [
      'test/agent/agent-arguments.test.ts: the daemon has defaults for everything but the bot',
      'test/agent/sync/daemon.test.ts: init brings code and state, and says what is wrong',
    ],
  },
  {
    id: '1.3-11',
    rule: '`daemon sync` needs --bot-id, has defaults for the rest, and ends with 0 on a signal or the done file, with 1 for a wrong configuration.',
    tests: [
      'test/agent/agent-arguments.test.ts: the daemon has defaults for everything but the bot',
      'test/agent/sync/daemon.test.ts: sync stores what is there and what comes, and ends on a signal with all of it',
      'test/agent/sync/daemon.test.ts: sync ends by itself when the done file is there',
      'test/agent/sync/daemon.test.ts: without a store it says which variable is missing',
    ],
  },
  {
    id: '1.3-12',
    rule: '`controller` governs bots on Kubernetes.',
    kubernetes: true,
  },
  {
    id: '1.4-1',
    rule: 'Services log JSON lines with time, level, msg and component on stdout, from the level in LOG_LEVEL on, in any case of letters.',
    tests: [
      'test/commands/terminal/service-log.test.ts: a service logs JSON lines on stdout, from its level on, without passwords',
      'test/commands/terminal/service-log.test.ts: the level leaves out what is below it, transitions too',
      'test/config/load-settings.test.ts: the log level does not care for case',
    ],
  },
  {
    id: '1.4-2',
    rule: 'Passwords in addresses are shown as `***`.',
    tests: ['test/redact-urls.test.ts: passwords in addresses are replaced, whatever they are made of'],
  },
  {
    id: '1.4-3',
    rule: 'What the runtime itself says inside a container is never in the log of the bot.',
    departs:
      'What stops or hinders a bot is one marked line in its log, since its owner sees nothing else (weakness 50, design 10.4); nothing else is.',
    tests: [
      'test/agent/execute.test.ts: code that cannot be copied is said, in the log too',
      'test/agent/query-server.test.ts: what the query server writes is in its own log and in the output, not in the log of the bot',
    ],
  },
];
