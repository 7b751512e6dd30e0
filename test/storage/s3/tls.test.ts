import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { bytesOf, chunked, someBytes, trouble } from '../../conformance/storage/bytes.ts';
import { type MinioServer, needsMinio, startMinio } from '../../services/minio.ts';

/** A certificate of its own for 127.0.0.1, made for this test and valid nowhere else. */
const CERTIFICATES = join(import.meta.dirname, 'fixtures');
const WRITE = { condition: null, contentType: 'text/plain' };

describe('a store behind TLS', needsMinio(), () => {
  let server: MinioServer;
  const known = getCACertificates('default');
  const trusted = [...known, readFileSync(join(CERTIFICATES, 'public.crt'), 'utf8')];

  before(async () => {
    setDefaultCACertificates(trusted);
    server = await startMinio(CERTIFICATES);
  });
  after(async () => {
    await server?.stop();
  });

  it('is used like any other', async (t) => {
    const store = openS3Store(server.access);
    t.after(() => store.close());
    await store.createBucket('bot-state');
    const place = { bucket: 'bot-state', key: 'b1/state.tar.gz' };
    const bytes = someBytes(3_000_000);
    const etag = await store.write(place, chunked(bytes, 100_000), WRITE);
    await store.rewrite(place, etag, [{ kind: 'kept', range: { from: 1, to: bytes.length } }], WRITE);
    assert.ok((await bytesOf(await store.read(place))).equals(bytes.subarray(1)));
  });

  it('is not trusted when nobody vouches for it', async (t) => {
    setDefaultCACertificates(known);
    t.after(() => setDefaultCACertificates(trusted));
    const store = openS3Store({ ...server.access, endpoint: server.access.endpoint.replace('127.0.0.1', 'localhost') });
    t.after(() => store.close());
    await assert.rejects(store.bucketExists('bot-state'), trouble('unreachable'));
  });
});
