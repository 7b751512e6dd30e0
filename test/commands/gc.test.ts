import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Long, MongoClient } from 'mongodb';
import { StoreFixture } from '../gc/store-fixture.ts';
import { freePort } from '../services/free-port.ts';
import { type MinioServer, needsMinio, startMinio } from '../services/minio.ts';
import { type MongoServer, needsMongo, startMongo } from '../services/mongodb.ts';
import { runCli, startCli } from './run-cli.ts';

const skip = needsMinio().skip || needsMongo().skip;

describe('gc with a real store and a real MongoDB', { skip }, () => {
  let minio: MinioServer;
  let mongo: MongoServer;
  let client: MongoClient;
  before(async () => {
    [minio, mongo] = await Promise.all([startMinio(), startMongo()]);
    client = await new MongoClient(mongo.uri).connect();
    await client.db('bot_runner').collection('bots').insertOne({ id: 'lives', enabled: false });
    const schedules = client
      .db('bot_scheduler')
      .collection<{ _id: string; id?: number; next_execution_time?: Long }>('bot_schedules');
    await schedules.insertOne({ _id: 'by-its-key', next_execution_time: Long.fromNumber(1) });
    // What is no good as a bot is known all the same.
    await schedules.insertOne({ _id: 'x', id: 4711 });
  });
  after(async () => {
    await client.close();
    await Promise.all([minio.stop(), mongo.remove()]);
  });

  async function scene(t: TestContext) {
    const store = await StoreFixture.make(minio);
    t.after(() => store.close());
    for (const botId of ['lives', 'by-its-key', '4711', 'gone']) await store.bot(botId);
    const { endpoint, accessKey, secretKey } = minio.access;
    const env = {
      MINIO_ENDPOINT: endpoint,
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      MINIO_STATE_BUCKET: store.buckets.state,
      MINIO_LOGS_BUCKET: store.buckets.logs,
      MINIO_QUERY_RESULTS_BUCKET: store.buckets.queryResults,
      MONGO_URI: mongo.uri,
    };
    return { store, env };
  }

  test('a dry run tells what would go, and the next run removes it', async (t) => {
    const { store, env } = await scene(t);
    // What every command of the Go runtime takes is taken.
    const dry = await runCli(['gc', '--dry-run', '--json', '--nats-url', 'nats://n', 'whatever'], { env });
    assert.deepEqual([dry.code, dry.stderr], [0, '']);
    const report = JSON.parse(dry.stdout);
    assert.deepEqual([report.knownBots, report.storedBots, report.due, report.problem], [4, 4, [], null]);
    assert.deepEqual([report.waiting.length, report.waiting[0].id, report.waiting[0].bytes], [1, 'gone', 16]);
    assert.equal((await store.keys('state')).length, 4);
    const { code, stdout, stderr } = await runCli(['gc', '--gc-grace', '0'], { env });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /removed 1 bot that nobody knows any more \(3 objects, 16B\)/);
    assert.deepEqual(await store.keys('state'), ['4711/state.tar.gz', 'by-its-key/state.tar.gz', 'lives/state.tar.gz']);
  });

  test('it is exit code 1 without a store, MongoDB or its port, and when it refuses; no password is shown', async (t) => {
    const { store, env } = await scene(t);
    const nobody = `mongodb://root:s3cret@127.0.0.1:${await freePort()}`;
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, resolve));
    t.after(() => other.close());
    const [noStore, noMongo, noPort] = await Promise.all([
      runCli(['gc'], { env: { MONGO_URI: mongo.uri, LOG_LEVEL: 'chatty' } }),
      runCli(['gc', '--mongo-wait', '300ms'], { env: { ...env, MONGO_URI: nobody } }),
      runCli(['gc', '--interval', '1m', '--health-port', String(port)], { env: { ...env, LOG_LEVEL: 'chatty' } }),
    ]);
    assert.deepEqual([noStore.code, noMongo.code, noPort.code], [1, 1, 1]);
    assert.match(noStore.stderr, /^warning: environment variable LOG_LEVEL: "chatty"/);
    assert.match(
      noPort.stdout,
      /"WARN","msg":"environment variable LOG_LEVEL: .*\n(.*\n)*.*"ERROR","msg":"port \d+ for health checks/,
    );
    assert.match(noStore.stderr, /no object store is configured[\s\S]*MINIO_ENDPOINT/);
    assert.match(noMongo.stderr, /MongoDB cannot be reached/);
    assert.doesNotMatch(noMongo.stderr, /s3cret/);
    assert.match(noPort.stderr, /port \d+ for health checks: something else listens there\n.*--health-port/);
    await client
      .db('bot_runner')
      .collection('bots')
      .updateOne({ id: 'lives' }, { $set: { id: 'other' } });
    t.after(() =>
      client
        .db('bot_runner')
        .collection('bots')
        .updateOne({ id: 'other' }, { $set: { id: 'lives' } }),
    );
    for (const botId of ['by-its-key', '4711'])
      await store.store.remove({ bucket: store.buckets.state, key: `${botId}/state.tar.gz` });
    const refused = await runCli(['gc', '--gc-grace', '0', '--gc-few', '0'], { env });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /2 of 4 bots in the store are to be removed at once, more than 1: none is\n.*--gc-share/,
    );
  });

  test('with an interval it sweeps again and again, answers health checks, and ends well on SIGTERM', async (t) => {
    const { store, env } = await scene(t);
    const port = await freePort();
    const words = ['gc', '--interval', '50ms', '--gc-grace', '0', '--health-port', String(port)];
    const gc = startCli(words, { env: { ...env, LOG_LEVEL: 'info' } });
    t.after(() => gc.child.kill('SIGKILL'));
    const ask = async (path: string): Promise<string> => {
      try {
        return await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      } catch {
        return '';
      }
    };
    while ((await ask('/readyz')) !== 'ok' && gc.child.exitCode === null) await delay(50);
    await store.bot('gone-later');
    while ((await store.keys('state')).some((key) => key.startsWith('gone-later')) && gc.child.exitCode === null) {
      await delay(50);
    }
    assert.equal(await ask('/healthz'), 'ok');
    const page = await ask('/metrics');
    assert.match(page, /\nthe0_gc_removed_total\{what="bots"\} [12]\n/);
    assert.match(page, /\nthe0_dependency_ready\{dependency="MongoDB"\} 1\n/);
    gc.child.kill('SIGTERM');
    const { code, stdout, stderr } = await gc.result;
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const { time, level, msg, component } of lines) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
      assert.deepEqual([typeof level, typeof msg, component], ['string', 'string', 'master']);
    }
    assert.ok(lines.some(({ msg, removedBots }) => msg === 'Swept.' && removedBots === 1));
    assert.equal(lines.at(-1).msg, 'Told to end.');
  });

  test('with an interval it outlives a MongoDB that goes, says so, and trusts none that comes back empty', async (t) => {
    const { store, env } = await scene(t);
    const port = await freePort();
    const words = [
      'gc',
      '--interval',
      '50ms',
      '--gc-grace',
      '0',
      '--mongo-wait',
      '300ms',
      '--health-port',
      String(port),
    ];
    const gc = startCli(words, { env });
    t.after(() => gc.child.kill('SIGKILL'));
    const until = async (path: string, what: RegExp) => {
      for (;;) {
        assert.equal(gc.child.exitCode, null, gc.stdout());
        const body = await fetch(`http://127.0.0.1:${port}${path}`).then(
          (response) => response.text(),
          () => '',
        );
        if (what.test(body)) return;
        await delay(50);
      }
    };
    await until('/readyz', /^ok$/);
    await mongo.stop();
    await until('/readyz?verbose', /^not ready\nMongoDB: Which bots there are cannot be read, .*\nobject store: ok\n$/);
    await mongo.start();
    await until('/metrics', /the0_gc_sweeps_total\{outcome="refused"\} [1-9]/);
    await until('/readyz', /^ok$/);
    assert.equal((await store.keys('state')).length, 3);
    gc.child.kill('SIGINT');
    const { code, stdout } = await gc.result;
    assert.equal(code, 0);
    assert.match(stdout, /"level":"ERROR","msg":"MongoDB knows no bot at all.*"code":"no-known-bots"/);
  });
});
