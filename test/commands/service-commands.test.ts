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
  const of = (role: Role, env = {}) => loadSettings(env, {}, role.defaults).settings;
  for (const role of [BOT_RUNNER, BOT_SCHEDULER]) {
    const { services, health, engine, log } = of(role);
    assert.equal(services.mongoUri, 'mongodb://localhost:27017', role.name);
    assert.equal(services.desired.rereadMs, role === BOT_RUNNER ? 30_000 : 10_000);
    for (const none of ['0', '-1s']) {
      const { settings } = loadSettings({}, { 'reconcile-interval': none }, role.defaults);
      assert.equal(settings.services.desired.rereadMs, services.desired.rereadMs, none);
    }
    assert.equal(health.port, 8080);
    assert.deepEqual([engine, log.format], ['docker', 'json']);
  }
  const { query, health, services } = of(QUERY_SERVER);
  assert.deepEqual([query.port, query.host, services.mongoUri], [9477, '0.0.0.0', 'mongodb://localhost:27017']);
  assert.equal(health.port, null, 'health is beside the queries');
  assert.equal(of(BOT_RUNNER, { MONGO_URI: 'mongodb://m' }).services.mongoUri, 'mongodb://m');
});

/** What a service that cannot begin says, with directories of its own; words that nothing asks for are passed over. */
async function refused(t: TestContext, words: readonly string[], env: Record<string, string>) {
  const cwd = await temporaryDirectory(t);
  const flags = ['--health-port', String(await freePort()), '--nats-url', '', 'word'];
  return await runCli([...words, '--mongo-uri', await nowhere(), ...flags], { cwd, env });
}

test('a service takes the flags of the contract; it ends with exit code 1 when it lacks something, and shows no password', async (t) => {
  const quick = ['--mongo-wait', '200ms', '--store-probe-timeout', '200ms'];
  const [noStore, noStoreToAsk, noNats, noMongo, noInterval] = await Promise.all([
    refused(t, ['bot-runner', '--log-format', 'text'], {}),
    refused(t, ['query-server', '--port', '0'], {}),
    refused(t, ['bot-scheduler', '--check-interval', '5s'], STORE),
    refused(t, ['bot-runner', '--reconcile-interval', '15s', ...quick], { ...STORE, LOG_LEVEL: 'chatty' }),
    refused(t, ['bot-scheduler', '--check-interval', 'soon'], STORE),
  ]);
  for (const { code, stdout, stderr } of [noStore, noStoreToAsk, noNats, noMongo, noInterval]) {
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stdout + stderr, /hunter2|the-secret-key/);
  }
  assert.match(noStore.stderr, /bot-runner needs the object store[\s\S]*MINIO_ENDPOINT/);
  assert.match(noStoreToAsk.stderr, /query-server needs the object store/);
  assert.match(noNats.stderr, /bot-scheduler needs NATS[\s\S]*NATS_URL/);
  assert.match(noMongo.stderr, /MongoDB cannot be reached/);
  // Whoever gathers the log sees it too, and what is wrong with the settings; a log of text is for those who see both.
  const logged = noMongo.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  const told = logged.filter(({ level }) => level !== 'INFO').map(({ level, msg }) => `${level} ${msg}`);
  assert.match(
    told.join('\n'),
    /^WARN environment variable LOG_LEVEL: "chatty" .*\n(.*\n)*ERROR MongoDB cannot be reached.*MONGO_URI/,
  );
  assert.doesNotMatch(noStore.stdout, /needs the object store/);
  assert.match(noInterval.stderr, /--reconcile-interval: "soon" is not a duration/);
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
