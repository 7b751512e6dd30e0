import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { StoreCheck, type StoreCheckOptions } from '../../src/commands/store-check.ts';
import { DEFAULT_BUCKETS, StoreError } from '../../src/storage/object-store.ts';
import { eventually } from '../admin/admin-fixture.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';

interface Scene {
  readonly store: MemoryObjectStore;
  readonly check: StoreCheck;
  readonly warnings: string[];
}

function scene(t: TestContext, options: Partial<StoreCheckOptions> = {}): Scene {
  const store = new MemoryObjectStore();
  const warnings: string[] = [];
  const check = new StoreCheck({
    store,
    endpoint: 'minio:9000',
    buckets: DEFAULT_BUCKETS,
    timeoutMs: 60_000,
    retryMs: 1,
    retryCapMs: 5,
    warn: (sentence) => warnings.push(sentence),
    ...options,
  });
  t.after(() => check.close());
  return { store, check, warnings };
}

test('a good store is known after the first try, its state bucket made, and nothing is left in it', async (t) => {
  const { store, check, warnings } = scene(t);
  await store.createBucket(DEFAULT_BUCKETS.code);
  await check.start();
  assert.deepEqual([check.honoursConditions, check.troubles, warnings], [true, [], []]);
  assert.equal(await store.bucketExists(DEFAULT_BUCKETS.state), true);
  for await (const { key } of store.list(DEFAULT_BUCKETS.state, '')) assert.fail(key);
});

test('the code bucket is not made, but waited for, and the store is not probed again', async (t) => {
  const { store, check } = scene(t);
  await check.start();
  assert.match(check.troubles.join(), /minio:9000 has no bucket custom-bots, .* `the0-runtime deploy` makes it/);
  assert.equal(await store.bucketExists(DEFAULT_BUCKETS.code), false);
  store.before = (operation) => assert.notEqual(operation, 'write', 'it is probed again');
  await store.createBucket(DEFAULT_BUCKETS.code);
  await eventually('the end of the trouble', () => check.troubles.length === 0);
});

test('a store that is away is a trouble, in the same words until it answers', async (t) => {
  const { store, check } = scene(t);
  await store.createBucket(DEFAULT_BUCKETS.code);
  let tries = 0;
  store.before = () => {
    throw new StoreError('unreachable', `try ${++tries} failed`);
  };
  await check.start();
  const said = check.troubles;
  assert.match(
    said.join(),
    /^The object store minio:9000 cannot be used: try 1 failed\. .*MINIO_ENDPOINT.*; it is tried again\.$/,
  );
  await eventually('more tries', () => tries > 3);
  assert.deepEqual(check.troubles, said);
  store.before = () => {};
  await eventually('the end of the trouble', () => check.troubles.length === 0);
});

test('a store that does not answer does not hold up the start for ever, nor the end', async (t) => {
  const { store, check } = scene(t, { timeoutMs: 10 });
  // A connection that is open keeps the process alive.
  const connection = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(connection));
  store.bucketExists = (_bucket, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  await check.start();
  assert.deepEqual(check.honoursConditions, true);
});

test('a store without conditions or copies is told once, and agents can be told', async (t) => {
  const { store, check, warnings } = scene(t);
  await store.createBucket(DEFAULT_BUCKETS.code);
  const write = store.write.bind(store);
  store.write = (place, body, options) => write(place, body, { ...options, condition: null });
  store.rewrite = async () => {
    throw new StoreError('refused', 'no such thing');
  };
  await check.start();
  assert.equal(check.honoursConditions, false);
  assert.deepEqual(check.troubles, []);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /ignores conditions on writes, so there is no fencing/);
  assert.match(warnings[1] ?? '', /cannot make an object out of parts of another/);
});
