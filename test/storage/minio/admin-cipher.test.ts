import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminSeal, openSealed } from '../../../src/storage/minio/admin-cipher.ts';
import { someBytes } from '../../conformance/storage/bytes.ts';

const FRAGMENT = 16 * 1024;

test('what is sealed is opened with the same secret, however many fragments it has', async () => {
  const seal = new AdminSeal('the secret');
  for (const size of [0, 1, FRAGMENT - 1, FRAGMENT, FRAGMENT + 1, 3 * FRAGMENT + 7]) {
    const plain = someBytes(size);
    assert.deepEqual(await openSealed('the secret', await seal.seal(plain)), plain, String(size));
  }
});

test('what was changed, cut off or sealed with another secret is not opened', async () => {
  const sealed = await new AdminSeal('the secret').seal(someBytes(3 * FRAGMENT));
  const changed = Buffer.from(sealed);
  changed[100] = (changed[100] ?? 0) ^ 1;
  const lastFragment = sealed.length - FRAGMENT - 16;
  for (const bad of [changed, sealed.subarray(0, lastFragment), sealed.subarray(0, -1), sealed.subarray(0, 30)]) {
    await assert.rejects(openSealed('the secret', bad));
  }
  await assert.rejects(openSealed('another', sealed));
});
