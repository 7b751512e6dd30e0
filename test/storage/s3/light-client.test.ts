import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { bodyOf, StoreError } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';
import { bytesOf, trouble } from '../../conformance/storage/bytes.ts';
import { answer, rawServer, SECRET } from './raw-server.ts';

const PLACE = { bucket: 'bot-state', key: 'b1/state.tar.gz' };
const WRITE = { condition: null, contentType: 'text/plain' };

describe('answers of a store that misbehaves', () => {
  const broken: Readonly<Record<string, string>> = {
    'half a head': 'HTTP/1.1 200 OK\r\nContent-Le',
    'nothing at all': '',
    'no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'another version of HTTP': 'HTTP/2 200\r\n\r\n',
    'a header that is none': 'HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nETag: "a"\r\n\r\nhello!',
    'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\nETag: "a"\r\n\r\n',
    'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nETag: "a"\r\n\r\n',
    'a chunk without a size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: "a"\r\n\r\nxyz\r\nhello\r\n',
    'a head of a megabyte': `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(1024 * 1024)}`,
    'a head of many lines': `HTTP/1.1 200 OK\r\n${'X-More: 1\r\n'.repeat(100_000)}`,
    'interim answers without end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100),
    'no ETag': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  };
  for (const [what, bytes] of Object.entries(broken)) {
    it(`is unreachable when it answers with ${what}`, async (t) => {
      const { store } = await rawServer(t, (socket) => void socket.end(bytes));
      await assert.rejects(async () => await bytesOf(await store.read(PLACE)), trouble('unreachable'));
      await assert.rejects(store.write(PLACE, bodyOf(Buffer.from('a')), WRITE), trouble('unreachable'));
    });
  }

  it('is unreachable when a body ends early, with a length and with chunks', async (t) => {
    const halves = [
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "a"\r\n\r\nhello',
      'HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/10\r\nTransfer-Encoding: chunked\r\nETag: "a"\r\n\r\n5\r\nhello\r\n',
      'HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/10\r\nTransfer-Encoding: chunked\r\nETag: "a"\r\n\r\na\r\nhello',
    ];
    const { store } = await rawServer(t, (socket, connection) => socket.end(halves[connection] ?? ''));
    for (const options of [{}, { range: { from: 0, to: 10 } }, { range: { from: 0, to: 10 } }]) {
      const content = await store.read(PLACE, options);
      assert.ok(content, 'the head is whole');
      await assert.rejects(bytesOf(content), trouble('unreachable'));
    }
  });

  it('does not take an object whose length it does not say', async (t) => {
    const { store } = await rawServer(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nETag: "a"\r\n\r\nhello'));
    await assert.rejects(store.read(PLACE), trouble('unreachable'));
  });

  it('reads chunks cut anywhere, with extensions and trailers', async (t) => {
    const text =
      'HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-10/11\r\nETag: "a"\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '6;name=value\r\nhello \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n';
    const { store, connections } = await rawServer(t, (socket) => {
      const bytes = [...Buffer.from(text)];
      const next = () => {
        const byte = bytes.shift();
        if (byte !== undefined) socket.write(Buffer.from([byte]), () => setImmediate(next));
      };
      next();
    });
    for (let i = 0; i < 2; i += 1) {
      const content = await store.read(PLACE, { range: { from: 0, to: 11 } });
      assert.equal((await bytesOf(content)).toString(), 'hello world');
      assert.equal(content?.info.size, 11);
    }
    assert.equal(connections.length, 1, 'the connection is used again');
  });

  it('believes that there is nothing only in the words of a store: a proxy before it says 404, too', async (t) => {
    const said = ['<html>default backend - 404</html>', '<Error><Code>NoSuchKey</Code></Error>'];
    const { store } = await rawServer(t, (socket) => socket.write(answer('404 Not Found', said.shift() ?? '')));
    await assert.rejects(store.read(PLACE), trouble('unreachable'));
    assert.equal(await store.read(PLACE), null);
  });

  it('believes so too when it asks for no bytes, removes or lists: what it was told stands in the headers then', async (t) => {
    let said = answer('404 Not Found', '');
    const { store } = await rawServer(t, (socket) => socket.write(said));
    const asks = {
      head: () => store.head(PLACE),
      remove: async () => (await store.remove(PLACE)) ?? null,
      list: async () => (await Array.fromAsync(store.list(PLACE.bucket, ''))).length || null,
      bucketExists: async () => (await store.bucketExists(PLACE.bucket)) || null,
    };
    for (const [what, ask] of Object.entries(asks)) {
      said = answer('404 Not Found', '', { Server: 'nginx' });
      const foreign = { trouble: 'unreachable', message: /: 404 but not from the store$/ };
      await assert.rejects(ask(), foreign, `${what} believes a proxy`);
      for (const headers of [{ 'x-amz-request-id': '18EA3D0F5504E601' }, { 'x-minio-error-code': 'NoSuchKey' }]) {
        said = answer('404 Not Found', '', headers);
        assert.equal(await ask(), null, `${what} does not believe the store`);
      }
    }
  });

  it('refuses other bytes than those of the range', async (t) => {
    const { store } = await rawServer(t, (socket) => socket.write(answer('200 OK', 'everything')));
    await assert.rejects(store.read(PLACE, { range: { from: 3, to: 5 } }), trouble('refused'));
  });

  it('bounds what it reads of an answer that is too long', async (t) => {
    const { store } = await rawServer(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
      const more = () => {
        if (!socket.destroyed) socket.write(chunk, () => setImmediate(more));
      };
      more();
    });
    await assert.rejects(async () => {
      for await (const _ of store.list('bot-state', '')) assert.fail('there is no object in it');
    }, trouble('unreachable'));
  });

  it('is unreachable when it is silent, before the answer and in its middle', async (t) => {
    const { store } = await rawServer(
      t,
      (socket, connection) => {
        if (connection > 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "a"\r\n\r\nhello');
      },
      { silenceMs: 100 },
    );
    await assert.rejects(store.head(PLACE), trouble('unreachable'));
    // Together: on a busy machine the head of the answer may come too late as well.
    await assert.rejects(async () => bytesOf(await store.read(PLACE)), trouble('unreachable'));
  });

  it('is unreachable when it sends a byte now and then for ever', async (t) => {
    const { store } = await rawServer(
      t,
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
        const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('x')), 20);
      },
      { silenceMs: 5_000, callMs: 300 },
    );
    await assert.rejects(store.head(PLACE), trouble('unreachable'));
  });

  it('does not count the time that the reader takes', async (t) => {
    const { store } = await rawServer(t, (socket) => socket.write(answer('200 OK', 'x'.repeat(1_000_000))), {
      silenceMs: 1_500,
      callMs: 2_000,
    });
    const content = await store.read(PLACE);
    let bytes = 0;
    let hasPaused = false;
    for await (const chunk of content?.body ?? []) {
      bytes += chunk.length;
      if (!hasPaused) await new Promise((resolve) => setTimeout(resolve, 2_500));
      hasPaused = true;
    }
    assert.equal(bytes, 1_000_000);
  });

  it('is unreachable when it takes nothing of an upload', async (t) => {
    const { store } = await rawServer(t, (socket) => socket.pause(), { silenceMs: 200 });
    await assert.rejects(store.write(PLACE, bodyOf(Buffer.alloc(32 * 1024 * 1024)), WRITE), trouble('unreachable'));
  });

  it('hears a refusal that comes in the middle of an upload', async (t) => {
    const error = '<Error><Code>AccessDenied</Code></Error>';
    const { store } = await rawServer(t, (socket) => {
      socket.pause();
      socket.write(answer('403 Forbidden', error, { Connection: 'close' }));
    });
    await assert.rejects(store.write(PLACE, bodyOf(Buffer.alloc(32 * 1024 * 1024)), WRITE), trouble('denied'));
  });

  it('is unreachable when nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    await new Promise((resolve) => server.close(resolve));
    const access = { endpoint: `127.0.0.1:${address.port}`, accessKey: 'a', secretKey: 'b' };
    for (const ssl of [false, true]) {
      const store = openS3Store({ ...access, ssl });
      await assert.rejects(store.head(PLACE), trouble('unreachable'));
      store.close();
    }
  });

  it('is unreachable when a TLS handshake is not answered', async (t) => {
    const server = createServer((socket) => t.after(() => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const access = { endpoint: `127.0.0.1:${address.port}`, ssl: true, accessKey: 'a', secretKey: 'b' };
    const store = openS3Store(access, { ...DEFAULT_S3_LIMITS, connectMs: 200 });
    t.after(() => store.close());
    await assert.rejects(store.head(PLACE), trouble('unreachable'));
  });
});

