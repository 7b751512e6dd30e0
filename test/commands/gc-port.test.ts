import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { runCli } from './run-cli.ts';

// Contract 5.3 and App. B. Whoever has the port already does as well.
test('with an interval gc has its health on port 8084, or ends', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.on('error', () => resolve()).listen(8084, () => resolve()));
  t.after(() => other.close());
  const { code, stderr } = await runCli(['gc', '--interval', '1m', '--mongo-wait', '200ms'], {
    env: {
      MONGO_URI: 'mongodb://127.0.0.1:1',
      MINIO_ENDPOINT: '127.0.0.1:1',
      MINIO_ACCESS_KEY: 'the-access-key',
      MINIO_SECRET_KEY: 'the-secret-key',
    },
  });
  assert.equal(code, 1);
  assert.match(stderr, /port 8084 for health checks: something else listens there/);
});
