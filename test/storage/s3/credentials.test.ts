import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { bodyOf, type ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';
import { bytesOf, trouble } from '../../conformance/storage/bytes.ts';
import { type MinioServer, needsMinio, startMinio } from '../../services/minio.ts';

const BUCKET = 'bot-state';
const WRITE = { condition: null, contentType: 'text/plain' };

describe('credentials of the store', needsMinio(), () => {
  let server: MinioServer;
  const stores: ObjectStore[] = [];

  before(async () => {
    server = await startMinio();
    await open(server.access).createBucket(BUCKET);
  });
  after(async () => {
    for (const store of stores) store.close();
    await server?.stop();
  });

  function open(access: S3Access): ObjectStore {
    const store = openS3Store(access);
    stores.push(store);
    return store;
  }

  it('that are wrong are denied and not shown', async () => {
    const place = { bucket: BUCKET, key: 'b1/state.tar.gz' };
    for (const wrong of [{ secretKey: 'not-the-secret-of-it' }, { accessKey: 'not-the-key-of-it' }]) {
      const store = open({ ...server.access, ...wrong });
      const hidden = (error: unknown) => {
        const shown = inspect(error, { depth: 10 });
        for (const secret of [server.access.secretKey, ...Object.values(wrong)])
          assert.ok(!shown.includes(secret), shown);
        return trouble('denied')(error);
      };
      await assert.rejects(store.head(place), hidden);
      await assert.rejects(store.read(place), hidden);
      await assert.rejects(store.write(place, bodyOf(Buffer.alloc(3_000_000)), WRITE), hidden);
      await assert.rejects(store.rewrite(place, 'x', [{ kind: 'new', body: bodyOf(Buffer.from('a')) }], WRITE), hidden);
      await assert.rejects(store.bucketExists(BUCKET), hidden);
      await assert.rejects(async () => {
        for await (const _ of store.list(BUCKET, '')) assert.fail('there is nothing to see');
      }, hidden);
    }
  });

  it('that are temporary and of one bot reach its objects and no others', async () => {
    const root = open(server.access);
    const strange = { bucket: BUCKET, key: 'b2/state.tar.gz' };
    const etag = await root.write(strange, bodyOf(Buffer.from('of another bot')), WRITE);
    const { accessKey, secretKey } = server.access;
    const statement = { Effect: 'Allow', Action: ['s3:*'], Resource: [`arn:aws:s3:::${BUCKET}/b1/*`] };
    const credentials = await new AssumeRoleProvider({
      stsEndpoint: `http://${server.access.endpoint}`,
      accessKey,
      secretKey,
      policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }).getCredentials();
    const bot = open({
      ...server.access,
      accessKey: credentials.getAccessKey(),
      secretKey: credentials.getSecretKey(),
      sessionToken: credentials.getSessionToken() ?? '',
    });
    const own = { bucket: BUCKET, key: 'b1/state.tar.gz' };
    const first = await bot.write(own, bodyOf(Buffer.from('my state')), WRITE);
    await bot.rewrite(own, first, [{ kind: 'kept', range: { from: 3, to: 8 } }], WRITE);
    assert.equal((await bytesOf(await bot.read(own))).toString(), 'state');
    await assert.rejects(bot.read(strange), trouble('denied'));
    await assert.rejects(bot.write(strange, bodyOf(Buffer.from('a')), WRITE), trouble('denied'));
    await assert.rejects(bot.remove(strange), trouble('denied'));
    const kept = { kind: 'kept', range: { from: 0, to: 3 } } as const;
    await assert.rejects(bot.rewrite(strange, etag, [kept], WRITE), trouble('denied'));
  });
});
