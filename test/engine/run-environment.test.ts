import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import { type AgentSettings, botEnvironment } from '../../src/engine/bot-environment.ts';
import { asQueryProgram } from '../../src/engine/query-run.ts';

const scheduled: BotDefinition = {
  id: 'tracker',
  kind: 'scheduled',
  enabled: true,
  config: { schedule: '*/5 * * * *' },
  version: '1.5.3',
  filePath: 'user1/tracker/1.5.3',
  name: 'tracker',
  runtime: 'python3.11',
  entrypoint: 'main.py',
  queryEntrypoint: 'query.py',
  schedule: '*/5 * * * *',
  specRevision: 'abc',
  problem: null,
};
const settings: AgentSettings = { incarnation: 42, limits: DEFAULT_AGENT_LIMITS, timeZone: 'UTC' };

test('a run of a scheduled bot says that it is one', () => {
  const environment = botEnvironment(scheduled, settings);
  assert.equal(environment['IS_SCHEDULED'], 'true');
  assert.equal(environment['BOT_TYPE'], 'scheduled');
  assert.equal(environment['ENTRYPOINT'], 'main.py');
  assert.equal(environment['ENTRYPOINT_TYPE'], 'bot');
  assert.equal(environment['QUERY_ENTRYPOINT'], 'query.py');
  // What is there and empty would make the SDKs take the run for a question.
  assert.equal('QUERY_PATH' in environment, false);
});

test('a question has path, parameters and the place of its result, and names the query program', () => {
  const question = { path: '/history', params: '{}', resultKey: 'tracker/1-2/result.json' };
  for (const kind of ['realtime', 'scheduled'] as const) {
    const environment = botEnvironment(asQueryProgram({ ...scheduled, kind }), { ...settings, question });
    assert.equal(environment['QUERY_PATH'], '/history');
    assert.equal(environment['QUERY_PARAMS'], '{}');
    assert.equal(environment['QUERY_RESULT_KEY'], 'tracker/1-2/result.json');
    assert.equal(environment['ENTRYPOINT'], 'query.py');
    assert.equal(environment['ENTRYPOINT_TYPE'], 'query');
    assert.equal(environment['IS_SCHEDULED'], 'true');
    assert.equal(environment['BOT_TYPE'], 'scheduled');
  }
});

test('a bot without config has an empty one', () => {
  const environment = botEnvironment({ ...scheduled, config: {} }, settings);
  assert.equal(environment['BOT_CONFIG'], '{}');
  assert.equal(environment['CONFIG'], '{}');
});
