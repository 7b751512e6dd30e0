import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { DockerApi } from '../../../src/engine/docker/docker-api.ts';

const WAIT_MS = 60_000;
const DEADLINES = { callMs: WAIT_MS, startMs: WAIT_MS, listMs: WAIT_MS, pullMs: WAIT_MS };

// Contract 5.1.
test('where Docker is, and how it is spoken to, comes from the environment', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    response.setHeader('content-type', 'application/json').end('{"ID":"the-engine"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
    server.close();
  });
  process.env['DOCKER_HOST'] = `tcp://127.0.0.1:${address.port}`;
  delete process.env['DOCKER_TLS_VERIFY'];
  for (const [version, path] of [
    ['', '/info'],
    ['1.41', '/v1.41/info'],
  ] as const) {
    process.env['DOCKER_API_VERSION'] = version;
    const api = new DockerApi(DEADLINES, { calls: 1, stops: 1 });
    assert.equal(await api.engineId(), 'the-engine');
    api.close();
    assert.equal(asked.at(-1), path);
  }
});
