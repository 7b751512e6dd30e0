import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { connectNats } from '../../../src/desired/nats/nats-servers.ts';
import { type NatsServer, needsNats, startNats } from '../../services/nats.ts';
import { FEED_OPTIONS } from './events.ts';

/** A certificate of its own for 127.0.0.1, made for tests and valid nowhere else. */
const CERTIFICATES = join(import.meta.dirname, '../../storage/s3/fixtures');
const CERTIFICATE = join(CERTIFICATES, 'public.crt');
const KEY = join(CERTIFICATES, 'private.key');

describe('NATS behind TLS', needsNats(), () => {
  let server: NatsServer;
  let plain: NatsServer;
  const known = getCACertificates('default');

  before(async () => {
    const tls = ['--tls', '--tlscert', CERTIFICATE, '--tlskey', KEY, '--user', 'me', '--pass', 's3cret'];
    [server, plain] = await Promise.all([startNats('127.0.0.1', tls), startNats()]);
  });
  after(async () => {
    await Promise.all([server?.remove(), plain?.remove()]);
  });
  afterEach(() => setDefaultCACertificates(known));

  const to = (scheme: string, { url }: NatsServer) => url.replace('nats://', `${scheme}://me:s3cret@`);
  const connect = (servers: string) => connectNats(servers, 'test', FEED_OPTIONS);

  test('is reached under both names, where somebody vouches for it', async () => {
    setDefaultCACertificates([...known, readFileSync(CERTIFICATE, 'utf8')]);
    for (const scheme of ['tls', 'nats']) {
      const connection = await connect(to(scheme, server));
      await connection.flush();
      assert.equal(connection.info?.tls_required, true);
      await connection.close();
    }
  });

  test('is not believed when nobody vouches for it', async () => {
    await assert.rejects(connect(to('tls', server)), /certificate/);
  });

  test('an address that asks for it is not used without it', async () => {
    await assert.rejects(connect(to('tls', plain)));
    const connection = await connect(to('nats', plain));
    await connection.close();
  });
});
