import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, post } from '../../runtime-under-test.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { IDLE } from '../bots.ts';
import { logTells } from '../log.ts';
import type { Scene } from '../scene.ts';
import { says, type Words } from '../told.ts';

const ODD = {
  files: {
    ...IDLE.files,
    'query.js': readFileSync(join(import.meta.dirname, '../fixtures/odd-query.js'), 'utf8'),
  },
};

const NODE_HANDLERS = {
  files: {
    ...IDLE.files,
    'query.js': `
const { query } = require('@alexanderwanyoike/the0-node');
query.handler('/fine', () => 1);
query.handler('/throws', () => { throw new Error('no prices for XYZ'); });
query.handler('/never', () => new Promise(() => {}));
query.handler('/circular', () => { const a = {}; a.a = a; return a; });
query.handler('/exits', () => process.exit(7));
query.run();`,
  },
};

const PYTHON_HANDLERS = {
  runtime: 'python3.11' as const,
  files: {
    'main.py': 'import time\n\ndef main(bot_id, config):\n    while True:\n        time.sleep(1)\n',
    'query.py': `
import threading
from the0 import query

@query.handler("/fine")
def fine(req):
    return 1

@query.handler("/throws")
def throws(req):
    raise ValueError("no prices for XYZ")

@query.handler("/never")
def never(req):
    threading.Event().wait()

query.run()
`,
  },
};

/** A bot's query server, and what those who ask are told. */
export const ANSWERS: readonly BadLuck[] = [
  answer('a query handler in Node throws', handlersInNode, '/throws', failed(['no prices for XYZ'])),
  answer('a query handler in Python throws', handlersInPython, '/throws', failed(['no prices for XYZ'])),
  answer('a query handler returns what JSON cannot hold', handlersInNode, '/circular', failed([/circular/i])),
  answer('a query handler in Node never answers', handlersInNode, '/never', failed(['did not answer within 1 s'])),
  answer('a query handler in Python never answers', handlersInPython, '/never', failed(['did not answer within 1 s'])),
  answer('a query server takes the question and never answers', odd, '/never', failed(['did not answer within 1 s'])),
  answer('a query path is not known to the bot', handlersInNode, '/nowhere', failed(['/nowhere'])),
  answer(
    'a query server answers with something else than JSON',
    odd,
    '/not-json',
    failed(['failed to parse query response', 'hello there']),
  ),
  answer('a query server answers with 50 MB', odd, '/huge', failed(['too large', '16777216', 'answerBytes'])),
  answer(
    'a query server answers with more and more, without saying how much',
    odd,
    '/huge-unannounced',
    failed(['too large', '16777216', 'answerBytes']),
  ),
  answer('a query server breaks off within the body', odd, '/half', failed(['half an answer', '10 bytes before'])),
  answer('a query server breaks off within a chunk', odd, '/half-chunk', failed(['half an answer', 'chunked'])),
  answer('a query server breaks off within the header', odd, '/half-head', failed(['half an answer', 'header'])),
  answer('a query server hangs up', odd, '/nothing', failed(['EOF', 'without an answer'])),
  answer('a query server resets the connection', odd, '/reset', failed([/reset|EOF/i])),
  answer('a query server does not speak HTTP', odd, '/not-http', failed(['malformed HTTP response', 'SSH-2.0'])),
  answer('a query server ends lines with bare line feeds', odd, '/bare-line-feeds', succeeded),
  answer('a query server speaks HTTP/1.0 and gives no length', odd, '/http10', succeeded),

  badLuck({
    name: 'a query handler ends its process: the question fails, the next is answered, the bot runs on',
    arrange: async (scene) => {
      const id = await scene.addBot('exiting-query', NODE_HANDLERS);
      await scene.answers(id, '/fine');
      return id;
    },
    async expect(scene, id) {
      failed([/EOF|reset/i])(await scene.runtime.ask(id, '/exits', {}, 5));
      await scene.answers(id, '/fine');
      const bot = await scene.runtime.bot(id);
      assert.deepEqual([bot?.state, bot?.restarts], ['running', 0]);
      await logTells(scene.runtime, id, /the query server exited with code 7/);
    },
  }),

  badLuck({
    name: 'a query server has a syntax error: the bot runs, its log and the answer say why nobody answers',
    arrange: (scene) => scene.addBot('query-syntax', { files: { ...IDLE.files, 'query.js': 'const = 1;\n' } }),
    async expect(scene, id) {
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await logTells(scene.runtime, id, /the query server exited with code 1: SyntaxError/);
      await notListening(scene, id);
    },
  }),

  badLuck({
    name: 'the query entry point is not there: the bot runs, its log and the answer say why nobody answers',
    arrange: (scene) => scene.addBot('query-missing', { ...IDLE, entrypoints: { bot: 'main.js', query: 'lost.js' } }),
    async expect(scene, id) {
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await notListening(scene, id);
      await logTells(scene.runtime, id, /answers no queries: the entry point lost\.js is not among the files/);
    },
  }),
];

