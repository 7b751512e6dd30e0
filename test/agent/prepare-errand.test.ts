import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bodyOf } from '../../src/storage/object-store.ts';
import { retryRead } from '../../src/storage/retry.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { needsMinio } from '../services/minio.ts';
import { bucketVariables, ownBuckets, sharedMinio } from '../services/shared-minio.ts';
import { handMade } from '../storage/code-archive/archives.ts';
import { AgentProcess, agentLimitsOf, until } from './agent-process.ts';

const KEY = 'local/grid/1.0.0';
const RETRY = { attempts: 20, firstPauseMs: 100, longestPauseMs: 500, random: Math.random };
const BOT = '#!/bin/sh\nenv | grep -c "MINIO\\|SECRET"; exit 3\n';

async function scene(t: TestContext, archive: Buffer | null) {
  const server = await sharedMinio();
  const buckets = ownBuckets();
  const store = openS3Store(server.access);
  t.after(() => store.close());
  // A server that just came up may still say that it is not ready.
  await retryRead(() => store.createBucket(buckets.code), RETRY);
  const place = { bucket: buckets.code, key: KEY };
  if (archive !== null) await store.write(place, bodyOf(archive), { condition: null, contentType: 'application/zip' });
  const { endpoint, accessKey, secretKey } = server.access;
  return (secrets: Record<string, string> = {}, env: Record<string, string> = {}) => {
    const keys = { MINIO_ACCESS_KEY: accessKey, MINIO_SECRET_KEY: secretKey };
    const all = { MINIO_ENDPOINT: endpoint, ...keys, ...bucketVariables(buckets), ...secrets };
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
    return AgentProcess.start(t, { files: {}, secrets: lines.join(''), env: { CODE_FILE: KEY, ...env } });
  };
}

test('the agent fetches code and runs it, and the bot sees no credential', needsMinio(), async (t) => {
  const start = await scene(t, handMade([{ name: 'bot', content: BOT, mode: 0o100755 }]));
  const agent = await start();
  const { lastWords } = await agent.ended;
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 3 } });
  assert.equal(agent.log(), '0\n');
  assert.deepEqual(readdirSync(join(agent.root, 'code')).sort(), ['.the0-code', 'bot']);
});

for (const [what, archive, secrets, code, sentence] of [
  ['no object', null, {}, 'code-missing', /there is no local\/grid\/1\.0\.0 in the bucket code-/],
  ['a bad archive', Buffer.from('no zip at all'), {}, 'code-archive-bad', /the archive is no ZIP, or is cut short/],
  ['a wrong key', null, { MINIO_SECRET_KEY: 'not-the-secret-key' }, 'store-denied', /does not let this bot read/],
  ['no secret key', null, { MINIO_SECRET_KEY: '' }, 'environment-incomplete', /MINIO_SECRET_KEY is missing/],
  [
    'an address that is none',
    null,
    { MINIO_ENDPOINT: 'http://x' },
    'environment-incomplete',
    /host:port without a scheme/,
  ],
  ['nobody there', null, { MINIO_ENDPOINT: '127.0.0.1:1' }, 'store-unreachable', /after 2 tries: /],
] as const) {
  test(`${what} ends the agent with its own reason, in the log too`, needsMinio(), async (t) => {
    const start = await scene(t, archive);
    const limits = JSON.stringify({ v: 1, storeAttempts: 2, storeRetryMs: 1 });
    const agent = await start(secrets, { THE0_AGENT_LIMITS: limits });
    const end = await agent.ended;
    assert.equal(end.code, 1);
    assert.match(JSON.stringify(end.lastWords), new RegExp(`"code":"${code}"`));
    assert.match(agent.log(), sentence);
    assert.doesNotMatch(agent.log() + agent.stderr, /not-the-secret-key|the0-test/);
  });
}

test('a stop while code is fetched ends the agent at once', async (t) => {
  // Takes connections and never says anything.
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  let asked = false;
  silent.once('connection', () => {
    asked = true;
  });
  const agent = await AgentProcess.start(t, {
    files: {},
    secrets: `MINIO_ENDPOINT=127.0.0.1:${address.port}\nMINIO_ACCESS_KEY=some-key\nMINIO_SECRET_KEY=some-secret\n`,
    env: { CODE_FILE: KEY },
  });
  await until('the question', () => asked);
  agent.child.kill('SIGTERM');
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 0);
  assert.deepEqual(lastWords, { the0: 1, code: 'stopped', facts: { beforeStart: true } });
});

test('without a store, code that is there already is run as before', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: '#!/bin/sh\nexit 4\n' }, env: { CODE_FILE: KEY } });
  assert.equal((await agent.ended).code, 4);
  assert.equal(existsSync(join(agent.root, 'code/.the0-code')), false);
});

/** An agent that the launcher started, and something that stands for the errand it has sent. Its store is not there. */
async function launched(t: TestContext): Promise<{ agent: AgentProcess; errand: ChildProcess }> {
  const errand = spawn('sleep', ['600']);
  t.after(() => errand.kill('SIGKILL'));
  const { pid } = errand;
  assert.ok(pid !== undefined);
  const agent = await AgentProcess.start(t, {
    files: { bot: '#!/bin/sh\nexit 4\n' },
    secrets: 'MINIO_ENDPOINT=127.0.0.1:1\nMINIO_ACCESS_KEY=some-key\nMINIO_SECRET_KEY=some-secret\n',
    errandPid: pid,
    env: {
      CODE_FILE: KEY,
      THE0_AGENT_LIMITS: agentLimitsOf({ lastStateMs: 10, lastLogsMs: 10, failedStartLogsMs: 10 }),
    },
  });
  return { agent, errand };
}

test('the last line of an errand that the launcher has sent starts the bot, whether or not it has ended', async (t) => {
  const { agent, errand } = await launched(t);
  agent.errandAnswer?.write('{"kind":"first-run"}\n{"done":');
  agent.errandAnswer?.write('true}\n');
  assert.equal((await agent.ended).code, 4);
  assert.equal(errand.exitCode ?? errand.signalCode, null);
});

test('an errand of the launcher that breaks off ends the agent with the reason', async (t) => {
  const { agent } = await launched(t);
  agent.errandAnswer?.end('{"kind":"first-run"}\n');
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.match(JSON.stringify(lastWords), /"code":"code-unavailable".*ended unexpectedly \(it broke off\)/);
});

test('an errand of the launcher that fails is the reason why the agent ends', async (t) => {
  const { agent } = await launched(t);
  const error = { code: 'code-missing', message: 'the code is not there', facts: { path: 'some/place' } };
  agent.errandAnswer?.write(`${JSON.stringify({ error })}\n`);
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.match(JSON.stringify(lastWords), /"code":"code-missing","facts":\{"path":"some\/place"/);
});

test('a stop ends the errand that the launcher has sent', async (t) => {
  const { agent, errand } = await launched(t);
  const killed = once(errand, 'exit');
  // Its first file shows that it listens for signals.
  await until(
    'the log',
    () => existsSync(join(agent.root, 'logs')) && readdirSync(join(agent.root, 'logs')).length > 0,
  );
  agent.child.kill('SIGTERM');
  assert.deepEqual(await killed, [null, 'SIGKILL']);
  agent.errandAnswer?.end();
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 0);
  assert.match(JSON.stringify(lastWords), /"code":"stopped","facts":\{"beforeStart":true/);
});
