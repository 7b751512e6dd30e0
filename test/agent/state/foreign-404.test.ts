import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { restoreState } from '../../../src/agent/state/restore-state.ts';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { needsMinio, startMinio } from '../../services/minio.ts';
import { PLACE, stateFixture } from './state-fixture.ts';

interface Front {
  readonly endpoint: string;
  /** So many of the next HEAD requests do not reach the store. */
  lost: number;
}

/** What stands in front of a store and for a moment has no way to it. The host is passed on, for it is signed. */
async function frontOf(t: TestContext, endpoint: string): Promise<Front> {
  const [host, port] = endpoint.split(':');
  const server = createServer((asked, response) => {
    if (asked.method === 'HEAD' && front.lost > 0) {
      front.lost -= 1;
      response.writeHead(404, { server: 'nginx' }).end();
      return;
    }
    const { method, url: path, headers } = asked;
    const passedOn = request({ host, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passedOn.on('error', () => response.destroy());
    asked.pipe(passedOn);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const front = { endpoint: `127.0.0.1:${address.port}`, lost: 0 };
  return front;
}

const NAME = 'a proxy that loses its way to the store for a moment lets no older state replace a newer one';

test(NAME, needsMinio(), async (t) => {
  const minio = await startMinio();
  t.after(() => minio.stop());
  const front = await frontOf(t, minio.access.endpoint);
  const store = openS3Store({ ...minio.access, endpoint: front.endpoint });
  t.after(() => store.close());
  await store.createBucket(PLACE.bucket);
  const fixture = stateFixture(t);
  const sessionFile = join(fixture.directory(), 'session');
  const begin = async (directory: string, epoch: number, sessionNote: string | null) => {
    const at = { store, place: PLACE, epoch, directory, sessionFile: sessionNote };
    const restored = await restoreState({ ...at, limits: DEFAULT_STATE_LIMITS, retry: null });
    const sync = fixture.sync(directory, { store, epoch });
    await sync.begin(restored);
    return { restored, sync };
  };
  const [here, elsewhere] = [fixture.directory(), fixture.directory()];
  const first = await begin(here, 1, sessionFile);
  writeFileSync(join(here, 'position'), 'older');
  await first.sync.sync(null);
  const second = await begin(elsewhere, 2, null);
  writeFileSync(join(elsewhere, 'position'), 'newer');
  await second.sync.sync(null);

  front.lost = 1;
  await assert.rejects(begin(here, 3, sessionFile), { name: 'StateUnreadable', code: 'unreachable' });
  const third = await begin(here, 3, sessionFile);
  assert.equal(third.restored.kind, 'restored');
  assert.equal(readFileSync(join(here, 'position'), 'utf8'), 'newer');

  // With MinIO the headers say whose answer it is.
  assert.equal(await store.head({ ...PLACE, key: 'nobody/state.tar.gz' }), null);
});
