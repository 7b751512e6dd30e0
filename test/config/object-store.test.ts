import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/load-settings.ts';
import { SettingsError } from '../../src/config/read-setting.ts';
import { storeAccess } from '../../src/config/table/object-store.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { DEFAULT_S3_LIMITS } from '../../src/storage/s3-api/s3-limits.ts';

const KEYS = { MINIO_ENDPOINT: 'minio:9000', MINIO_ACCESS_KEY: 'the-access-key', MINIO_SECRET_KEY: 'the-secret-key' };

function accessOf(env: Record<string, string>) {
  return storeAccess(loadSettings(env).settings.objectStore);
}

test('without an address there is no store', () => {
  assert.equal(accessOf({}), null);
  assert.equal(accessOf({ MINIO_ACCESS_KEY: 'the-access-key' }), null);
});

test('a store is described by the variables of the contract', () => {
  assert.deepEqual(accessOf(KEYS), {
    endpoint: 'minio:9000',
    containerEndpoint: 'minio:9000',
    accessKey: 'the-access-key',
    secretKey: 'the-secret-key',
    ssl: false,
    buckets: DEFAULT_BUCKETS,
  });
});

test('buckets and the address for containers can differ', () => {
  const env = { ...KEYS, MINIO_CODE_BUCKET: 'the0-code', MINIO_CONTAINER_ENDPOINT: 'host.docker.internal:9000' };
  const access = accessOf(env);
  assert.ok(access !== null && !('missing' in access));
  assert.equal(access.containerEndpoint, 'host.docker.internal:9000');
  assert.deepEqual(access.buckets, { ...DEFAULT_BUCKETS, code: 'the0-code' });
});

test('how long the store may take can be said', () => {
  const { limits } = loadSettings({ THE0_STORE_CALL_TIMEOUT: '2m', THE0_STORE_SLOWEST_TRANSFER: '1MiB' }).settings
    .objectStore;
  assert.deepEqual(limits, { ...DEFAULT_S3_LIMITS, callMs: 120_000, slowestBytesPerSecond: 1024 * 1024 });
});

test('TLS is asked for as Go reads it, by either variable, and anything else is no', () => {
  const isSsl = (env: Record<string, string>) => {
    const access = accessOf({ ...KEYS, ...env });
    assert.ok(access !== null && !('missing' in access));
    return access.ssl;
  };
  for (const yes of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
    assert.equal(isSsl({ MINIO_USE_SSL: yes }), true, yes);
    assert.equal(isSsl({ MINIO_SSL: yes }), true, yes);
  }
  for (const no of ['0', 'false', 'yes', 'tRUE', '2']) assert.equal(isSsl({ MINIO_USE_SSL: no }), false, no);
});

test('half a store is refused, and no secret is shown', () => {
  const { MINIO_SECRET_KEY: _, ...half } = KEYS;
  assert.throws(
    () => loadSettings(half),
    (error) =>
      error instanceof SettingsError &&
      error.message ===
        'MINIO_SECRET_KEY (--minio-secret-key) must be set where MINIO_ENDPOINT (--minio-endpoint) is' &&
      !error.message.includes('the-access-key'),
  );
  assert.throws(
    () => loadSettings({ ...KEYS, MINIO_SECRET_KEY: 'with a blank' }),
    (error) => error instanceof SettingsError && !error.message.includes('with a blank'),
  );
});
