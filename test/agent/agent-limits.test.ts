import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AGENT_LIMITS,
  agentLimits,
  DEFAULT_AGENT_LIMITS,
  decodeAgentLimits,
  encodeAgentLimits,
} from '../../src/agent/agent-limits.ts';
import { AgentProcess } from './agent-process.ts';

test('what is the default is not sent at all', () => {
  assert.equal(encodeAgentLimits(DEFAULT_AGENT_LIMITS), undefined);
  assert.deepEqual(decodeAgentLimits(undefined), { limits: DEFAULT_AGENT_LIMITS, warnings: [] });
});

test('every limit arrives as it was sent', () => {
  const limits = agentLimits((name) => AGENT_LIMITS[name].default + 1);
  assert.deepEqual(decodeAgentLimits(encodeAgentLimits(limits)), { limits, warnings: [] });
});

test('a limit that cannot be read has its default and a sentence, and the others stand', () => {
  for (const wrong of ['"5"', '-1', '1.5', 'null', '1e300']) {
    const { limits, warnings } = decodeAgentLimits(`{"v":1,"drainMs":${wrong},"flushMs":9}`);
    assert.deepEqual(limits, { ...DEFAULT_AGENT_LIMITS, flushMs: 9 });
    assert.deepEqual(warnings, ['THE0_AGENT_LIMITS: drainMs is not a whole number; 100 holds']);
  }
});

test('a limit of a newer runtime is named, and the others stand', () => {
  const { limits, warnings } = decodeAgentLimits('{"v":1,"toString":3,"flushMs":9}');
  assert.deepEqual(limits, { ...DEFAULT_AGENT_LIMITS, flushMs: 9 });
  assert.deepEqual(warnings, ['THE0_AGENT_LIMITS names a limit that this agent does not know: "toString"']);
});

test('what cannot be read as a whole, or is of another format, leaves all defaults and a sentence', () => {
  for (const text of ['nonsense', '[1]', 'null', '{"drainMs":5}', '{"v":2,"drainMs":5}']) {
    const { limits, warnings } = decodeAgentLimits(text);
    assert.deepEqual(limits, DEFAULT_AGENT_LIMITS);
    assert.match(warnings.join(), /^THE0_AGENT_LIMITS cannot be read \(.*\): all defaults hold$/);
  }
});

test('a bot runs with limits that cannot be read, and its log says so', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: '#!/bin/sh\necho ran; exit 3\n' },
    env: { THE0_AGENT_LIMITS: '{"v":1,"drainMs":"long"}' },
  });
  assert.equal((await agent.ended).code, 3);
  assert.match(agent.log(), /"level":"warn".*drainMs is not a whole number; 100 holds/);
  assert.match(agent.log(), /^ran$/m);
});
