import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/commands/exit-code.ts';
import { addressesOfNoUse, openRuntimeStore } from '../../src/commands/object-store.ts';
import { loadSettings } from '../../src/config/load-settings.ts';

const KEYS = { MINIO_ACCESS_KEY: 'a', MINIO_SECRET_KEY: 'b' };

function saidOf(env: Record<string, string>): string[] {
  return addressesOfNoUse(loadSettings({ ...KEYS, THE0_ENGINE: 'docker', ...env }).settings);
}

test('an address that means each container itself is told', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
    assert.match(saidOf({ MINIO_ENDPOINT: `${host}:9000` }).join(), /set MINIO_CONTAINER_ENDPOINT/, host);
    const said = saidOf({ NATS_URL: `nats://other,nats://me:secret@${host}:4222` }).join();
    assert.match(said, /do not reach NATS/, host);
    assert.doesNotMatch(said, /secret/);
  }
});

test('other addresses are not, nor any where bots share the network of this host', () => {
  const local = { MINIO_ENDPOINT: 'localhost:9000', NATS_URL: 'localhost' };
  assert.deepEqual(saidOf({ MINIO_ENDPOINT: 'minio:9000', NATS_URL: 'nats://localhost.example:4222' }), []);
  assert.deepEqual(saidOf({ MINIO_ENDPOINT: 'localhost:9000', MINIO_CONTAINER_ENDPOINT: 'minio:9000' }), []);
  assert.deepEqual(saidOf({ ...local, DOCKER_NETWORK: 'host' }), []);
  assert.deepEqual(saidOf({ ...local, THE0_ENGINE: 'process' }), []);
});

test('an address that is none is refused in words before anything starts', async () => {
  for (const env of [
    { MINIO_ENDPOINT: 'http://minio:9000' },
    { MINIO_ENDPOINT: 'minio:9000', MINIO_CONTAINER_ENDPOINT: 'http://minio:9000' },
  ]) {
    const { settings } = loadSettings({ ...KEYS, ...env });
    await assert.rejects(
      openRuntimeStore(settings),
      (error) =>
        error instanceof UsageError &&
        /^MINIO_(CONTAINER_)?ENDPOINT: .*must be host:port without a scheme/.test(error.message) &&
        error.hint.includes('MINIO_USE_SSL'),
    );
  }
});
