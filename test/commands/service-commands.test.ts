import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BOT_RUNNER, BOT_SCHEDULER, QUERY_SERVER, type Role } from '../../src/commands/roles.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { temporaryDirectory } from '../admin/admin-fixture.ts';
import { freePort } from '../services/free-port.ts';
import { runCli, startCli } from './run-cli.ts';

const STORE = { MINIO_ENDPOINT: '127.0.0.1:1', MINIO_ACCESS_KEY: 'the-access-key', MINIO_SECRET_KEY: 'the-secret-key' };

/** Nobody listens there. */
const nowhere = async () => `mongodb://root:hunter2@127.0.0.1:${await freePort()}`;

test('without flags and variables services have the defaults of the contract', () => {
  const of = (role: Role) => loadSettings({}, {}, role.defaults).settings;
  for (const role of [BOT_RUNNER, BOT_SCHEDULER]) {
    const { mongoUri, desired, health, engine, log } = of(role);
    assert.equal(mongoUri, 'mongodb://localhost:27017', role.name);
    assert.equal(desired.rereadMs, 30_000);
    assert.equal(health.port, 8080);
    assert.deepEqual([engine, log.format], ['docker', 'json']);
  }
  const { query, health, mongoUri } = of(QUERY_SERVER);
  assert.deepEqual([query.port, query.host, mongoUri], [9477, '0.0.0.0', 'mongodb://localhost:27017']);
  assert.equal(health.port, null, 'health is beside the queries');
  assert.equal(loadSettings({ MONGO_URI: 'mongodb://m' }, {}, BOT_RUNNER.defaults).settings.mongoUri, 'mongodb://m');
});

test('every flag of the contract is taken, and what is no value is named', async (t) => {
  const cwd = await temporaryDirectory(t);
  const outcomes = await Promise.all(
    [
      ['bot-runner', '--reconcile-interval', '15s', '--mongo-uri', 'mongodb://m', '--nats-url', 'n', 'word', '--pull', '?'],
      ['bot-scheduler', '--check-interval', '5s', '--mongo-uri', 'mongodb://m', '--nats-url', 'n', '--pull', '?'],
      ['query-server', '--port', '0', '--mongo-uri', 'mongodb://m', '--nats-url', 'n', '--pull', '?'],
    ].map((words) => runCli(words, { cwd })),
  );
  for (const { code, stderr } of outcomes) {
    assert.equal(code, 1);
    assert.match(stderr, /--pull: "\?" is not one of/);
    assert.doesNotMatch(stderr, /unknown option|interval|--port/);
  }
});

/** What a service that cannot begin says, with directories of its own. */
async function refused(t: TestContext, words: readonly string[], env: Record<string, string>) {
  const cwd = await temporaryDirectory(t);
  return await runCli([...words, '--health-port', String(await freePort())], { cwd, env });
}

test('a service that lacks what it needs ends with exit code 1, and says what that is, but no password', async (t) => {
  const MONGO_URI = await nowhere();
  const [noStore, noStoreToAsk, noNats, noMongo] = await Promise.all([
    refused(t, ['bot-runner'], { MONGO_URI }),
    refused(t, ['query-server', '--port', String(await freePort())], { MONGO_URI }),
    refused(t, ['bot-scheduler'], { MONGO_URI, ...STORE }),
    refused(t, ['bot-runner', '--mongo-wait', '200ms', '--store-probe-timeout', '200ms'], { MONGO_URI, ...STORE }),
  ]);
  for (const { code, stdout, stderr } of [noStore, noStoreToAsk, noNats, noMongo]) {
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stdout + stderr, /hunter2|the-secret-key/);
  }
  assert.match(noStore.stderr, /bot-runner needs the object store[\s\S]*MINIO_ENDPOINT/);
  assert.match(noStoreToAsk.stderr, /query-server needs the object store/);
  assert.match(noNats.stderr, /bot-scheduler needs NATS[\s\S]*NATS_URL/);
  assert.match(noMongo.stderr, /MongoDB cannot be reached/);
});

test('health answers before anything is waited for, and is not ready by then', async (t) => {
  const cwd = await temporaryDirectory(t);
  const port = await freePort();
  const words = ['bot-runner', '--mongo-wait', '50s', '--store-probe-timeout', '100ms', '--health-port', String(port)];
  const runner = startCli(words, { cwd, env: { MONGO_URI: await nowhere(), ...STORE } });
  t.after(() => runner.child.kill('SIGKILL'));
  const ask = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
  let health = await ask('/healthz');
  while (health === null && runner.child.exitCode === null) {
    await delay(50);
    health = await ask('/healthz');
  }
  assert.equal(await health?.text(), 'ok', runner.stderr());
  const ready = await ask('/readyz');
  assert.deepEqual([ready?.status, await ready?.text()], [503, 'not ready']);
});
