import type { Rule } from './rule.ts';

/** Questions to bots (contract section 8). */
export const SECTION_8: readonly Rule[] = [
  {
    id: '8.1-1',
    rule: ':9477 answers on all interfaces.',
    departs: 'query-server does; `up` answers on the loopback address only, unless told otherwise (design 9).',
    tests: [
      'test/commands/service-commands.test.ts: without flags and variables services have the defaults of the contract',
      'test/config/load-settings.test.ts: nothing given means the defaults, which work',
    ],
  },
  {
    id: '8.1-2',
    rule: '/health answers any method with {"status":"ok"}.',
    tests: ['test/query/http-api.test.ts: /health answers any method, without a token too'],
  },
  {
    id: '8.1-3',
    rule: 'Another method on /query is 405 in the shape of errors, another path 404 in plain text.',
    tests: [
      'test/query/http-api.test.ts: another method on /query is 405 in the error shape',
      'test/query/http-api.test.ts: other paths are 404 in plain text',
    ],
  },
  {
    id: '8.1-4',
    rule: 'Names in a body match in any case, unknown ones and what follows the first value are passed over.',
    tests: [
      'test/query/query-request.test.ts: names match in any case, the last of equal names wins, unknown ones are ignored',
      'test/query/query-request.test.ts: whatever follows the first value is ignored',
    ],
  },
  {
    id: '8.1-5',
    rule: 'bot_id and query_path are required, in this order, after the body was judged; a leading slash is added.',
    tests: [
      'test/query/query-request.test.ts: the body is judged before bot_id, and bot_id before query_path',
      'test/query/query-request.test.ts: names match in any case, the last of equal names wins, unknown ones are ignored',
    ],
  },
  {
    id: '8.1-6',
    rule: 'params must be an object, timeout_sec a whole number; zero, less and nothing are 30 s.',
    tests: [
      'test/query/query-request.test.ts: wrong types are an invalid request body that names the field',
      'test/query/limits.test.ts: zero, negative and absent timeouts are the default, long ones are cut',
    ],
  },
  {
    id: '8.1-7',
    rule: 'An empty or malformed body is 400 with "invalid request body: …".',
    tests: ['test/query/query-request.test.ts: an empty or malformed body is an invalid request body'],
  },
  {
    id: '8.1-8',
    rule: 'An answer has status, data, whole nanoseconds, a time and a newline; data is left out where there is none, and null is kept.',
    tests: [
      'test/query/http-api.test.ts: an answer has status, data, whole nanoseconds, a time stamp and a trailing newline',
      'test/query/http-api.test.ts: absent data is omitted, null is kept, any other status than error is 200',
      'test/query/query-response.test.ts: every duration is written in whole nanoseconds',
    ],
  },
  {
    id: '8.1-9',
    rule: 'The status is 500 for exactly "error", else 200.',
    tests: ['test/query/http-api.test.ts: absent data is omitted, null is kept, any other status than error is 200'],
  },
  {
    id: '8.1-10',
    rule: 'A bot that is not there and one without query entry point are 404, in the words that the API passes on.',
    tests: ['test/query/http-api.test.ts: what has no route is refused in the words of the supervisor'],
  },
  {
    id: '8.1-11',
    rule: 'A bot without any entry points is 404 with a sentence of its own.',
    tests: [
      'test/query/http-api.test.ts: what has no route is refused in the words of the supervisor',
      'test/commands/ask-why.test.ts: a bot that cannot be asked is told apart from one that is not there',
    ],
  },
  {
    id: '8.1-12',
    rule: 'An error before the run has duration 0 and the time of the year 1.',
    departs: 'Its time is that of the answer; nothing depends on the other.',
    tests: ['test/query/http-api.test.ts: another method on /query is 405 in the error shape'],
  },
  {
    id: '8.1-13',
    rule: 'Nobody is asked who they are, bodies have no bound, and 60 s end everything.',
    departs:
      'A token can be asked for, bodies are bounded, and a timeout of the question may be longer (weaknesses 59 and 69, design 7).',
    tests: [
      'test/query/http-api.test.ts: with a token set, a query without it is 401 in the error shape and asks nobody',
      'test/query/limits.test.ts: a request above the limit is 413 and the connection stays usable',
      'test/query/limits.test.ts: an answer above the limit is an error that names the limit',
    ],
  },
  {
    id: '8.2-1',
    rule: 'A running realtime bot with a query entry point is asked directly, also by its address on a network.',
    tests: [
      'test/engine/docker/docker-engine.test.ts: is on the network that is configured',
      'test/conformance/engine/suite.ts: names an endpoint at which the query server of a running bot answers',
    ],
  },
  {
    id: '8.2-2',
    rule: 'A realtime bot that does not run, disabled ones too, and a scheduled one always, answer by a run of their own.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/query/ephemeral/process.test.ts: also when they are on a schedule',
    ],
  },
  {
    id: '8.2-3',
    rule: 'An id in both collections is the realtime bot.',
    tests: [
      'test/desired/mongodb/mongo-source.test.ts: both kinds at once: each from its collection, and an id in both is the realtime bot',
    ],
  },
  {
    id: '8.2-4',
    rule: 'The first container with the id is taken for the bot.',
    departs: 'A query run is never taken for the bot (weakness 64).',
    tests: [
      'test/conformance/engine/query-suite.ts: takes a run for the bot neither while the bot starts nor while it stops',
      'test/query/ephemeral/process.test.ts: however many ask at the same time',
    ],
  },
  {
    id: '8.2-5',
    rule: 'For each question the document of the bot is read, and what it says then counts.',
    departs:
      'Not for a bot that runs, which is asked as it is. While MongoDB does not answer, what was read before counts, and a bot ' +
      'that was asked for and is not there is not looked for again for a quarter of a second.',
    tests: [
      'test/e2e/services/fresh-answers.test.ts: a new scheduled bot is answered at once, an edited one with the next question, and a deleted one is not there',
      'test/e2e/services/fresh-answers.test.ts: a realtime bot that is disabled and edited answers with what it is now, not with what it was',
      'test/e2e/services/fresh-answers.test.ts: while MongoDB is away questions are answered with what is known, and afterwards with what is new',
      'test/desired/mongodb/looks.test.ts: a bot that is not there is not looked for again for a while, unless it has come',
    ],
  },
  {
    id: '8.3-1',
    rule: 'The question is a POST to port 9476 with the parameters as JSON body, or none.',
    tests: [
      'test/query/upstream.test.ts: params reach the bot in the body and in the URL',
      'test/query/upstream.test.ts: without params there is no body',
      'test/engine/docker/docker-engine.test.ts: is on the network that is configured',
    ],
  },
  {
    id: '8.3-2',
    rule: 'The HTTP status of the bot does not count, its JSON does.',
    tests: ['test/query/http-api.test.ts: absent data is omitted, null is kept, any other status than error is 200'],
  },
  {
    id: '8.3-3',
    rule: 'What is no JSON, and what cannot be reached, have their words.',
    tests: [
      'test/query/upstream.test.ts: of a long body that is not JSON only the beginning is repeated',
      'test/query/upstream.test.ts: a bot that does not listen and is not young is refused at once, with the likely cause',
      'test/query/upstream.test.ts: refuses with a reason: half a header',
    ],
  },
  {
    id: '8.3-4',
    rule: 'Parameters reach the SDKs, which read the URL.',
    tests: [
      'test/query/request-target.test.ts: params are appended as query string, after one that is there already',
      'test/query/sdk-servers.test.ts: a query server of the python SDK gets its params, and its errors arrive',
    ],
  },
  {
    id: '8.3-5',
    rule: 'The server of an SDK answers paths with any method, 404 for others, 500 for errors, and /health and /info by itself.',
    tests: [
      'test/sdk/query-server.test.ts: answers what handlers return, and what they throw',
      'test/sdk/query-server.test.ts: answers 404 to paths without a handler, and takes no path for an address',
      'test/sdk/query-server.test.ts: lists all its paths, also its own',
      'test/sdk/query-server.test.ts: answers any method, HEAD without a body',
    ],
  },
  {
    id: '8.4-1',
    rule: 'A run for a question is a container as 5.2 has it, of type scheduled, with entry point query and a key for its result.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    id: '8.4-2',
    rule: 'The result is fetched, removed, and read like an answer.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/query/run-program.test.ts: with 2 threads: a bot that does not run answers by its program',
    ],
  },
  {
    id: '8.4-3',
    rule: 'A program that ends badly is told by "query container exited with code …" and the end of its output.',
    tests: [
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
      'test/conformance/engine/query-suite.ts: gives the exit code, the end of the output and what the program left when it fails',
    ],
  },
  {
    id: '8.4-4',
    rule: 'The error of a handler is replaced by the output of its container.',
    departs: "The handler's own error is kept (weakness 67).",
    tests: [
      'test/query/ephemeral/process.test.ts: with the answer or the error of their handlers',
      'test/query/ephemeral/docker.test.ts: by a container as the contract has it, and leave neither container nor result',
    ],
  },
  {
    id: '8.4-5',
    rule: 'A question whose time is up leaves its container running.',
    departs: 'It is ended (weakness 65).',
    tests: [
      'test/conformance/engine/query-suite.ts: ends the program when nobody waits any more, and when its time is up, and leaves nothing behind',
    ],
  },
  {
    id: '8.5-1',
    rule: 'Runs for questions on Kubernetes are Jobs.',
    kubernetes: true,
  },
  {
    id: '8.6-1',
    rule: '/query/result.json is written by the SDK: the answer with 0, an error or an unknown path with 1.',
    tests: [
      'test/sdk/ephemeral-query.test.ts: writes the answer into a directory it makes, prints nothing, and lets the program go on',
      'test/sdk/ephemeral-query.test.ts: names the paths there are when it is asked for another',
    ],
  },
  {
    id: '8.7-1',
    rule: 'State cannot be changed while QUERY_PATH is defined.',
    tests: ['test/sdk/state.test.ts: cannot be changed in a query, whatever the key'],
  },
  {
    id: '8.7-2',
    rule: 'An empty QUERY_PATH makes state read-only, too.',
    departs: 'It does not: nobody sets it empty, and a bot that inherits it must be able to write.',
    tests: ['test/sdk/state.test.ts: can be changed when QUERY_PATH is empty'],
  },
  {
    id: '8.7-3',
    rule: 'Handlers of a query server can change the state of the live bot.',
    departs: 'They cannot, unless that is asked for (weakness 70).',
    tests: [
      'test/sdk/query-server.test.ts: lets handlers read the state but not change it',
      'test/sdk/query-server.test.ts: lets handlers change the state where THE0_QUERY_STATE_WRITES=allow',
    ],
  },
];
