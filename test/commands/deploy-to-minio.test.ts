import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdminClient } from '../../src/admin/admin-client.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { freePort } from '../services/free-port.ts';
import { needsMinio, startMinio } from '../services/minio.ts';
import { runCli, startCli } from './run-cli.ts';

const DEADLINE_MS = 60_000;

/** Says what it sees: the version in its code, and whether anything of the store is in its environment. */
const BOT = (version: string) => `
const seen = Object.keys(process.env).filter((name) => /MINIO|SECRET/.test(name));
require('node:fs').mkdirSync(process.env.STATE_DIR, { recursive: true });
require('node:fs').writeFileSync(process.env.STATE_DIR + '/version.json', '"${version}"');
console.log('running ${version}; of the store it sees ' + JSON.stringify(seen));
setInterval(() => {}, 1000);
module.exports = () => {};
`;

function botJson(version: string, query = {}): string {
  const config = { name: 'grid', type: 'realtime', runtime: 'nodejs20', entrypoints: { bot: 'main.js', ...query } };
  return JSON.stringify({ id: 'my-bot', config: {}, custom: { version, config } });
}

async function until(what: string, look: () => Promise<boolean> | boolean, otherwise: () => string): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!(await look())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}\n${otherwise()}`);
    await delay(50);
  }
}

async function scene(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'the0-deploy-minio-'));
  const server = await startMinio();
  const { endpoint, accessKey, secretKey } = server.access;
  const env = { MINIO_ENDPOINT: endpoint, MINIO_ACCESS_KEY: accessKey, MINIO_SECRET_KEY: secretKey };
  const [source, bots, data] = [join(root, 'source'), join(root, 'bots'), join(root, 'data')];
  for (const folder of [source, bots]) mkdirSync(folder);
  const put = (version: string) => {
    writeFileSync(join(source, 'bot.json'), botJson(version));
    writeFileSync(join(source, 'main.js'), BOT(version));
  };
  const runtimes: ReturnType<typeof startCli>[] = [];
  const port = String(await freePort());
  const up = (extra: Record<string, string> = env) => {
    const words = ['up', '--bots', bots, '--data-dir', data, '--query-port', port, '--restart-base', '100ms'];
    const cli = startCli(words, { env: extra });
    runtimes.push(cli);
    return cli;
  };
  t.after(async () => {
    for (const { child, result } of runtimes) {
      child.kill('SIGINT');
      await result;
    }
    await server.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  const log = () => {
    try {
      return readFileSync(join(data, 'logs/my-bot/bot.log'), 'utf8');
    } catch {
      return ''; // not yet
    }
  };
  // Not by a command: a process for each look would keep the others waiting.
  const admin = createAdminClient(join(data, 'admin.sock'), { answerMs: 60_000, queryMarginMs: 60_000 });
  const why = async () => JSON.stringify(await admin.why('my-bot').catch(() => null));
  const deploy = () => runCli(['deploy', source, '--bots', bots, '--json'], { env });
  const store = openS3Store(server.access);
  t.after(() => store.close());
  const keysIn = async (bucket: string) => {
    const keys: string[] = [];
    for await (const { key } of store.list(bucket, '')) keys.push(key);
    return keys.join();
  };
  return { env, put, up, log, why, deploy, keysIn };
}

// Mostly they wait.
describe('deploy, with a real store', { concurrency: 3, ...needsMinio() }, () => {
  test('a bot that is deployed runs from the store, and so does its next version', async (t) => {
    const { env, put, up, log, deploy, keysIn } = await scene(t);
    // Buckets of other names, to see that agents are told them.
    const runtime = up({ ...env, MINIO_STATE_BUCKET: 'my-states', MINIO_LOGS_BUCKET: 'my-logs' });
    put('1.0.0');
    const { code, stdout, stderr } = await deploy();
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(JSON.parse(stdout).filePath, 'local/grid/1.0.0');
    await until('the first version', () => log().includes('running 1.0.0'), runtime.stdout);
    assert.match(log(), /running 1\.0\.0; of the store it sees \[\]/);
    put('1.1.0');
    assert.equal((await deploy()).code, 0);
    await until('the second version', () => log().includes('running 1.1.0'), runtime.stdout);
    await until('its state', async () => (await keysIn('my-states')) === 'my-bot/state.tar.gz', log);
    await until('its log', async () => /^logs\/my-bot\/\d{8}\.log$/.test(await keysIn('my-logs')), log);
    assert.equal((await keysIn('bot-state')) + (await keysIn('bot-logs')), '');
  });

  test('without a store, a bot whose code is in one is blocked and says so', async (t) => {
    const { put, up, why, deploy } = await scene(t);
    put('1.0.0');
    await deploy();
    const runtime = up({});
    await until('the block', async () => (await why()).includes('"blocked"'), runtime.stdout);
    assert.match(await why(), /names an archive in an object store, and none is configured/);
  });

  test('an object that is missing, and keys that are wrong, are told apart', async (t) => {
    const { env, put, up, why, log, deploy } = await scene(t);
    put('1.0.0');
    await deploy();
    const denied = up({ ...env, MINIO_SECRET_KEY: 'not-the-secret' });
    await until('the refusal', async () => (await why()).includes('"store-denied"'), denied.stdout);
    const told = /"level":"error","message":"the object store does not let this bot read custom-bots\/local\/grid/;
    await until('the log to tell', () => told.test(log()), log);
    denied.child.kill('SIGINT');
    await denied.result;
    const missing = up({ ...env, MINIO_CODE_BUCKET: 'another-bucket' });
    await until('the reason', async () => (await why()).includes('"code-missing"'), missing.stdout);
  });
});
