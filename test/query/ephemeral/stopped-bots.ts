/** Bots that do not run and can be asked, and what must hold of their answers whatever engine runs their programs. */
import assert from 'node:assert/strict';
import { uniqueId } from '../../e2e/bad-luck/unique-id.ts';
import type { BotFiles } from '../../e2e/bot-folders.ts';
import { type Answer, post } from '../../e2e/runtime-under-test.ts';

const NODE_QUERY = `
const { query, state } = require('@alexanderwanyoike/the0-node');
const fs = require('node:fs');
const run = Math.random();
query.handler('/run', () => run);
query.handler('/params', (req) => ({ depth: req.get('depth'), market: req.get('market') }));
query.handler('/config', () => query.getConfig().symbol);
query.handler('/write', () => state.set('x', 1));
query.handler('/fail', () => { throw new Error('no such market'); });
query.handler('/exit', () => { console.error('out of luck'); process.exit(7); });
query.handler('/never', () => new Promise(() => setInterval(() => {}, 1000)));
query.handler('/later', () => new Promise((done) => setTimeout(done, 3000, 'at last')));
query.handler('/pid', () => ({ type: process.env.BOT_TYPE }));
query.run();
`;
const PYTHON_QUERY = `
from the0 import query, state

@query.handler("/params")
def params(req):
    return {"depth": req.get("depth"), "market": req.get("market")}

@query.handler("/write")
def write(req):
    state.set("x", 1)

@query.handler("/fail")
def fail(req):
    raise ValueError("no such market")

query.run()
`;
const NODE_MAIN = `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n`;

export interface StoppedBots {
  readonly node: BotFiles;
  readonly python: BotFiles;
  /** Answers no queries. */
  readonly mute: BotFiles;
}

export function stoppedBots(): StoppedBots {
  const off = { enabled: false, config: { symbol: 'BTC-SECRET-PAIR' } };
  return {
    node: { id: uniqueId('stopped-node'), files: { 'main.js': NODE_MAIN, 'query.js': NODE_QUERY }, ...off },
    python: {
      id: uniqueId('stopped-python'),
      runtime: 'python3.11',
      files: { 'main.py': 'def main(id, config): pass\n', 'query.py': PYTHON_QUERY },
      ...off,
    },
    mute: { id: uniqueId('mute'), files: { 'main.js': NODE_MAIN }, entrypoints: { bot: 'main.js' }, ...off },
  };
}

/** Over HTTP, as the API asks. */
export type Ask = (botId: string, path: string, params?: Record<string, unknown>, seconds?: number) => Promise<Answer>;

export function askOver(url: string): Ask {
  return (botId, path, params = {}, seconds = 60) =>
    post(`${url}/query`, { bot_id: botId, query_path: path, params, timeout_sec: seconds });
}

/** Answers, errors and refusals (contract 8.1, 8.2, 8.6, 8.7). */
export async function expectAnswers(ask: Ask, { node, python, mute }: StoppedBots): Promise<void> {
  const params = { depth: 3, market: 'ü"<' };
  const failed = (answer: Answer) => [answer.httpStatus, answer.body.status, answer.body.error];
  await Promise.all(
    [node, python].map(async ({ id }) => {
      const { httpStatus, body } = await ask(id, '/params', params);
      assert.deepEqual([httpStatus, body.status, body.data], [200, 'ok', params], JSON.stringify(body));
      assert.deepEqual(failed(await ask(id, '/fail')), [500, 'error', 'no such market']);
      assert.deepEqual(failed(await ask(id, 'nowhere')), [500, 'error', 'No handler for path: /nowhere']);
      const refused = await ask(id, '/write');
      assert.equal(refused.httpStatus, 500);
      assert.match(String(refused.body.error), /query/i);
    }),
  );
  assert.equal((await ask(node.id, '/config')).body.data, 'BTC-SECRET-PAIR');
  const [status, , error] = failed(await ask(node.id, '/exit'));
  assert.equal(status, 500);
  // Where the result travels, that there is none ends with 1 (contract 6.7).
  assert.match(String(error), /^query container exited with code [17]: [\s\S]*out of luck/);
  assert.deepEqual(failed(await ask(mute.id, '/x')), [404, 'error', `bot ${mute.id} does not have a query entrypoint`]);
}

/** 12.4 #64 and #71: close queries never fail, and those that ask the same cost one start. */
export async function expectCloseQueries(ask: Ask, { node }: StoppedBots): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, nth) => ask(node.id, '/run', { question: nth % 5 }, 120)),
  );
  assert.deepEqual([...new Set(answers.map(({ httpStatus }) => httpStatus))], [200]);
  // An answer that came early ends the sharing: who asks after it has a run of its own.
  const runs = new Set(answers.map(({ body }) => body.data)).size;
  assert.ok(runs < 50, `200 questions, five of them different, took ${runs} starts`);
}