describe('errors of a store', () => {
  const cases = [
    ['503 Service Unavailable', 'SlowDown', 'busy'],
    ['503 Service Unavailable', '', 'busy'],
    ['500 Internal Server Error', 'InternalError', 'busy'],
    ['429 Too Many Requests', '', 'busy'],
    ['507 Insufficient Storage', 'XMinioStorageFull', 'full'],
    ['403 Forbidden', 'SignatureDoesNotMatch', 'denied'],
    ['400 Bad Request', 'ExpiredToken', 'denied'],
    ['409 Conflict', 'ConditionalRequestConflict', 'changed'],
    ['412 Precondition Failed', 'PreconditionFailed', 'changed'],
    ['404 Not Found', 'NoSuchBucket', 'missing'],
    ['400 Bad Request', 'XAmzContentSHA256Mismatch', 'refused'],
    ['301 Moved Permanently', 'PermanentRedirect', 'refused'],
    ['501 Not Implemented', 'NotImplemented', 'refused'],
  ] as const;
  for (const [status, code, expected] of cases) {
    it(`calls ${status} ${code} ${expected}, and says the store's words for it`, async (t) => {
      const xml = code === '' ? 'Sorry' : `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;
      const { store } = await rawServer(t, (socket) => socket.write(answer(status, xml)));
      await assert.rejects(store.write(PLACE, bodyOf(Buffer.from('a')), WRITE), (error) => {
        assert.ok(trouble(expected)(error) && error instanceof StoreError);
        assert.match(error.message, /^put bot-state\/b1\/state\.tar\.gz: /);
        assert.ok(error.message.endsWith(`: ${status.slice(0, 3)} ${code}`.trimEnd()), error.message);
        return true;
      });
    });
  }

  it('finds the error in an answer that says 200', async (t) => {
    const { store, received } = await rawServer(t, (socket, connection, request) => {
      if (request === 0) socket.write(answer('200 OK', '<Result><UploadId>u1</UploadId></Result>'));
      else if (request === 1) socket.write(answer('200 OK', '<Error><Code>SlowDown</Code></Error>'));
      else socket.write(answer('204 No Content', ''));
      assert.equal(connection, 0);
    });
    const kept = { kind: 'kept', range: { from: 0, to: 10 } } as const;
    await assert.rejects(store.rewrite(PLACE, 'e1', [kept], { contentType: 'text/plain' }), trouble('busy'));
    assert.match(received[0] ?? '', /DELETE \/bot-state\/b1\/state\.tar\.gz\?uploadId=u1 /, 'the upload is aborted');
  });

  it('says when parts stay in the store because they could not be removed', async (t) => {
    const { store } = await rawServer(t, (socket, _, request) => {
      if (request === 0) socket.write(answer('200 OK', '<Result><UploadId>u1</UploadId></Result>'));
      else if (request === 1) socket.write(answer('412 Precondition Failed', ''));
      else socket.write(answer('503 Service Unavailable', ''));
    });
    const kept = { kind: 'kept', range: { from: 0, to: 10 } } as const;
    await assert.rejects(store.rewrite(PLACE, 'e1', [kept], { contentType: 'text/plain' }), (error) => {
      assert.ok(trouble('changed')(error) && error instanceof StoreError);
      assert.match(error.message, /412; its parts stay in the store \(rewrite .*: 503\)$/);
      return true;
    });
  });

  it('never shows a credential or a signature', async (t) => {
    let signature = '';
    const { store, received } = await rawServer(t, (socket, connection) => {
      const head = received[connection] ?? '';
      signature = /Signature=([0-9a-f]{64})/.exec(head)?.[1] ?? '';
      const xml = `<Error><Code>${head.slice(0, 50)}</Code><Message>${head}${SECRET}</Message></Error>`;
      socket.end(answer('403 Forbidden', xml));
    });
    await assert.rejects(store.write(PLACE, bodyOf(Buffer.from('a')), WRITE), (error) => {
      assert.ok(trouble('denied')(error));
      const shown = inspect(error, { depth: 10 });
      assert.match(signature, /^[0-9a-f]{64}$/);
      for (const secret of [SECRET, 'an-access-key', 'a-session-token', signature]) {
        assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
      }
      return true;
    });
    assert.ok(!inspect(store, { depth: 10, showHidden: true }).includes(SECRET));
  });

  it('does not follow a listing that turns in circles', async (t) => {
    const page =
      '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>';
    const { store } = await rawServer(t, (socket) => socket.write(answer('200 OK', page)));
    await assert.rejects(async () => {
      for await (const _ of store.list('bot-state', '')) assert.fail('the pages are empty');
    }, trouble('unreachable'));
  });
});

describe('connections to the store', () => {
  it('keeps one for calls that follow each other, and closes it when it has nothing to do', async (t) => {
    const { store, connections } = await rawServer(t, (socket) => socket.write(answer('200 OK', '')), {
      keptMs: 2_000,
    });
    for (let i = 0; i < 5; i += 1) await store.bucketExists('bot-state');
    assert.equal(connections.length, 1);
    const [socket] = connections;
    await new Promise((resolve) => socket?.once('close', resolve));
    assert.equal(await store.bucketExists('bot-state'), true);
    assert.equal(connections.length, 2);
  });

  it('reads again on a new one when the kept one was just closed', async (t) => {
    const { store, received } = await rawServer(t, (socket, connection, request) => {
      if (connection === 0 && request === 1) socket.destroy();
      else socket.write(answer('200 OK', 'hello'));
    });
    for (let i = 0; i < 3; i += 1) assert.equal((await bytesOf(await store.read(PLACE))).toString(), 'hello');
    assert.equal(received.length, 2);
  });

  it('does not write again when the kept one was just closed: the write may have had its effect', async (t) => {
    const { store, received } = await rawServer(t, (socket, connection, request) => {
      if (connection === 0 && request === 1) socket.destroy();
      else socket.write(answer('200 OK', ''));
    });
    await store.bucketExists('bot-state');
    await assert.rejects(store.write(PLACE, bodyOf(Buffer.from('a')), WRITE), trouble('unreachable'));
    assert.equal(received.join('').match(/PUT /g)?.length, 1);
  });

  it('notices that the store has closed the kept one, and writes on a new one', async (t) => {
    const { store, connections } = await rawServer(t, (socket, connection) => {
      if (connection === 0) socket.end(answer('200 OK', ''));
      else socket.write(answer('200 OK', ''));
    });
    await store.bucketExists('bot-state');
    const [first] = connections;
    await new Promise((resolve) => (first?.destroyed ? resolve(null) : first?.once('close', resolve)));
    assert.equal(await store.write(PLACE, bodyOf(Buffer.from('a')), WRITE), 'e1');
    assert.equal(connections.length, 2);
  });

  it('does not use one on which more came than was asked for', async (t) => {
    const { store, connections } = await rawServer(t, (socket) =>
      socket.write(answer('200 OK', '') + answer('200 OK', 'not asked for')),
    );
    await store.bucketExists('bot-state');
    await store.bucketExists('bot-state');
    assert.equal(connections.length, 2);
  });

  it('has only a few at the same time, and all calls get their turn', async (t) => {
    let open = 0;
    let most = 0;
    const { store } = await rawServer(
      t,
      (socket) => {
        most = Math.max(most, ++open);
        setTimeout(() => {
          open -= 1;
          socket.write(answer('200 OK', ''));
        }, 10);
      },
      { connections: 3 },
    );
    const answers = await Promise.all(Array.from({ length: 30 }, () => store.bucketExists('bot-state')));
    assert.equal(answers.length, 30);
    assert.equal(most, 3);
  });

  it('says that it waited in vain when all of them are in use', async (t) => {
    const { store } = await rawServer(t, (socket) => socket.write(answer('200 OK', 'x'.repeat(100))), {
      connections: 1,
      callMs: 2_000,
    });
    const held = await store.read(PLACE);
    await assert.rejects(store.head(PLACE), trouble('unreachable'));
    await bytesOf(held);
    assert.ok(await store.head(PLACE), 'the connection is free again');
  });

  it('lets nobody wait once it is closed', async (t) => {
    const { store } = await rawServer(t, () => {}, { connections: 1 });
    const calls = [store.head(PLACE), store.head(PLACE)];
    setTimeout(() => store.close(), 50);
    for (const result of await Promise.allSettled(calls)) {
      assert.ok(result.status === 'rejected' && trouble('unreachable')(result.reason));
    }
    await assert.rejects(store.head(PLACE), trouble('unreachable'));
  });

  it('gives the connection of an aborted call back', async (t) => {
    const { store } = await rawServer(t, (socket, connection) => connection > 0 && socket.write(answer('200 OK', '')), {
      connections: 1,
    });
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 50);
    await assert.rejects(store.head(PLACE, ending.signal), /head bot-state\/b1\/state\.tar\.gz: aborted$/);
    assert.ok(await store.head(PLACE));
  });
});

describe('the address of the store', () => {
  it('is host and port; anything else is refused with a sentence', () => {
    for (const endpoint of ['minio', 'minio:9000', '10.0.0.1:9000', '[::1]:9000', 's3.eu-west-1.amazonaws.com']) {
      openS3Store({ endpoint, ssl: false, accessKey: 'a', secretKey: 'b' }).close();
    }
    for (const endpoint of ['', 'http://minio:9000', 'minio:99999', 'minio:9000/path', 'a b', '::1']) {
      assert.throws(
        () => openS3Store({ endpoint, ssl: false, accessKey: 'a', secretKey: 'b' }),
        /host:port without a scheme/,
      );
    }
  });
});
