import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../admin/admin-fixture.ts';
import { freePort } from '../services/free-port.ts';
import { needsMongo, startMongo } from '../services/mongodb.ts';
import { startCli } from './run-cli.ts';

// Contract 1.3.
test('query-server needs no NATS and has no other port, and ends well on SIGTERM', needsMongo(), async (t) => {
  const mongo = await startMongo();
  t.after(() => mongo.remove());
  let greeted = 0;
  const nats = createServer((socket) => {
    greeted += 1;
    socket.destroy();
  });
  const natsPort = await freePort();
  await new Promise<void>((resolve) => nats.listen(natsPort, '127.0.0.1', resolve));
  t.after(() => nats.close());

  const port = await freePort();
  const words = ['query-server', '--port', String(port), '--engine', 'process', '--store-probe-timeout', '100ms'];
  const server = startCli(words, {
    cwd: await temporaryDirectory(t),
    env: {
      MONGO_URI: mongo.uri,
      NATS_URL: `nats://127.0.0.1:${natsPort}`,
      MINIO_ENDPOINT: '127.0.0.1:1',
      MINIO_ACCESS_KEY: 'the-access-key',
      MINIO_SECRET_KEY: 'the-secret-key',
    },
  });
  t.after(() => server.child.kill('SIGKILL'));
  const ask = async (path: string, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return await fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => null);
  };
  let health = await ask('/health');
  while (health === null && server.child.exitCode === null) {
    await delay(50);
    health = await ask('/health');
  }
  assert.equal(await health?.text(), '{"status":"ok"}', server.stderr());
  const answer = await ask('/query', { bot_id: 'nobody', query_path: '/x' });
  assert.equal(answer?.status, 404);
  assert.equal((await ask('/healthz'))?.status, 404);
  server.child.kill('SIGTERM');
  const { code, stderr } = await server.result;
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(greeted, 0);
});
