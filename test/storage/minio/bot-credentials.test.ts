import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it, type TestContext } from 'node:test';
import { AdminSeal } from '../../../src/storage/minio/admin-cipher.ts';
import type {
  BotCredentialOptions,
  BotStoreKeys,
  MinioBotCredentials,
} from '../../../src/storage/minio/bot-credentials.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore, StoreError } from '../../../src/storage/object-store.ts';
import { openS3Client, openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import type { S3Access, S3Client } from '../../../src/storage/s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';
import { bytesOf, someBytes, trouble } from '../../conformance/storage/bytes.ts';
import { freePort } from '../../services/free-port.ts';
import { type MinioServer, needsMinio, startMinio } from '../../services/minio.ts';
import { signalsKept } from '../../signals-kept.ts';
import { startedCredentials } from './started-credentials.ts';
import { usableKeys } from './usable-keys.ts';

const TEXT = { condition: null, contentType: 'text/plain' } as const;
const { code, state, logs, queryResults } = DEFAULT_BUCKETS;

describe('keys for one bot', needsMinio(), () => {
  let server: MinioServer;
  let root: ObjectStore;

  before(async () => {
    server = await startMinio();
    root = openS3Store(server.access);
    await root.createBucket(code);
  });
  after(async () => {
    root?.close();
    await server?.stop();
  });

  const credentials = (t: TestContext, overrides: Partial<BotCredentialOptions> = {}) =>
    startedCredentials(t, { access: server.access, store: root, ...overrides });

  /** A store as the agent of the bot sees it. */
  function open(t: TestContext, keys: BotStoreKeys | null): ObjectStore {
    assert.ok(keys, 'the keys are shared');
    const store = openS3Store({ ...server.access, ...keys });
    t.after(() => store.close());
    return store;
  }

  const keysOf = (botId: string, codeKey = `u/${botId}/1`) => ({ botId, codeKey, purpose: 'bot' }) as const;
  const put = (store: ObjectStore, bucket: string, key: string) =>
    store.write({ bucket, key }, bodyOf(Buffer.from(key)), TEXT);
  const denied = (call: Promise<unknown>) => assert.rejects(call, trouble('denied'));

  /** What every way of making keys must allow and refuse. */
  async function checkScope(t: TestContext, made: MinioBotCredentials, id: string): Promise<void> {
    const [a, b] = [`${id}-a`, `${id}-b`];
    for (const bot of [a, b]) await put(root, code, `u/${bot}/1`);
    const keys = await usableKeys(made, keysOf(a));
    const own = open(t, keys);
    const other = open(t, await usableKeys(made, keysOf(b)));

    assert.equal(
      await own.head({ bucket: state, key: `${a}/state.tar.gz` }),
      null,
      'a first run is told from a denial',
    );
    await put(other, state, `${b}/state.tar.gz`);
    const place = { bucket: state, key: `${a}/state.tar.gz` };
    const first = someBytes(own.pieces.minPieceBytes + 100);
    const etag = await own.write(place, bodyOf(first), TEXT);
    const kept = { kind: 'kept', range: { from: 0, to: first.length } } as const;
    await own.rewrite(place, etag, [kept, { kind: 'new', body: bodyOf(Buffer.from('tail')) }], TEXT);
    assert.equal((await bytesOf(await own.read(place))).length, first.length + 4);
    await put(own, logs, `logs/${a}/20260101.log`);
    await put(own, queryResults, `${a}/1-x/result.json`);
    assert.equal((await bytesOf(await own.read({ bucket: code, key: `u/${a}/1` }))).toString(), `u/${a}/1`);

    await denied(own.head({ bucket: state, key: `${b}/state.tar.gz` }));
    await denied(own.read({ bucket: state, key: `${b}/state.tar.gz` }));
    await denied(put(own, state, `${b}/state.tar.gz`));
    await denied(own.remove({ bucket: state, key: `${b}/state.tar.gz` }));
    await denied(put(own, logs, `logs/${b}/20260101.log`));
    await denied(put(own, queryResults, `${b}/1-x/result.json`));
    await denied(own.read({ bucket: code, key: `u/${b}/1` }));
    await denied(put(own, code, `u/${a}/1`));
    for (const bucket of [code, state, logs, queryResults]) await denied(listAll(own, bucket, ''));
    await denied(listAll(own, state, `${b}/`));
    await denied(copyPart(keys, place, { bucket: state, key: `${b}/state.tar.gz` }));
    await denied(addSomebody(keys));
  }

  async function listAll(store: ObjectStore, bucket: string, prefix: string): Promise<void> {
    for await (const _ of store.list(bucket, prefix)) {
      // That it can be listed is enough.
    }
  }

  async function withClient<Result>(access: S3Access, run: (client: S3Client) => Promise<Result>): Promise<Result> {
    const client = openS3Client(access, DEFAULT_S3_LIMITS);
    try {
      return await run(client);
    } finally {
      client.close();
    }
  }

  /** The port copies within one object only; a bot need not keep to the port. */
  async function copyPart(
    keys: BotStoreKeys | null,
    to: { bucket: string; key: string },
    from: typeof to,
  ): Promise<void> {
    await withClient({ ...server.access, ...keys }, async (client) => {
      const call = { operation: 'copy', ...to };
      const created = await client.send({
        ...call,
        method: 'POST',
        query: { uploads: '' },
        body: bodyOf(Buffer.alloc(0)),
      });
      const uploadId = /<UploadId>(.+)<\/UploadId>/.exec(await text(created.body))?.[1] ?? '';
      assert.equal(created.status, 200);
      const headers = { 'x-amz-copy-source': `/${from.bucket}/${from.key}` };
      const answer = await client.send({ ...call, method: 'PUT', query: { partNumber: '1', uploadId }, headers });
      expectDone(answer.status, await text(answer.body));
    });
  }

  /** What only an administrator may. */
  async function addSomebody(keys: BotStoreKeys | null): Promise<void> {
    const access = { ...server.access, ...keys };
    await withClient(access, async (client) => {
      const body = bodyOf(await new AdminSeal(access.secretKey).seal(Buffer.from('{"policy":null}')));
      const call = { operation: 'admin', bucket: 'minio', key: 'admin/v3/add-service-account' };
      const answer = await client.send({ ...call, method: 'PUT', body });
      expectDone(answer.status, await text(answer.body));
    });
  }

  function expectDone(status: number, body: string): void {
    if (status === 403) throw new StoreError('denied', '403');
    assert.equal(status, 200, body);
  }

  async function text(body: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  it('open its own code, state, log and results, and nothing of another', async (t) => {
    const made = await credentials(t);
    assert.equal(made.kind, 'service-account');
    assert.deepEqual(made.troubles, []);
    await checkScope(t, made, 'account');
  });

  it('are sessions where a store makes no service accounts, with the same reach and an end', async (t) => {
    const made = await credentials(t, { mode: 'sts' });
    const { until = 0, sessionToken } = (await usableKeys(made, keysOf('session-c'))) ?? {};
    assert.ok(sessionToken);
    assert.ok(until > Date.now() && until <= Date.now() + 3_600_000);
    await checkScope(t, made, 'session');
  });

  it('are others in the next container, which may read the code of now and not of before', async (t) => {
    const made = await credentials(t);
    await put(root, code, 'u/next/1');
    await put(root, code, 'u/next/2');
    const before = open(t, await usableKeys(made, keysOf('next', 'u/next/1')));
    await before.head({ bucket: code, key: 'u/next/1' });
    const now = open(t, await usableKeys(made, keysOf('next', 'u/next/2')));
    await denied(before.head({ bucket: code, key: 'u/next/1' }));
    assert.notEqual(await now.head({ bucket: code, key: 'u/next/2' }), null);
    await denied(now.head({ bucket: code, key: 'u/next/1' }));
  });

  it('of a query are shared by its fellows, leave those of the bot alone, write no state and go with the process', async (t) => {
    const made = await credentials(t);
    const bot = open(t, await usableKeys(made, keysOf('asked')));
    const query = { ...keysOf('asked'), purpose: 'query' } as const;
    const [first, second] = await Promise.all([usableKeys(made, query), usableKeys(made, query)]);
    assert.deepEqual(first, second);
    await put(bot, state, 'asked/state.tar.gz');
    const store = open(t, first);
    assert.notEqual(await store.head({ bucket: state, key: 'asked/state.tar.gz' }), null);
    await put(store, queryResults, 'asked/1-x/result.json');
    await denied(put(store, state, 'asked/state.tar.gz'));
    await made.close();
    await denied(store.head({ bucket: state, key: 'asked/state.tar.gz' }));
    await bot.head({ bucket: state, key: 'asked/state.tar.gz' });
  });

  it('are made below a user without any right to administer', async (t) => {
    const access = { ...server.access, accessKey: 'plain-user', secretKey: 'plain-user-secret' };
    await withClient(server.access, async (client) => {
      const call = (name: string) =>
        ({ operation: 'admin', bucket: 'minio', key: `admin/v3/${name}`, method: 'PUT' }) as const;
      const user = await new AdminSeal(server.access.secretKey).seal(
        Buffer.from(JSON.stringify({ secretKey: access.secretKey, status: 'enabled' })),
      );
      for (const request of [
        { ...call('add-user'), query: { accessKey: access.accessKey }, body: bodyOf(user) },
        {
          ...call('set-user-or-group-policy'),
          query: { policyName: 'readwrite', userOrGroup: access.accessKey, isGroup: 'false' },
        },
      ]) {
        const answer = await client.send(request);
        expectDone(answer.status, await text(answer.body));
      }
    });
    const made = await credentials(t, { access });
    assert.equal(made.kind, 'service-account');
    const before = open(t, await usableKeys(made, keysOf('below')));
    await put(before, state, 'below/state.tar.gz');
    const now = open(t, await usableKeys(made, keysOf('below')));
    await denied(put(before, state, 'below/state.tar.gz'));
    await put(now, state, 'below/state.tar.gz');
  });

  it('are refused where the id or the code key would mean more than itself', async (t) => {
    const made = await credentials(t);
    for (const botId of ['*', 'a/b', '..', 'b?', '$' + '{aws:username}', '']) {
      await assert.rejects(usableKeys(made, keysOf(botId, 'u/n/1')), trouble('refused'), botId);
    }
    await assert.rejects(usableKeys(made, keysOf('fine', 'u/*/1')), trouble('refused'));
  });

  it('are those of the runtime where the store can do neither, and that is said; named ways are not given up', async (t) => {
    const endpoint = await storeWithoutKeys(t);
    const access = { ...server.access, endpoint };
    const made = await credentials(t, { access });
    assert.equal(made.kind, 'shared');
    assert.equal(await usableKeys(made, keysOf('shared')), null);
    const [sentence = ''] = made.troubles;
    assert.match(
      sentence,
      /makes no keys for single bots.*501 NotImplemented.*AssumeRole.*could reach the data of all bots/,
    );
    assert.ok(!sentence.includes(access.secretKey));
    assert.deepEqual((await credentials(t, { access, mode: 'shared' })).troubles, []);
    const named = await credentials(t, { access, mode: 'service-account' });
    await assert.rejects(usableKeys(named, keysOf('shared')), trouble('refused'));
  });

  it('wait for a store that is away no longer than they may, and are made when it is back', async (t) => {
    const port = await freePort();
    const access = { ...server.access, endpoint: `127.0.0.1:${port}` };
    const made = await credentials(t, { access, deadlineMs: 5_000 });
    assert.equal(made.kind, null);
    await assert.rejects(usableKeys(made, keysOf('patient')), trouble('unreachable'));
    await proxy(t, port, () => false);
    const back = open(t, await usableKeys(made, keysOf('patient')));
    await put(back, state, 'patient/state.tar.gz');
  });

  it('are known before they are usable, except as long as none could be made', async (t) => {
    const port = await freePort();
    let isBroken = false;
    await proxy(t, port, (request) => isBroken && request.url?.startsWith('/minio/admin/') === true);
    const made = await credentials(t, { access: { ...server.access, endpoint: `127.0.0.1:${port}` } });
    const first = await made.keysFor(keysOf('early'));
    await first?.usable;
    isBroken = true;
    const second = await made.keysFor(keysOf('early'));
    await assert.rejects(async () => await second?.usable, trouble('refused'));
    await assert.rejects(made.keysFor(keysOf('early')), trouble('refused'));
    await assert.rejects(made.keysFor({ ...keysOf('early'), purpose: 'query' }), trouble('refused'));
    isBroken = false;
    const own = open(t, await usableKeys(made, keysOf('early')));
    await put(own, state, 'early/state.tar.gz');
    const asked = open(t, await usableKeys(made, { ...keysOf('early'), purpose: 'query' }));
    assert.notEqual(await asked.head({ bucket: state, key: 'early/state.tar.gz' }), null);
  });

  it('are made with four calls for a new bot, and renewed with one from then on, by another process too', async (t) => {
    const port = await freePort();
    let calls: string[] = [];
    await proxy(t, port, (request) => {
      const call = /^\/minio\/admin\/v3\/([a-z-]+)/.exec(request.url ?? '')?.[1];
      if (call !== undefined) calls.push(call);
      return false;
    });
    const access = { ...server.access, endpoint: `127.0.0.1:${port}` };
    const renewal = 'update-service-account';
    for (const expected of [[renewal, 'add-user', 'import-iam', renewal], [renewal]]) {
      const made = await credentials(t, { access });
      calls = [];
      const own = open(t, await usableKeys(made, keysOf('counted')));
      assert.deepEqual(calls, expected);
      await put(own, state, 'counted/state.tar.gz');
      calls = [];
      await usableKeys(made, keysOf('counted'));
      assert.deepEqual(calls, [renewal]);
    }
  });

  it('leave no signal behind when they are usable, known already, or shared', async (t) => {
    const made = await credentials(t);
    const shared = await credentials(t, { mode: 'shared' });
    const query = { ...keysOf('quiet'), purpose: 'query' } as const;
    const askAll = async () => {
      await usableKeys(made, keysOf('quiet'));
      await usableKeys(made, query);
      assert.equal(await shared.keysFor(query), null);
    };
    await askAll();
    const before = await signalsKept();
    for (let i = 0; i < 15; i += 1) await askAll();
    const more = (await signalsKept()) - before;
    assert.ok(more < 10, `${more} signals are kept`);
  });

  /** An S3 server that is no MinIO: it knows neither the admin API nor STS. */
  async function storeWithoutKeys(t: TestContext): Promise<string> {
    const port = await freePort();
    await proxy(t, port, (request) => request.url?.startsWith('/minio/') === true || request.url === '/');
    return `127.0.0.1:${port}`;
  }

  async function proxy(
    t: TestContext,
    port: number,
    isUnknown: (request: http.IncomingMessage) => boolean,
  ): Promise<void> {
    const [host, to] = server.access.endpoint.split(':');
    const front = http.createServer((request, response) => {
      if (isUnknown(request)) {
        request.resume();
        response.writeHead(501).end('<Error><Code>NotImplemented</Code><Message>no</Message></Error>');
        return;
      }
      const { method, url, headers } = request;
      const onward = http.request({ host, port: to, method, path: url, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => front.listen(port, '127.0.0.1', resolve));
    t.after(() => {
      front.closeAllConnections();
      front.close();
    });
  }
});
