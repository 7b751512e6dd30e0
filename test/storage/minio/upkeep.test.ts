import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from 'minio';
import { AccountNames } from '../../../src/storage/minio/account-names.ts';
import { MinioAdmin } from '../../../src/storage/minio/admin-api.ts';
import { policyFor } from '../../../src/storage/minio/bot-policy.ts';
import { openMinioUploads } from '../../../src/storage/minio/unfinished-uploads.ts';
import { MinioUnusedCredentials } from '../../../src/storage/minio/unused-credentials.ts';
import { DEFAULT_BUCKETS, type ObjectStore, StoreError } from '../../../src/storage/object-store.ts';
import { openS3Client, openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';
import type { UnfinishedUpload, UnfinishedUploads } from '../../../src/storage/unfinished-uploads.ts';
import { type MinioServer, needsMinio, startMinio } from '../../services/minio.ts';
import { startedCredentials } from './started-credentials.ts';
import { usableKeys } from './usable-keys.ts';

const BUCKET = DEFAULT_BUCKETS.state;
const NAMES = new AccountNames(BUCKET);

describe('what the control plane cleans up in MinIO', needsMinio(), () => {
  let server: MinioServer;
  let store: ObjectStore;
  before(async () => {
    server = await startMinio();
    store = openS3Store(server.access);
    await store.createBucket(BUCKET);
  });
  after(async () => {
    store?.close();
    await server?.stop();
  });

  async function all(uploads: UnfinishedUploads, bucket: string): Promise<UnfinishedUpload[]> {
    const found: UnfinishedUpload[] = [];
    for await (const upload of uploads.list(bucket)) found.push(upload);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  test('uploads that nobody finished are listed with their age, and aborted; twice is no error', async (t) => {
    const uploads = openMinioUploads(server.access);
    t.after(() => uploads.close());
    const [endPoint = '', port] = server.access.endpoint.split(':');
    const { accessKey, secretKey } = server.access;
    const client = new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey });
    const before = Date.now();
    const keys = ['a/state.tar.gz', 'b/with space + % & <é>'];
    for (const key of [...keys, ...keys]) await client.initiateNewMultipartUpload(BUCKET, key, {});
    const found = await all(uploads, BUCKET);
    assert.deepEqual(
      found.map(({ bucket, key }) => [bucket, key]),
      [...keys, ...keys].sort().map((key) => [BUCKET, key]),
    );
    for (const { begunAt } of found) assert.ok(begunAt >= before - 5_000 && begunAt <= Date.now() + 5_000);
    for (const upload of found.slice(1)) {
      await uploads.abort(upload);
      await uploads.abort(upload);
    }
    assert.deepEqual(await all(uploads, BUCKET), found.slice(0, 1));
    assert.deepEqual(await all(uploads, 'no-such-bucket'), []);
  });

  test('who may not look is told so', async (t) => {
    const uploads = openMinioUploads({ ...server.access, secretKey: 'another-secret' });
    t.after(() => uploads.close());
    await assert.rejects(all(uploads, BUCKET), (error) => error instanceof StoreError && error.trouble === 'denied');
  });

  test('keys of bots that are gone are told from those of bots that live, and are of no use when removed', async (t) => {
    const made = await startedCredentials(t, { access: server.access, store, mode: 'service-account', atOnce: 2 });
    const keysFor = (botId: string) => usableKeys(made, { botId, codeKey: `u/${botId}/1`, purpose: 'bot' });
    const lives = await keysFor('lives');
    const gone = await keysFor('gone');
    const asked = await usableKeys(made, { botId: 'gone', codeKey: 'u/gone/1', purpose: 'query' });
    assert.ok(lives !== null && gone !== null && asked !== null);
    // One that had to be made below the runtime itself, and one of a person.
    const client = openS3Client(server.access, DEFAULT_S3_LIMITS);
    t.after(() => client.close());
    const admin = new MinioAdmin(client, server.access.secretKey);
    const old = NAMES.sharedAccessKeyOf('old');
    for (const accessKey of [old, 'of-a-person']) {
      const policy = policyFor({ botId: 'old', codeKey: 'u/old/1', purpose: 'bot' }, DEFAULT_BUCKETS);
      await admin.addAccount({ accessKey, secretKey: `secret-${accessKey}`, policy, name: '', description: '' });
    }
    const unused = new MinioUnusedCredentials(server.access, DEFAULT_BUCKETS);
    t.after(() => unused.close());
    const { all, unused: found } = await unused.list(new Set(['lives', 'never-ran']));
    assert.equal(all, 3);
    assert.deepEqual(found, [NAMES.userOf('gone'), old]);
    for (const name of [...found, ...found]) await unused.remove(name);
    assert.deepEqual(await unused.list(new Set()), { all: 1, unused: [NAMES.userOf('lives')] });
    for (const keys of [gone, asked]) {
      const asGone = openS3Store({ ...server.access, ...keys });
      t.after(() => asGone.close());
      const place = { bucket: BUCKET, key: 'gone/state.tar.gz' };
      await assert.rejects(asGone.head(place), (error) => error instanceof StoreError && error.trouble === 'denied');
    }
    const asLives = openS3Store({ ...server.access, ...lives });
    t.after(() => asLives.close());
    assert.equal(await asLives.head({ bucket: BUCKET, key: 'lives/state.tar.gz' }), null);
    for (const name of ['the0-test', new AccountNames('state-of-others').userOf('lives')]) {
      await assert.rejects(unused.remove(name), /no account of a bot/);
    }
    const mayNot = new MinioUnusedCredentials({ ...server.access, secretKey: 'another-secret' }, DEFAULT_BUCKETS);
    t.after(() => mayNot.close());
    assert.deepEqual(await mayNot.list(new Set()), { all: 0, unused: [] });
  });
});