/** The question itself. */
export const QUESTIONS: readonly BadLuck[] = [
  question('a question is empty', () => '', 400, ['invalid request body: EOF']),
  question('a question is not JSON', () => 'bot_id=x', 400, ['invalid request body', /invalid character/]),
  question('a question breaks off', (id) => `{"bot_id":"${id}","query_pa`, 400, ['invalid request body', 'unexpected']),
  question('a question is a list', () => '[]', 400, ['not a JSON object']),
  question('a question names no bot', () => '{"query_path":"/x"}', 400, ['bot_id is required']),
  question('a question names no path', (id) => JSON.stringify({ bot_id: id }), 400, ['query_path is required']),
  question('the bot in a question is a number', () => '{"bot_id":7,"query_path":"/x"}', 400, [
    'bot_id must be a string',
  ]),
  question('the parameters of a question are a list', wrong({ params: [1] }), 400, ['params must be an object']),
  question('the time of a question is a text', wrong({ timeout_sec: '5' }), 400, ['timeout_sec must be an integer']),
  question('the time of a question is a fraction', wrong({ timeout_sec: 0.5 }), 400, [
    'timeout_sec must be an integer',
  ]),
  question('a question is 2 MiB long', wrong({ params: { x: 'y'.repeat(2 * 1024 * 1024) } }), 413, [
    'larger than 1048576 bytes',
    'requestBytes',
  ]),
  question('a question is for a bot nobody knows', () => '{"bot_id":"nobody","query_path":"/x"}', 404, [
    'bot not found: nobody',
  ]),
  badLuck({
    name: 'a question is for a bot that answers none',
    arrange: (scene) => scene.addBot('answers-none', IDLE),
    async expect({ runtime }, id) {
      await runtime.until(id, 'runs', ({ state }) => state === 'running');
      const { httpStatus, body } = await runtime.ask(id, '/x');
      assert.equal(httpStatus, 404);
      says(String(body.error), [`bot ${id} does not have a query entrypoint`]);
    },
  }),
  badLuck({
    name: 'a question is for a bot that is blocked',
    arrange: (scene) => scene.addFolder('asked-blocked', '{'),
    async expect({ runtime }, id) {
      await runtime.until(id, 'is blocked', ({ state }) => state === 'blocked');
      failed(['is not running: it is blocked', 'not JSON at line 1'])(await runtime.ask(id, '/x'));
    },
  }),
];

type Bot = (scene: Scene) => Promise<string>;

function answer(name: string, bot: Bot, path: string, check: (answer: Answer) => void): BadLuck {
  return badLuck({
    name,
    needs: bot === handlersInPython ? ['python3'] : [],
    arrange: bot,
    async expect({ runtime }, id) {
      check(await runtime.ask(id, path, {}, path === '/never' ? 1 : 15));
    },
  });
}

function odd(scene: Scene): Promise<string> {
  return scene.sharedBot('odd', ODD, '/fine');
}

function handlersInNode(scene: Scene): Promise<string> {
  return scene.sharedBot('handlers-node', NODE_HANDLERS, '/fine');
}

function handlersInPython(scene: Scene): Promise<string> {
  return scene.sharedBot('handlers-python', PYTHON_HANDLERS, '/fine');
}

/** Contract 8.1: 500, and the error in words. */
function failed(words: Words): (answer: Answer) => void {
  return ({ httpStatus, body }) => {
    assert.deepEqual([httpStatus, body.status], [500, 'error'], JSON.stringify(body));
    says(String(body.error), words);
  };
}

function succeeded({ httpStatus, body }: Answer): void {
  assert.deepEqual([httpStatus, body.status, body.data], [200, 'ok', { odd: true }], JSON.stringify(body));
}

async function notListening({ runtime }: Scene, id: string): Promise<void> {
  failed(['its query server does not listen', 'its log says'])(await runtime.ask(id, '/x', {}, 10));
}

function question(name: string, body: (witness: string) => string, httpStatus: number, words: Words): BadLuck {
  return badLuck({
    name,
    arrange: ({ runtime, witnesses }) => post(`${runtime.queryUrl}/query`, body(witnesses.first)),
    async expect(_scene, answered) {
      assert.equal(answered.httpStatus, httpStatus, JSON.stringify(answered.body));
      assert.equal(answered.body.status, 'error');
      says(String(answered.body.error), words);
    },
  });
}

function wrong(part: Readonly<Record<string, unknown>>): (witness: string) => string {
  return (witness) => JSON.stringify({ bot_id: witness, query_path: '/life', ...part });
}
