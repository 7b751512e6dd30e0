import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openRuntimeHealth } from '../../src/commands/runtime-health.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';

const ACCESS = {
  endpoint: 'minio:9000',
  containerEndpoint: 'minio:9000',
  accessKey: 'a',
  secretKey: 's',
  ssl: false,
  buckets: DEFAULT_BUCKETS,
};

async function healthWith(t: TestContext, store: MemoryObjectStore, remarks: readonly string[] = []) {
  const options = {
    host: '127.0.0.1',
    port: 0,
    bots: async () => [],
    warn: (sentence: string) => assert.fail(sentence),
  };
  const health = await openRuntimeHealth({
    ...options,
    objectStore: { access: ACCESS, store },
    storeRemarks: () => remarks,
  });
  t.after(() => health.close());
  return async () => await (await fetch(`http://127.0.0.1:${health.port}/readyz?verbose`)).text();
}

// Contract 5.3.
test('the code bucket is part of readiness', async (t) => {
  const withBucket = new MemoryObjectStore();
  await withBucket.createBucket(DEFAULT_BUCKETS.code);
  const [ready, notReady] = [await healthWith(t, withBucket), await healthWith(t, new MemoryObjectStore())];
  while ((await ready()) !== 'ok\nobject store: ok\n') await delay(10);
  let said = await notReady();
  while (!said.includes('no bucket')) said = await notReady();
  assert.match(said, /^not ready\nobject store: The object store minio:9000 has no bucket custom-bots\.\n$/);
});

test('a store that makes no keys for single bots is ready, and said to be so to whoever wants to know', async (t) => {
  const store = new MemoryObjectStore();
  await store.createBucket(DEFAULT_BUCKETS.code);
  const ready = await healthWith(t, store, ['It makes no keys for single bots.']);
  let said = await ready();
  while (!said.startsWith('ok\n')) said = await ready();
  assert.equal(said, 'ok\nobject store: ok (It makes no keys for single bots.)\n');
});
