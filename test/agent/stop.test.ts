import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { identityOf } from '../../src/agent/process-identity.ts';
import { AgentProcess, agentLimitsOf, ended, until } from './agent-process.ts';

const sh = (script: string) => `#!/bin/sh\n${script}\n`;
/** Ends with code 0 when it gets SIGTERM, after a last word. */
const OBEDIENT = sh('trap "echo bye; exit 0" TERM; echo "bot $$"; while :; do sleep 0.05; done');
const STUBBORN = sh('trap "echo no" TERM; echo "bot $$"; while :; do sleep 0.05; done');

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} reaches the bot as SIGTERM, and its last output is kept`, async (t) => {
    const agent = await AgentProcess.start(t, { files: { bot: OBEDIENT } });
    await agent.logged('bot');
    agent.child.kill(signal);
    assert.deepEqual(await agent.ended, {
      code: 0,
      signal: null,
      lastWords: { the0: 1, code: 'stopped', facts: { exitCode: 0 } },
    });
    assert.match(agent.log(), /^bye$/m);
  });
}

test('the exit code of a bot that obeys is kept', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('trap "exit 12" TERM; echo "bot $$"; while :; do sleep 0.05; done') },
  });
  await agent.logged('bot');
  agent.child.kill('SIGTERM');
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 12);
  assert.deepEqual(lastWords, { the0: 1, code: 'stopped', facts: { exitCode: 12 } });
});

test('a bot that ignores SIGTERM is killed after the grace, with its children', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: `${STUBBORN.replace('echo "bot', 'sleep 600 & echo "child $!"; echo "bot')}` },
    env: { THE0_AGENT_LIMITS: agentLimitsOf({ stopGraceMs: 200 }) },
  });
  const bot = Number(await agent.logged('bot'));
  const child = Number(await agent.logged('child'));
  agent.child.kill('SIGTERM');
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 255);
  assert.deepEqual(lastWords, { the0: 1, code: 'killed-after-grace', facts: { graceMs: 200 } });
  await ended(bot);
  await ended(child);
});

test('children get the signal too', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: sh('trap "wait; exit 0" TERM; ./child & echo "bot $$"; wait; wait'),
      child: sh('trap "echo child told; exit 0" TERM; echo "child $$"; while :; do sleep 0.05; done'),
    },
  });
  await agent.logged('child');
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  assert.match(agent.log(), /^child told$/m);
});

test('a second signal neither hurries nor disturbs the stop', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: sh('trap "echo told; n=\\$((n+1))" TERM; echo "bot $$"; while [ ! -e enough ]; do sleep 0.02; done; exit 8'),
    },
  });
  await agent.logged('bot');
  agent.child.kill('SIGTERM');
  await agent.logged('told');
  agent.child.kill('SIGTERM');
  agent.child.kill('SIGINT');
  writeFileSync(join(agent.root, 'code', 'enough'), '');
  assert.equal((await agent.ended).code, 8);
  assert.equal(agent.log().match(/^told$/gm)?.length, 1);
});

test('the end of the lifeline ends the bot and the agent', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: OBEDIENT },
    env: { THE0_LIFELINE: '1' },
    stdin: 'pipe',
  });
  const bot = Number(await agent.logged('bot'));
  agent.child.stdin?.end();
  const { code } = await agent.ended;
  assert.equal(code, 0);
  assert.match(agent.log(), /^bye$/m);
  await ended(bot);
});

test('without a lifeline the end of stdin means nothing', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('echo "bot $$"; sleep 0.2; exit 2') },
    stdin: 'ignore',
  });
  assert.equal((await agent.ended).code, 2);
});

test('a lifeline that ends shortens a long grace', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: STUBBORN },
    env: { THE0_LIFELINE: '1', THE0_AGENT_LIMITS: agentLimitsOf({ stopGraceMs: 600_000 }) },
    stdin: 'pipe',
  });
  await agent.logged('bot');
  agent.child.kill('SIGTERM');
  await agent.logged('no');
  agent.child.stdin?.end();
  const { lastWords } = await agent.ended;
  assert.deepEqual(lastWords, { the0: 1, code: 'killed-after-grace', facts: { graceMs: 2000 } });
});

test('notes name the process groups while they run, and nobody afterwards', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'the0-notes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const notes = join(directory, 'notes.json');
  const agent = await AgentProcess.start(t, {
    files: { bot: OBEDIENT, query: sh('exec sleep 600') },
    env: { THE0_PROCESS_NOTES: notes, QUERY_ENTRYPOINT: 'query' },
  });
  const bot = Number(await agent.logged('bot'));
  const noted: unknown = await until('both groups in the notes', () => {
    const text = readFileSync(notes, 'utf8');
    return text.includes('"bot":{') && JSON.parse(text);
  });
  assert.match(JSON.stringify(noted), /"format":1/);
  assert.ok(JSON.stringify(noted).includes(`"bot":${JSON.stringify(identityOf(bot))}`));
  agent.child.kill('SIGTERM');
  await agent.ended;
  assert.deepEqual(JSON.parse(readFileSync(notes, 'utf8')), { format: 1, bot: null, query: null });
});
