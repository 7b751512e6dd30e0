import type { Rule } from './rule.ts';

/** What runs inside a container: execute and the wrappers (contract section 6). */
export const SECTION_6: readonly Rule[] = [
  {
    id: '6.1-1',
    rule: 'BOT_ID, RUNTIME and ENTRYPOINT are required, and the one that is missing is named.',
    tests: [
      'test/agent/execute.test.ts: without BOT_ID nothing is started and its name is said',
      'test/agent/execute.test.ts: without RUNTIME nothing is started and its name is said',
      'test/agent/execute.test.ts: without ENTRYPOINT nothing is started and its name is said',
    ],
  },
  {
    id: '6.1-2',
    rule: 'Without CODE_FILE no code is fetched.',
    tests: [
      'test/agent/prepare-errand.test.ts: without a store, code that is there already is run as before',
      'test/agent/execute.test.ts: a bot that ends well ends the agent with 0',
    ],
  },
  {
    id: '6.1-3',
    rule: '--query beats QUERY_PATH, and either asks one question.',
    tests: [
      'test/agent/execute.test.ts: a question is asked by QUERY_PATH or --query, which wins, of a program that archives left unexecutable',
    ],
  },
  {
    id: '6.1-4',
    rule: 'CODE_PATH and STATE_PATH move the directories; IS_SCHEDULED counts only as `true`.',
    tests: [
      'test/agent/execute.test.ts: code is copied to where the bot runs',
      'test/agent/execute.test.ts: a scheduled bot leaves its exit code beside the logs',
    ],
  },
  {
    id: '6.1-5',
    rule: '--query-server-only goes before a question, and that before the bot.',
    tests: [
      'test/agent/mode-order.test.ts: a query server alone goes before a question, and a question before the bot',
    ],
  },
  {
    id: '6.2-1',
    rule: 'Without code the bot does not start, and the exit code is 1.',
    tests: [
      'test/agent/prepare-errand.test.ts: no object ends the agent with its own reason, in the log too',
      'test/e2e/bad-archives.test.ts: a store that stays busy stops the start with a reason, never with an empty state',
    ],
  },
  {
    id: '6.2-2',
    rule: 'Programs of compiled bots are made executable, the query program too.',
    tests: [
      'test/agent/execute.test.ts: a compiled bot that came without its mode is made executable',
      'test/agent/execute.test.ts: a question is asked by QUERY_PATH or --query, which wins, of a program that archives left unexecutable',
    ],
  },
  {
    id: '6.2-3',
    rule: 'A state that is not there is a first run.',
    tests: [
      'test/agent/state/fencing.test.ts: a state that does not exist is a first run; its bucket is made when there is something to store',
    ],
  },
  {
    id: '6.2-4',
    rule: 'A state that cannot be fetched is passed over.',
    departs:
      'The start waits and then fails with a reason: a bot without its state would overwrite the good one (weakness 38).',
    tests: [
      'test/agent/sync/execute-sync.test.ts: a stored state that cannot be read keeps the bot from starting, and its log says why',
      'test/agent/sync/execute-sync.test.ts: a store that is away delays the start, then stops it with a reason',
    ],
  },
  {
    id: '6.2-5',
    rule: '--skip-sync brings the state and stores nothing.',
    tests: ['test/agent/sync/execute-sync.test.ts: --skip-sync brings the state and stores nothing'],
  },
  {
    id: '6.2-6',
    rule: 'A realtime bot with a query entry point has its query server beside it, unless --skip-query-server is given.',
    tests: [
      'test/agent/query-server.test.ts: the query server runs beside the bot and ends with it',
      'test/agent/query-server.test.ts: --skip-query-server has no query server',
      'test/agent/query-server.test.ts: a scheduled bot has no query server',
    ],
  },
  {
    id: '6.2-7',
    rule: 'A query server that fails does not hinder the bot.',
    tests: [
      'test/agent/query-server.test.ts: a query server whose file is missing does not keep the bot from running',
      'test/agent/query-server.test.ts: a query server that crashes is started again, and the bot is told nothing',
    ],
  },
  {
    id: '6.2-8',
    rule: 'Both streams go to bot.log and to the streams of the container, byte for byte.',
    tests: [
      'test/agent/execute.test.ts: the output is repeated on the agent’s own, stream by stream',
      'test/agent/log.test.ts: lines of both streams never mix inside a line',
    ],
  },
  {
    id: '6.2-9',
    rule: 'The log is appended to, and a bot runs also where there can be none.',
    tests: [
      'test/agent/log.test.ts: the log goes on where the last run ended',
      'test/agent/log.test.ts: a log that cannot be opened does not keep the bot from running',
    ],
  },
  {
    id: '6.2-10',
    rule: 'What cannot be spawned is exit code 1, with an error line in the log that begins with "Failed to start process".',
    tests: ['test/agent/execute.test.ts: a missing interpreter is said, in the log too'],
  },
  {
    id: '6.2-11',
    rule: 'The exit code is that of the bot, 255 after a signal.',
    tests: [
      "test/agent/execute.test.ts: the agent ends with its bot's exit code and says so",
      'test/agent/execute.test.ts: a bot that is killed ends the agent with 255',
    ],
  },
  {
    id: '6.2-12',
    rule: 'A scheduled bot leaves its exit code as text in the done file.',
    tests: ['test/agent/execute.test.ts: a scheduled bot leaves its exit code beside the logs'],
  },
  {
    id: '6.2-13',
    rule: 'At the end comes the final sync, and the query server is ended.',
    tests: [
      'test/agent/sync/execute-sync.test.ts: stores what the bot wrote and said, and the next start has it',
      'test/agent/query-server.test.ts: a query server that ignores SIGTERM is killed',
    ],
  },
  {
    id: '6.2-14',
    rule: 'The end waits for grandchildren that hold the output.',
    departs: 'They are ended with the bot (weakness 51).',
    tests: ['test/agent/execute.test.ts: a grandchild that holds the output neither delays the end nor lives on'],
  },
  {
    id: '6.3-1',
    rule: 'On a signal the last sync comes first, then the bot is killed, and the code is 1.',
    departs:
      'The bot gets SIGTERM and its grace, then comes the last sync, and the code is its own (weakness 35, design 8).',
    tests: [
      'test/agent/stop.test.ts: SIGTERM reaches the bot as SIGTERM, and its last output is kept',
      'test/agent/stop.test.ts: the exit code of a bot that obeys is kept',
      'test/agent/sync/execute-sync.test.ts: what the bot writes while it obeys SIGTERM is stored',
      'test/images/runtime-image.test.ts: a stop reaches the bot as SIGTERM, once, and ends with its code',
    ],
  },
  {
    id: '6.3-2',
    rule: 'A bot that does not end is killed within the grace of Docker.',
    tests: [
      'test/agent/stop.test.ts: a bot that ignores SIGTERM is killed after the grace, with its children',
      'test/engine/docker/bot-container.test.ts: gets the grace of the bot and that of its agent before Docker kills it',
    ],
  },
  {
    id: '6.4-1',
    rule: 'A bot has BOT_ID, BOT_CONFIG, STATE_DIR, CODE_MOUNT_DIR without slash, SCRIPT_PATH, ENTRYPOINT_TYPE and BOT_TYPE, and runs in its code.',
    tests: [
      'test/agent/execute.test.ts: the bot sees its own environment, and neither credentials nor settings of the agent',
      'test/agent/bot-environment.test.ts: the state directory that was given stands',
    ],
  },
  {
    id: '6.4-2',
    rule: 'Python has vendored packages first, then the code, then what was there.',
    tests: [
      'test/agent/bot-environment.test.ts: Python finds vendored packages, then the code, then what was there, then the SDK',
    ],
  },
  {
    id: '6.4-3',
    rule: 'QUERY_PATH is never defined and empty.',
    tests: ['test/agent/bot-environment.test.ts: a query path is never defined and empty'],
  },
  {
    id: '6.4-4',
    rule: 'Each parameter is a variable of its own, printed as Go prints it.',
    tests: [
      'test/agent/bot-environment.test.ts: each query parameter is a variable of its own, as Go prints it',
      'test/agent/bot-environment.test.ts: query parameters that are no object (empty) give no variables',
    ],
  },
  {
    id: '6.4-5',
    rule: 'A bot has everything the agent has, keys of the store and NATS_URL too.',
    departs: 'They are withheld (weakness 33); the SDKs need none of them.',
    tests: [
      'test/agent/bot-environment.test.ts: credentials and settings of the agent are withheld, the place of the query server is not',
      'test/images/runtime-image.test.ts: credentials are in the environment of no process, PID 1 included, and on no open pipe',
    ],
  },
  {
    id: '6.5-1',
    rule: 'Each runtime has its command, for the bot and for queries.',
    tests: [
      'test/agent/bot-command.test.ts: python3.11 runs main.py as the contract says',
      'test/agent/bot-command.test.ts: nodejs20 runs main.js as the contract says',
      'test/agent/bot-command.test.ts: dotnet8 runs out/Bot.dll as the contract says',
      'test/agent/bot-command.test.ts: rust-stable runs target/release/bot as the contract says',
      'test/agent/bot-command.test.ts: scala3 runs bot.jar:a.b.Main as the contract says',
      'test/agent/bot-command.test.ts: other runs some-program as the contract says',
    ],
  },
  {
    id: '6.6-1',
    rule: 'main is called with id and config, in the code directory, and success is 0 with a result.',
    tests: [
      'test/images/python-bot.test.ts: main gets id and config; what it returns does not matter',
      'test/images/node-bot.test.ts: main gets id and config; what it resolves with is the result',
    ],
  },
  {
    id: '6.6-2',
    rule: 'A bot that cannot be loaded, a config that is no JSON and a missing directory are 1, with their word on stderr.',
    tests: [
      'test/images/python-bot.test.ts: no main is an import error with code 1',
      'test/images/python-bot.test.ts: a config that is not JSON is said',
      'test/images/python-bot.test.ts: a code directory that is not there is said',
      'test/images/node-bot.test.ts: no function is an import error with code 1',
      'test/images/node-bot.test.ts: a config that is not JSON is said, and no result is written',
    ],
  },
  {
    id: '6.6-3',
    rule: 'A Python bot that raises, or calls sys.exit or error(), is a success.',
    departs: 'It ends with its own code and error (weakness 56); contract 6.6 allows it.',
    tests: [
      'test/images/python-bot.test.ts: an exception ends with 1, a traceback of the bot only, and its text in the result',
      'test/images/python-bot.test.ts: sys.exit keeps its code',
      'test/images/python-bot.test.ts: the result of the SDK\'s the0.error("no data") stands',
    ],
  },
  {
    id: '6.6-4',
    rule: 'An async main of Python is never awaited, and a wrong arity is a success.',
    departs: 'It is awaited; a wrong arity is an error (weakness 56).',
    tests: [
      'test/images/python-bot.test.ts: an async main is awaited',
      'test/images/python-bot.test.ts: a main with other parameters ends with 1',
    ],
  },
  {
    id: '6.6-5',
    rule: 'os._exit and process.exit keep their code.',
    tests: [
      'test/images/python-bot.test.ts: os._exit keeps its code and leaves no result',
      'test/images/node-bot.test.ts: process.exit keeps its code',
    ],
  },
  {
    id: '6.6-6',
    rule: 'SIGTERM ends a Python bot with 0 and a result that says terminated.',
    tests: ['test/images/python-bot.test.ts: SIGTERM ends a bot that does not handle it, with its clean-up'],
  },
  {
    id: '6.6-7',
    rule: 'Bot code cannot handle signals.',
    departs: 'It can: main runs in the main thread (contract 6.3 allows it).',
    tests: [
      'test/images/python-bot.test.ts: SIGTERM reaches the handler of a bot, which decides',
      'test/images/node-bot.test.ts: SIGTERM reaches a bot that listens with on, which decides',
    ],
  },
  {
    id: '6.6-8',
    rule: 'The module is named main, logging is set up before, and vendored packages come first.',
    tests: [
      'test/images/python-bot.test.ts: the bot is loaded as module main, with logging set up and vendored packages first',
      'test/images/python-bot.test.ts: records of a bot look the same, wherever logging is imported; who does not use it does not pay for it',
    ],
  },
  {
    id: '6.6-9',
    rule: 'Node takes main, else default, else the module itself.',
    tests: ['test/images/node-bot.test.ts: what is called is main, else default, else the module itself'],
  },
  {
    id: '6.6-10',
    rule: 'What a Node main resolves with is the result and ends the process; nothing is success.',
    tests: [
      'test/images/node-bot.test.ts: the bot ends when main is done, whatever is still under way',
      'test/images/node-bot.test.ts: resolving with undefined is success',
    ],
  },
  {
    id: '6.6-11',
    rule: 'A Node main that rejects is 1 with a result and its word; a promise that nothing can settle is 0 without one.',
    tests: [
      'test/images/node-bot.test.ts: a main that rejects ends with 1 and says why',
      'test/images/node-bot.test.ts: a promise that nothing can settle ends with 0, without a result, and says so',
    ],
  },
  {
    id: '6.6-12',
    rule: 'A Node bot goes on after SIGTERM, and one that throws leaves no result.',
    departs: 'It ends, unless it listens; a throw is a result (weakness 57).',
    tests: [
      'test/images/node-bot.test.ts: SIGTERM ends a bot that does not listen for it, with its exit listeners',
      'test/images/node-bot.test.ts: a main that throws ends with 1 and says why',
    ],
  },
  {
    id: '6.7-1',
    rule: 'A question runs the query program with code and state, stores the result whatever the code, and ends with that code.',
    tests: [
      'test/agent/sync/query-state.test.ts: sees a copy of the state, and its result is stored whatever its exit code',
    ],
  },
  {
    id: '6.7-2',
    rule: 'No result, or one that cannot be stored, is 1.',
    tests: [
      'test/agent/sync/query-state.test.ts: that leaves no result ends with 1 and says so',
      'test/agent/execute.test.ts: a question whose result needs an object store is refused, not half answered',
    ],
  },
  {
    id: '6.7-3',
    rule: 'A question has neither bot.log nor sync, and what it does to the state is dropped.',
    tests: [
      'test/agent/execute.test.ts: a question is asked by QUERY_PATH or --query, which wins, of a program that archives left unexecutable',
      'test/agent/sync/query-state.test.ts: sees a copy of the state, and its result is stored whatever its exit code',
      'test/conformance/engine/query-suite.ts: shows the program the state of the bot, and keeps nothing of what it does to it',
    ],
  },
  {
    id: '6.8-1',
    rule: 'A query server alone waits up to 60 s for code that somebody else brings, else fetches it, and ends with its code.',
    tests: [
      'test/agent/execute.test.ts: the query server alone waits for the code that another container brings',
      'test/agent/execute.test.ts: the query server alone does not wait for ever for code that nobody brings',
      'test/agent/sync/query-state.test.ts: fetches the code itself when nobody brings it',
    ],
  },
];
