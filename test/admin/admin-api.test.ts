import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { createAdminClient } from '../../src/admin/admin-client.ts';
import { AdminRefusal, RuntimeUnreachable } from '../../src/admin/admin-errors.ts';
import { startAdmin, temporaryDirectory } from './admin-fixture.ts';
import { FakeReadSide, reason, status, T0 } from './fake-read-side.ts';

const refusedWith = (code: string) => (error: unknown) => error instanceof AdminRefusal && error.code === code;

test('the list of bots carries states, sentences, times in ISO 8601 and endpoints as host:port', async (t) => {
  const { client } = await startAdmin(
    t,
    new FakeReadSide(
      status('a', { restarts: 3, endpoint: { host: '::1', port: 20_005 } }),
      status('b', { state: 'backing-off', endpoint: null, retryAt: T0 + 1000 }),
    ),
  );
  const [a, b] = await client.bots();
  assert.equal(a?.id, 'a');
  assert.equal(a?.type, 'realtime');
  assert.equal(a?.restarts, 3);
  assert.equal(a?.since, '2026-03-14T15:09:26.000Z');
  assert.equal(a?.endpoint, '[::1]:20005');
  assert.equal(a?.reason.code, 'first-start');
  assert.notEqual(a?.reason.text, '');
  assert.equal(b?.endpoint, null);
  assert.equal(b?.retryAt, '2026-03-14T15:09:27.000Z');
});

test('why gives the bot with its timeline, newest last', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.timelines.set('a', [
    { from: 'waiting', to: 'starting', reason: reason() },
    { from: 'starting', to: 'running', reason: reason({ at: T0 + 5 }) },
  ]);
  const { client } = await startAdmin(t, readSide);
  const { timeline } = await client.why('a');
  assert.deepEqual(
    timeline.map(({ to, at }) => [to, at]),
    [
      ['starting', '2026-03-14T15:09:26.000Z'],
      ['running', '2026-03-14T15:09:26.005Z'],
    ],
  );
});

test('a bot that nobody knows is refused by every command that names one', async (t) => {
  const { client } = await startAdmin(t, new FakeReadSide());
  await assert.rejects(client.why('ghost'), refusedWith('unknown-bot'));
  await assert.rejects(client.restart('ghost'), refusedWith('unknown-bot'));
  await assert.rejects(client.reset('ghost'), refusedWith('unknown-bot'));
  const { signal } = new AbortController();
  await assert.rejects(client.logs('ghost', { lines: 1, follow: false, signal }), refusedWith('unknown-bot'));
});

test('bot ids reach the runtime as they are, whatever is in them', async (t) => {
  const ids = ['..', '.', 'a/b', 'a b?x=1#y', '100%', 'süß', '\n'];
  const readSide = new FakeReadSide(...ids.map((id) => status(id)));
  const { client } = await startAdmin(t, readSide);
  for (const id of ids) assert.equal((await client.why(id)).bot.id, id);
});

test('restart and reset reach the read side', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  const { client } = await startAdmin(t, readSide);
  await client.restart('a');
  await client.reset('a');
  assert.deepEqual(readSide.calls, ['restart a', 'reset a']);
});

test('down answers when all bots have stopped, even while the server is being closed', async (t) => {
  const readSide = new FakeReadSide(status('a'), status('b'), status('c'));
  readSide.failed = ['c'];
  const admin = await startAdmin(t, readSide);
  let closed: Promise<void> | undefined;
  readSide.onDown = async () => {
    closed = admin.close();
  };
  const reply = await admin.client.down(60_000);
  assert.deepEqual([reply.stopped, reply.failed], [2, ['c']]);
  await closed;
  await assert.rejects(admin.client.overview(), RuntimeUnreachable);
});

test('a failure inside the runtime is told to the client and reported', async (t) => {
  const readSide = new FakeReadSide();
  readSide.list = async () => {
    throw new Error('shard 3 is gone');
  };
  const { client, errors } = await startAdmin(t, readSide);
  await assert.rejects(
    client.bots(),
    (error: unknown) => error instanceof AdminRefusal && /shard 3 is gone/.test(error.message),
  );
  assert.deepEqual(
    errors.map((error) => error.message),
    ['shard 3 is gone'],
  );
});

test('a query is forwarded to the front end with its token, and the answer handed on as it is', async (t) => {
  const seen: unknown[] = [];
  const frontEnd = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(request.method, request.url, request.headers.authorization, JSON.parse(body));
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"status":"error","error":"no such path","duration":1,"timestamp":"x"}\n');
    });
  });
  await new Promise<void>((resolve) => frontEnd.listen(0, '127.0.0.1', resolve));
  t.after(() => frontEnd.close());
  const address = frontEnd.address();
  assert.ok(address !== null && typeof address === 'object');

  const readSide = new FakeReadSide(status('a'));
  readSide.queryUrl = `http://127.0.0.1:${address.port}`;
  const { client } = await startAdmin(t, readSide, { queryToken: 'hush' });
  const answer = await client.query('a', { path: '/status', params: { pair: 'BTC/USD', n: 3 }, timeoutSeconds: 7 });
  assert.deepEqual(seen, [
    'POST',
    '/query',
    'Bearer hush',
    { bot_id: 'a', query_path: '/status', params: { pair: 'BTC/USD', n: 3 }, timeout_sec: 7 },
  ]);
  assert.equal(answer.httpStatus, 500);
  assert.equal(answer.body?.['error'], 'no such path');
});

test('a front end that is not there is named', async (t) => {
  const { client } = await startAdmin(t, new FakeReadSide(status('a')));
  await assert.rejects(client.query('a', { path: '/x' }), refusedWith('front-end-unreachable'));
});

test('a query larger than the limit is refused', async (t) => {
  const { client } = await startAdmin(t, new FakeReadSide(status('a')), { limits: { requestBytes: 100 } });
  await assert.rejects(
    client.query('a', { path: '/x', params: { p: 'y'.repeat(200) } }),
    refusedWith('request-too-large'),
  );
});

test('a request the runtime does not know is refused with a hint about versions', async (t) => {
  const { socketPath } = await startAdmin(t, new FakeReadSide());
  const { request } = await import('node:http');
  const reply = await new Promise<string>((resolve, reject) => {
    request({ socketPath, path: '/v2/bots', agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
  const { code, hint, format } = JSON.parse(reply);
  assert.equal(code, 'unknown-request');
  assert.match(hint, /same version/);
  assert.equal(format, 1);
});

test('a reply of a newer format is refused with a sentence', async (t) => {
  const socketPath = `${await temporaryDirectory(t)}/admin.sock`;
  const newer = createServer((_request, response) => response.end('{"format":2,"bots":{}}'));
  await new Promise<void>((resolve) => newer.listen(socketPath, resolve));
  t.after(() => newer.close());
  await assert.rejects(
    createAdminClient(socketPath, { answerMs: 60_000, queryMarginMs: 60_000 }).bots(),
    refusedWith('format-newer'),
  );
});

test('a runtime that never answers counts as unreachable', async (t) => {
  const socketPath = `${await temporaryDirectory(t)}/admin.sock`;
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(socketPath, resolve));
  t.after(() => {
    mute.closeAllConnections();
    mute.close();
  });
  await assert.rejects(
    createAdminClient(socketPath, { answerMs: 30, queryMarginMs: 30 }).bots(),
    (error: unknown) => error instanceof RuntimeUnreachable && /did not answer within 0.03 s/.test(error.message),
  );
});
