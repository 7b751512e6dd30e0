import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ask, dataOf, exchange, marker, type QueryServer, readToEnd, send, startQueryServer } from './query-client.ts';
import { SDK_DRIVERS, scratchDirectory, startProgram, stateDirectory, until } from './sdk-driver.ts';

const MIB = 1024 * 1024;

for (const driver of SDK_DRIVERS) {
  const isPython = driver.language === 'Python';

  describe(`The query server in ${driver.language}`, { skip: driver.skip, concurrency: 3 }, () => {
    it('says on stderr, in one line of JSON, that it listens', async (t) => {
      const server = await startQueryServer(t, driver);
      const line: unknown = JSON.parse(server.output().stderr);
      assert.ok(typeof line === 'object' && line !== null && '_log' in line && 'message' in line);
      assert.equal(line._log, 'info');
      assert.equal(line.message, `Query server started on port ${server.port}`);
    });

    it('answers what handlers return, and what they throw', async (t) => {
      const server = await startQueryServer(t, driver, { env: { BOT_CONFIG: '{"symbol":"BTC"}' } });
      assert.deepEqual(await ask(server, '/config'), { status: 200, body: { status: 'ok', data: { symbol: 'BTC' } } });
      assert.deepEqual(await ask(server, '/health'), { status: 200, body: { status: 'ok', data: { status: 'ok' } } });
      assert.deepEqual(await ask(server, '/boom'), error(500, 'boom'));
      assert.deepEqual(await ask(server, '/nan'), {
        status: 200,
        body: { status: 'ok', data: { x: null, y: [null, 1] } },
      });
      const unserialisable = await ask(server, '/unserialisable');
      assert.equal(unserialisable.status, 500);
      assert.match(JSON.stringify(unserialisable.body), /^\{"status":"error","error":".*serializ/);
      await until(
        () => /Query \/boom failed: .*boom \(.*queries\.\w+:\d+\)/.test(server.output().stderr),
        'the log line',
      );
    });

    it('lists all its paths, also its own', async (t) => {
      const server = await startQueryServer(t, driver);
      const info = JSON.stringify(await dataOf(server, '/info'));
      for (const path of ['/echo', '/boom', '/health', '/info']) assert.ok(info.includes(`"${path}"`), info);
    });

    it('answers 404 to paths without a handler, and takes no path for an address', async (t) => {
      const server = await startQueryServer(t, driver);
      for (const path of ['/missing', '//', '//echo', '/echo/', '/%65cho']) {
        const text = await exchange(t, server, get(path));
        assert.match(text, /^HTTP\/1\.1 404 /, path);
        assert.deepEqual(jsonBody(text), { status: 'error', error: `No handler for path: ${path}` });
      }
    });

    it('decodes parameters', async (t) => {
      const server = await startQueryServer(t, driver);
      const params = { symbol: 'BTC/€ & co', plus: 'a+b c', 'k=ä': '=', percent: '100%', __proto__x: 'y' };
      const data = await dataOf(server, `/echo?${new URLSearchParams(params)}#fragment`);
      assert.deepEqual(data, { path: '/echo', params, same: true });
      assert.deepEqual(await paramsOf(t, server, 'a=%zz&b=%&c=%4&d=%E2%82'), {
        a: '%zz',
        b: '%',
        c: '%4',
        d: '\ufffd',
      });
      assert.deepEqual(await paramsOf(t, server, '&&a=1&'), { a: '1' });
    });

    it(`takes the ${isPython ? 'first' : 'last'} of repeated parameters and ${isPython ? 'drops' : 'keeps'} blank ones`, async (t) => {
      const server = await startQueryServer(t, driver);
      const expected = isPython ? { a: '1' } : { a: '3', b: '', c: '' };
      assert.deepEqual(await paramsOf(t, server, 'a=1&a=2&a=3&b=&c'), expected);
    });

    it('reads parameters from a JSON body too, as strings; those of the URL win', async (t) => {
      const server = await startQueryServer(t, driver);
      const body = JSON.stringify({ a: 'body', b: 5, c: true, d: [1, 'x'], e: null, f: 'é' });
      assert.deepEqual(await dataOf(server, '/echo?a=url', { method: 'POST', body }), {
        path: '/echo',
        params: { a: 'url', b: '5', c: 'true', d: isPython ? '[1, "x"]' : '[1,"x"]', f: 'é' },
        same: true,
      });
    });

    it('takes a body that is no JSON object for none', async (t) => {
      const server = await startQueryServer(t, driver);
      for (const body of ['a=1', '[1]', 'null', '{"a":', '\ud800', '[['.repeat(50_000)]) {
        assert.deepEqual(await dataOf(server, '/echo', { method: 'PUT', body }), {
          path: '/echo',
          params: {},
          same: true,
        });
      }
    });

    it('answers any method, HEAD without a body', async (t) => {
      const server = await startQueryServer(t, driver);
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        assert.equal((await ask(server, '/health', { method })).status, 200, method);
      }
      const text = await exchange(t, server, 'HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const [head, body] = text.split('\r\n\r\n');
      assert.match(head ?? '', /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(head ?? '', /content-length: [1-9]/i);
      assert.equal(body, '');
    });

    it('counts the length of an answer in bytes', async (t) => {
      const server = await startQueryServer(t, driver);
      assert.equal(await dataOf(server, '/unicode'), 'größer ≥ 😀');
      const text = await exchange(t, server, get('/unicode'));
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      assert.equal(Buffer.byteLength(text.slice(text.indexOf('\r\n\r\n') + 4)), length);
    });

    it('sends a large answer whole, also to a client that reads late', async (t) => {
      const server = await startQueryServer(t, driver);
      assert.equal(await dataOf(server, '/big'), 'x'.repeat(MIB));
      const late = await send(t, server, get('/big'));
      late.pause();
      assert.equal((await ask(server, '/health')).status, 200);
      late.resume();
      assert.deepEqual(jsonBody(await readToEnd(late)), { status: 'ok', data: 'x'.repeat(MIB) });
    });

    it('keeps connections open and answers several requests on one, in order', async (t) => {
      const server = await startQueryServer(t, driver);
      const plain = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const text = await exchange(t, server, plain('/echo?n=1') + plain('/boom') + get('/echo?n=3'));
      assert.deepEqual(
        text.match(/"n": ?"\d"|boom/g)?.map((found) => found.replace(': ', ':')),
        ['"n":"1"', 'boom', '"n":"3"'],
      );
    });

    it('closes the connection after HTTP/1.0', async (t) => {
      const server = await startQueryServer(t, driver);
      assert.match(await exchange(t, server, 'GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 .*"ok"\}\}?$/s);
    });

    it('understands a request that comes in pieces', async (t) => {
      const server = await startQueryServer(t, driver);
      const pieces = [
        'POST /ec',
        'ho?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Le',
        'ngth: 9\r\n',
        '\r\n{"b"',
        ':"2"}',
      ];
      const socket = await send(t, server, '');
      for (const piece of pieces) {
        socket.write(piece);
        await ask(server, '/health'); // by now the server has seen the piece
      }
      assert.deepEqual(jsonBody(await readToEnd(socket)), {
        status: 'ok',
        data: { path: '/echo', params: { a: '1', b: '2' }, same: true },
      });
    });

    it('serves others while clients are slow, silent or gone', async (t) => {
      const server = await startQueryServer(t, driver);
      await send(t, server, '');
      await send(t, server, 'GET /ec');
      for (let gone = 0; gone < 20; gone += 1) (await send(t, server, get('/big'))).resetAndDestroy();
      (await send(t, server, 'GET /ec')).end();
      for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(server, '/health')).status, 200);
    });

    const refusals: [what: string, request: string, status: number][] = [
      ['a head of more than 64 KiB', `GET /echo HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
      [
        'a body of more than 1 MiB',
        `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${MIB + 1}\r\n\r\n${'y'.repeat(MIB + 1)}`,
        413,
      ],
      ['bytes that are not HTTP', 'hello there\r\n\r\n', 400],
      ['a header without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n', 400],
      ['a length that is no number', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n', 400],
    ];
    for (const [what, request, status] of refusals) {
      it(`refuses ${what} with ${status}, and goes on`, async (t) => {
        const server = await startQueryServer(t, driver);
        const text = await exchange(t, server, request);
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
        assert.match(text, /\r\n\r\n\{"status": ?"error", ?"error": ?"The request/);
        assert.equal((await ask(server, '/health')).status, 200);
      });
    }

    it('accepts a head of nearly 64 KiB', async (t) => {
      const server = await startQueryServer(t, driver);
      const value = 'y'.repeat(60_000);
      assert.deepEqual(await paramsOf(t, server, `a=${value}`), { a: value });
    });

    it('lets handlers read the state but not change it', async (t) => {
      const server = await startQueryServer(t, driver);
      storeKey(server);
      assert.equal(await dataOf(server, '/read'), 'from the bot');
      const written = await ask(server, '/write');
      assert.equal(written.status, 500);
      assert.match(
        JSON.stringify(written.body),
        /State modifications are not allowed during query execution\. Queries are read-only\./,
      );
      assert.equal(await dataOf(server, '/write-caught'), 'refused');
      assert.equal(await dataOf(server, '/read'), 'from the bot');
    });

    it('lets handlers change the state where THE0_QUERY_STATE_WRITES=allow', async (t) => {
      const server = await startQueryServer(t, driver, { env: { THE0_QUERY_STATE_WRITES: 'allow' } });
      storeKey(server);
      assert.equal(await dataOf(server, '/write'), true);
      assert.equal(await dataOf(server, '/read'), 'written by a query');
    });

    it(`runs handlers ${isPython ? 'one at a time' : 'at the same time'}`, async (t) => {
      const server = await startQueryServer(t, driver);
      const most = await Promise.all([1, 2, 3, 4].map(() => dataOf(server, isPython ? '/overlap' : '/overlap?most=4')));
      assert.equal(Math.max(...most.map(Number)), isPython ? 1 : 4);
    });

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`on ${signal} finishes what it was asked, calls the stop callbacks and exits with code 0`, async (t) => {
        const scratch = scratchDirectory(t);
        const server = await startQueryServer(t, driver, { scratch, env: { STOPPED_FILE: join(scratch, 'stopped') } });
        await send(t, server, ''); // an idle connection does not keep it
        const names = new URLSearchParams({ begun: marker(server, 'begun'), until: marker(server, 'go') });
        const slow = ask(server, `/slow?${names}`);
        await until(() => existsSync(marker(server, 'begun')), 'the handler to begin');
        server.child.kill(signal);
        writeFileSync(marker(server, 'go'), '');
        assert.deepEqual(await slow, { status: 200, body: { status: 'ok', data: 'done' } });
        const exit = await server.exit;
        assert.deepEqual([exit.code, exit.signal], [0, null], exit.stderr);
        assert.equal(existsSync(marker(server, 'stopped')), true);
      });
    }

    it('says which address is taken, and exits with code 1', async (t) => {
      const first = await startQueryServer(t, driver);
      const env = { BOT_TYPE: 'realtime', THE0_QUERY_PORT: String(first.port), THE0_QUERY_HOST: '127.0.0.1' };
      const exit = await startProgram(t, driver, 'queries', { scratch: first.scratch, env }).exit;
      assert.equal(exit.code, 1);
      assert.match(exit.stderr, new RegExp(`Query server cannot listen on 127\\.0\\.0\\.1:${first.port}: .*in use`));
    });

    it('exits with code 1 when the port is none', async (t) => {
      const env = { BOT_TYPE: 'realtime', THE0_QUERY_PORT: 'http' };
      const exit = await startProgram(t, driver, 'queries', { scratch: scratchDirectory(t), env }).exit;
      assert.equal(exit.code, 1);
      assert.match(exit.stderr, /THE0_QUERY_PORT must be a port number, not 'http'/);
    });

    if (isPython) {
      it('outlives a handler that ends the program', async (t) => {
        const server = await startQueryServer(t, driver);
        assert.deepEqual(await ask(server, '/quit'), error(500, 'The handler ended the program (exit code 7)'));
        assert.equal((await ask(server, '/health')).status, 200);
      });
    } else {
      it('gives each of several requests at once its own parameters', async (t) => {
        const server = await startQueryServer(t, driver);
        const same = await Promise.all([30, 20, 10, 0].map((wait) => dataOf(server, `/echo?wait=${wait}`)));
        assert.deepEqual(
          same,
          [30, 20, 10, 0].map((wait) => ({ path: '/echo', params: { wait: String(wait) }, same: true })),
        );
      });

      it('answers whatever a handler throws or leaves out', async (t) => {
        const server = await startQueryServer(t, driver);
        assert.deepEqual(await ask(server, '/symbol'), error(500, 'Symbol(odd)'));
        assert.match(JSON.stringify((await ask(server, '/type-error')).body), /"error":"TypeError: Cannot read/);
        assert.deepEqual(await ask(server, '/nothing'), { status: 200, body: { status: 'ok' } });
      });
    }
  });
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
}

function error(status: number, text: string) {
  return { status, body: { status: 'error', error: text } };
}

function jsonBody(response: string): unknown {
  return JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4));
}

/** The parameters that the server reads from a query string, sent byte by byte as it stands. */
async function paramsOf(t: TestContext, server: QueryServer, queryString: string): Promise<unknown> {
  const body = jsonBody(await exchange(t, server, get(`/echo?${queryString}`)));
  assert.ok(typeof body === 'object' && body !== null && 'data' in body);
  assert.ok(typeof body.data === 'object' && body.data !== null && 'params' in body.data);
  return body.data.params;
}

function storeKey(server: QueryServer): void {
  mkdirSync(stateDirectory(server.scratch), { recursive: true });
  writeFileSync(join(stateDirectory(server.scratch), 'key.json'), '"from the bot"');
  assert.equal(readFileSync(join(stateDirectory(server.scratch), 'key.json'), 'utf8'), '"from the bot"');
}
