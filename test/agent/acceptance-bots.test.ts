/**
 * Bots of the kinds that contract 13.2 lists, as small as they can be: what they are to show does not depend on what they
 * calculate. The two larger ones it names, with state, metrics and queries of a realtime bot, are those of images/bots.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AgentProcess, until } from './agent-process.ts';
import { TRACKER } from './tracker-bot.ts';

const SDK = {
  THE0_SDK_PATH: fileURLToPath(new URL('../../images/sdk', import.meta.url)),
  PYTHONDONTWRITEBYTECODE: '1',
};
const PYTHON = { ...SDK, RUNTIME: 'python3.11', ENTRYPOINT: 'main.py' };
const NODE = { ...SDK, RUNTIME: 'nodejs20', ENTRYPOINT: 'main.js' };

test('a Python bot that prints for ever runs until it is stopped, and each line is out at once', async (t) => {
  const bot = `
import time
def main(bot_id, config):
    n = 0
    while True:
        print("tick", n)
        n += 1
        time.sleep(0.2)
`;
  const agent = await AgentProcess.start(t, { files: { 'main.py': bot }, env: PYTHON });
  await until('two lines', () => agent.log().includes('tick 1\n'));
  assert.equal(agent.child.exitCode, null);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
});

test('a Python bot of several lines ends by itself with success', async (t) => {
  const bot = `
import time
def main(bot_id, config):
    print("id", bot_id)
    print("config", config["symbol"])
    time.sleep(0.3)
    print("working")
    print("done")
`;
  const env = { ...PYTHON, BOT_CONFIG: '{"symbol":"BTC/USD"}' };
  const agent = await AgentProcess.start(t, { files: { 'main.py': bot }, env });
  assert.equal((await agent.ended).code, 0);
  assert.equal(agent.log(), 'id bot-1\nconfig BTC/USD\nworking\ndone\n');
});

test('a Node bot of two lines ends by itself with success and its result', async (t) => {
  const bot = `
async function main(botId, config) {
  console.log('Bot ID:', botId);
  console.log('Bot Config:', JSON.stringify(config));
}
module.exports = main;
`;
  const env = { ...NODE, BOT_CONFIG: '{"n":1}' };
  const agent = await AgentProcess.start(t, { files: { 'main.js': bot }, env });
  assert.equal((await agent.ended).code, 0);
  assert.equal(agent.log(), 'Bot ID: bot-1\nBot Config: {"n":1}\n');
  const result = JSON.parse(readFileSync(join(agent.root, 'code', 'result.json'), 'utf8'));
  assert.equal(result.status, 'success');
});

test('a scheduled Python bot remembers one more run each time, and a question reads it', async (t) => {
  const kept = mkdtempSync(join(tmpdir(), 'the0-tracker-'));
  t.after(() => rmSync(kept, { recursive: true }));
  mkdirSync(join(kept, 'state'));
  const config = { BOT_CONFIG: '{"symbols":["BTC","ETH"]}' };
  const result = join(kept, 'result.json');
  const place = { STATE_PATH: join(kept, 'state'), QUERY_ENTRYPOINT: 'query.py' };
  const env = { ...PYTHON, ...config, ...place, BOT_TYPE: 'scheduled', IS_SCHEDULED: 'true' };
  for (const runs of [1, 2, 3]) {
    const agent = await AgentProcess.start(t, { files: TRACKER, env });
    assert.equal((await agent.ended).code, 0, agent.stderr);
    const { data } = JSON.parse(readFileSync(join(agent.root, 'code', 'result.json'), 'utf8'));
    assert.deepEqual(data, { history_count: runs });
    const metrics = [...agent.log().matchAll(/^\{.*"_metric": ?"(\w+)".*\}$/gm)].map(([, name]) => name);
    assert.deepEqual(metrics, ['portfolio_value', 'position', 'position']);
    assert.match(agent.stderr, /^INFO:main:value updated$/m);
  }
  const asked = { ...env, QUERY_PATH: '/history', QUERY_PARAMS: '{"limit":2}', THE0_QUERY_RESULT: result };
  const question = await AgentProcess.start(t, { files: TRACKER, env: asked });
  assert.equal((await question.ended).code, 0, question.stderr);
  assert.deepEqual(JSON.parse(readFileSync(result, 'utf8')), {
    status: 'ok',
    data: [{ value: 1001 }, { value: 1002 }],
  });
  const unknown = await AgentProcess.start(t, { files: TRACKER, env: { ...asked, QUERY_PATH: '/nowhere' } });
  assert.equal((await unknown.ended).code, 1);
  assert.match(readFileSync(result, 'utf8'), /No handler for path: \/nowhere/);
});

test('a bot without an SDK has its metrics in the log as it printed them', async (t) => {
  const line = '{"_metric":"price","symbol":"BTC","value":1.50,"timestamp":"2026-01-01T00:00:00Z"}';
  const bot = `exports.main = () => console.log(${JSON.stringify(line)});\n`;
  const agent = await AgentProcess.start(t, { files: { 'main.js': bot }, env: NODE });
  assert.equal((await agent.ended).code, 0);
  assert.equal(agent.log(), `${line}\n`);
});
