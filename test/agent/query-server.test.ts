import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentProcess, ended, isRunning, until } from './agent-process.ts';

const sh = (script: string) => `#!/bin/sh\n${script}\n`;
const BOT = sh('trap "exit 0" TERM; echo "bot $$"; while :; do sleep 0.05; done');
const QUERY = { QUERY_ENTRYPOINT: 'query' };

test('the query server runs beside the bot and ends with it', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: BOT, query: sh('echo "query $$"; exec sleep 600') },
    env: QUERY,
  });
  const bot = Number(await agent.logged('bot'));
  const query = Number(await agent.logged('query', 'query.log'));
  process.kill(bot, 'SIGKILL');
  assert.equal((await agent.ended).code, 255);
  await ended(query);
});

test('a query server that ignores SIGTERM is killed', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: BOT, query: sh('trap "" TERM; echo "query $$"; while :; do sleep 0.05; done') },
    env: QUERY,
  });
  await agent.logged('bot');
  const query = Number(await agent.logged('query', 'query.log'));
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  await ended(query);
});

test('a query server that crashes is started again, and the bot is told nothing', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: BOT,
      query: sh('echo "query $$"; echo "no port" >&2; [ -e again ] && exec sleep 600; touch again; exit 3'),
    },
    env: QUERY,
  });
  const bot = await agent.logged('bot');
  const pids = await until('a second query server', () => {
    const found = [...agent.log('query.log').matchAll(/^query (\d+)$/gm)].map(([, pid]) => Number(pid));
    return found.length === 2 && found;
  });
  assert.notEqual(pids[0], pids[1]);
  assert.equal(isRunning(Number(bot)), true);
  const told = /"message":"the query server exited with code 3: no port; starting it again in 50 ms"/;
  await until('the log to tell', () => told.test(agent.log()));
});

test('a query server whose file is missing does not keep the bot from running', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('exit 4') }, env: QUERY });
  assert.equal((await agent.ended).code, 4);
  assert.match(agent.log(), /the bot answers no queries: the entry point query is not among the files/);
});

test('what the query server writes is in its own log and in the output, not in the log of the bot', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: BOT, query: sh('echo "query $$"; exec sleep 600') },
    env: QUERY,
  });
  await agent.logged('bot');
  await agent.logged('query', 'query.log');
  agent.child.kill('SIGTERM');
  await agent.ended;
  assert.doesNotMatch(agent.log(), /query/);
  assert.match(agent.stdout, /^query \d+$/m);
});

for (const [why, env, args] of [
  ['a scheduled bot', { ...QUERY, BOT_TYPE: 'scheduled' }, ['execute']],
  ['--skip-query-server', QUERY, ['execute', '--skip-query-server']],
] as const) {
  test(`${why} has no query server`, async (t) => {
    const agent = await AgentProcess.start(t, {
      files: { bot: sh('sleep 0.2'), query: sh('touch started') },
      env,
      args,
    });
    await agent.ended;
    assert.equal(agent.log('query.log'), '');
  });
}
