import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentProcess } from './agent-process.ts';

const sh = (script: string) => `#!/bin/sh\n${script}\n`;

// Contract 6.1. A question whose result has no place to go is refused; a query server does not care.
test('a query server alone goes before a question, and a question before the bot', async (t) => {
  const options = {
    files: { bot: sh('echo "the bot"; exit 3'), query: sh('echo "the query program"; exit 6') },
    env: { QUERY_ENTRYPOINT: 'query', QUERY_PATH: '/status', QUERY_RESULT_KEY: 'bot-1/x/result.json' },
  };
  const served = await AgentProcess.start(t, { ...options, args: ['execute', '--query-server-only'] });
  assert.equal((await served.ended).code, 6);
  assert.equal(served.stdout, 'the query program\n');
  const asked = await AgentProcess.start(t, options);
  assert.equal((await asked.ended).code, 1);
  assert.match(asked.stderr, /QUERY_RESULT_KEY/);
  assert.equal(asked.stdout, '');
  const { QUERY_ENTRYPOINT } = options.env;
  const bot = await AgentProcess.start(t, { ...options, env: { QUERY_ENTRYPOINT, BOT_TYPE: 'scheduled' } });
  assert.equal((await bot.ended).code, 3);
  assert.equal(bot.stdout, 'the bot\n');
});
