import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { HealthPortUnusable, type HealthServerOptions, startHealthServer } from '../../src/admin/health-server.ts';
import { Readiness } from '../../src/admin/readiness.ts';

async function health(t: TestContext, readiness: Readiness, more: Partial<HealthServerOptions> = {}) {
  const troubles: string[] = [];
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness,
    metrics: null,
    onTrouble: (sentence) => troubles.push(sentence),
    ...more,
  });
  t.after(() => server.close());
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
  };
  return { ask, troubles, server };
}

test('is healthy from the start, and ready when every dependency is, for any HTTP method', async (t) => {
  const readiness = new Readiness();
  const mongo = readiness.dependency('MongoDB');
  const store = readiness.dependency('object store');
  const { ask } = await health(t, readiness);
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
    const { status, body } = await ask('/healthz', { method });
    assert.deepEqual([status, body], [200, 'ok']);
  }
  const asked = async () => {
    const { status, body } = await ask('/readyz', { method: 'PUT', body: 'x' });
    return [status, body];
  };
  assert.deepEqual(await asked(), [503, 'not ready']);
  mongo.ready();
  assert.deepEqual(await asked(), [503, 'not ready']);
  store.ready();
  assert.deepEqual(await asked(), [200, 'ok']);
  mongo.notReady('It went away.');
  assert.deepEqual(await asked(), [503, 'not ready']);
  mongo.ready();
  await readiness.end();
  assert.deepEqual(await asked(), [503, 'not ready']);
});

test('says which dependency is missing and why to whoever wants to know', async (t) => {
  const readiness = new Readiness(undefined, () => Date.UTC(2026, 0, 2));
  readiness.dependency('MongoDB').ready();
  const nats = readiness.dependency('NATS');
  nats.notReady('Nobody listens on nats:4222.');
  const { ask } = await health(t, readiness);
  assert.equal((await ask('/readyz?verbose')).body, 'not ready\nMongoDB: ok\nNATS: Nobody listens on nats:4222.\n');
  const { status, body, type } = await ask('/readyz', { headers: { accept: 'application/json' } });
  assert.deepEqual([status, type], [503, 'application/json']);
  assert.deepEqual(JSON.parse(body), {
    ready: false,
    ending: false,
    dependencies: [
      { name: 'MongoDB', ready: true, sentence: '', since: '2026-01-02T00:00:00.000Z' },
      { name: 'NATS', ready: false, sentence: 'Nobody listens on nats:4222.', since: '2026-01-02T00:00:00.000Z' },
    ],
  });
  // What is to be known of one that is there does not make it less ready.
  nats.ready('Some events were lost.');
  assert.deepEqual(
    [(await ask('/readyz')).status, (await ask('/readyz?verbose')).body],
    [200, 'ok\nMongoDB: ok\nNATS: ok (Some events were lost.)\n'],
  );
});

test('other paths are 404, metrics too where there are none; a page that fails is 500 and told', async (t) => {
  const plain = await health(t, new Readiness());
  const statuses = await Promise.all(['/', '/healthz/', '/metrics', '/readyz2'].map((path) => plain.ask(path)));
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [404, 404, 404, 404],
  );
  const failing = await health(t, new Readiness(), {
    metrics: { contentType: 'text/plain; version=0.0.4', page: () => Promise.reject(new Error('no figures')) },
    unhealthy: () => 'All shards are gone.',
  });
  // Headers are sent with the page, so that a page that fails is no success.
  assert.equal((await failing.ask('/metrics')).status, 500);
  assert.deepEqual(failing.troubles, ['The health server: no figures']);
  const { status, body } = await failing.ask('/healthz');
  assert.deepEqual([status, body], [503, 'unhealthy']);
});

test('a port that cannot be had is an error for people', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  await assert.rejects(health(t, new Readiness(), { port }), (error: unknown) => {
    assert.ok(error instanceof HealthPortUnusable);
    assert.equal(error.message, `port ${port} for health checks: something else listens there`);
    assert.match(error.hint, /--health-port/);
    return true;
  });
});

test('without a host it answers on all interfaces', async (t) => {
  const { ask } = await health(t, new Readiness(), { host: null });
  assert.equal((await ask('/healthz')).body, 'ok');
});
