import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ask, frontEnd, OK, rawBot, response, route, until } from './fixture.ts';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

test('/health answers any method, without a token too', async (t) => {
  const { port } = (await frontEnd(t, { token: 'secret' })).address;
  for (const method of ['GET', 'POST', 'DELETE']) {
    const { status, text } = await ask(port, '', { path: '/health', method });
    assert.deepEqual([status, text], [200, '{"status":"ok"}']);
  }
  assert.deepEqual(await ask(port, '', { path: '/health', method: 'HEAD' }).then((r) => [r.status, r.text]), [200, '']);
});

test('another method on /query is 405 in the error shape', async (t) => {
  const { port } = (await frontEnd(t)).address;
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const { status, text, headers } = await ask(port, '', { method });
    assert.equal(status, 405);
    assert.equal(headers.get('content-type'), 'application/json');
    const { timestamp, ...rest } = JSON.parse(text);
    assert.deepEqual(rest, { status: 'error', error: 'method not allowed', duration: 0 });
    assert.match(timestamp, RFC3339);
  }
});

test('other paths are 404 in plain text', async (t) => {
  const { port } = (await frontEnd(t)).address;
  for (const path of ['/', '/query/', '/queries', '/health/x']) {
    const { status, headers, text } = await ask(port, '{}', { path });
    assert.equal(status, 404, path);
    assert.match(headers.get('content-type') ?? '', /^text\/plain/);
    assert.throws(() => JSON.parse(text));
  }
});

test('a query string on /query does not matter', async (t) => {
  const { port } = (await frontEnd(t)).address;
  assert.equal((await ask(port, {}, { path: '/query?x=1' })).status, 400);
});

test('an answer has status, data, whole nanoseconds, a time stamp and a trailing newline', async (t) => {
  const bot = await rawBot(t, response('{"status":"ok","data":{"any":"json"}}'));
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const { status, headers, text } = await ask(front.address.port, { bot_id: 'b', query_path: '/x' });
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'application/json');
  assert.ok(text.endsWith('}\n'));
  const answer = JSON.parse(text);
  assert.deepEqual(Object.keys(answer), ['status', 'data', 'duration', 'timestamp']);
  assert.deepEqual([answer.status, answer.data], ['ok', { any: 'json' }]);
  assert.ok(Number.isInteger(answer.duration) && answer.duration > 0);
  assert.match(answer.timestamp, RFC3339);
});

test('absent data is omitted, null is kept, any other status than error is 200', async (t) => {
  const bodies = new Map([
    ['/absent', '{"status":"ok"}'],
    ['/null', '{"status":"ok","data":null}'],
    ['/odd', '{"status":"weird","data":[1]}'],
    ['/none', '{"data":2}'],
    ['/case', '{"STATUS":"ok","Data":3,"unknown":{}}'],
    ['/literal', 'null'],
    ['/both', '{"status":"partly","data":4,"error":"half"}'],
    ['/error', '{"status":"error","error":"no such thing"}'],
    ['/Error', '{"status":"Error","error":"capital"}'],
  ]);
  const bot = await rawBot(t, (socket, { target }) =>
    // The status line must not matter.
    socket.write(response(bodies.get(target) ?? '', 'HTTP/1.1 418 Teapot')),
  );
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const seen: Record<string, unknown> = {};
  for (const path of bodies.keys()) {
    const { status, text } = await ask(front.address.port, { bot_id: 'b', query_path: path });
    const { duration: _, timestamp: __, ...rest } = JSON.parse(text);
    seen[path] = [status, rest];
  }
  assert.deepEqual(seen, {
    '/absent': [200, { status: 'ok' }],
    '/null': [200, { status: 'ok', data: null }],
    '/odd': [200, { status: 'weird', data: [1] }],
    '/none': [200, { status: '', data: 2 }],
    '/case': [200, { status: 'ok', data: 3 }],
    '/literal': [200, { status: '' }],
    '/both': [200, { status: 'partly', data: 4, error: 'half' }],
    '/error': [500, { status: 'error', error: 'no such thing' }],
    '/Error': [200, { status: 'Error', error: 'capital' }],
  });
});

test('integers beyond 2^53 and odd spacing come through as the bot wrote them', async (t) => {
  const data = '{ "order": 12345678901234567890,\n "price": 1.10, "né": "\\u00e9" }';
  const bot = await rawBot(t, response(`{"status":"ok","data":${data}}`));
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const { text } = await ask(front.address.port, { bot_id: 'b', query_path: '/x' });
  assert.ok(text.includes(data));
});

test('what has no route is refused in the words of the supervisor', async (t) => {
  const front = await frontEnd(t, {
    askWhy: async (botId) => {
      if (botId === 'mute') return { kind: 'no-query-entrypoint' };
      if (botId === 'bare') return { kind: 'no-entrypoints' };
      if (botId === 'down') return { kind: 'not-running', sentence: 'it crashed and is tried again in 4 s' };
      return { kind: 'unknown-bot' };
    },
  });
  const { port } = front.address;
  const outcome = async (bot: string): Promise<unknown> => {
    const { status, text } = await ask(port, { bot_id: bot, query_path: '/x' });
    return [status, JSON.parse(text).error];
  };
  assert.deepEqual(await outcome('nobody'), [404, 'bot not found: nobody']);
  assert.deepEqual(await outcome('mute'), [404, 'bot mute does not have a query entrypoint']);
  assert.deepEqual(await outcome('bare'), [404, 'bot bare does not have entrypoints configured']);
  assert.deepEqual(await outcome('down'), [500, 'bot down is not running: it crashed and is tried again in 4 s']);
});

test('a route given as an answer is used at once', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t, { askWhy: async () => ({ kind: 'route', route: route(bot.port) }) });
  assert.equal((await ask(front.address.port, { bot_id: 'b', query_path: '/x' })).status, 200);
});

test('a supervisor that fails or says nothing costs an error, not the query server', async (t) => {
  const front = await frontEnd(t, {
    limits: { askDeadlineMs: 10 },
    askWhy: (botId) => (botId === 'silent' ? new Promise(() => {}) : Promise.reject(new Error('broken'))),
  });
  for (const bot of ['silent', 'broken']) {
    const { status, text } = await ask(front.address.port, { bot_id: bot, query_path: '/x' });
    assert.equal(status, 500);
    assert.match(JSON.parse(text).error, /supervisor did not say why/);
  }
});

test('with a token set, a query without it is 401 in the error shape and asks nobody', async (t) => {
  let asked = 0;
  const front = await frontEnd(t, {
    token: 'geheim',
    askWhy: async () => {
      asked += 1;
      return { kind: 'unknown-bot' };
    },
  });
  const { port } = front.address;
  const body = { bot_id: 'b', query_path: '/x' };
  for (const authorization of [undefined, 'geheim', 'Bearer falsch', 'Basic geheim', 'Bearer geheimer', 'Bearer']) {
    const { status, text, headers } = await ask(
      port,
      body,
      authorization === undefined ? {} : { headers: { authorization } },
    );
    assert.equal(status, 401);
    assert.equal(JSON.parse(text).status, 'error');
    assert.equal(headers.get('www-authenticate'), 'Bearer');
    assert.ok(!text.includes('geheim'));
  }
  assert.equal(asked, 0);
  assert.equal((await ask(port, body, { headers: { authorization: 'bearer geheim' } })).status, 404);
});

test('an asker that goes away frees its place, and the connection to the bot is closed', async (t) => {
  const bot = await rawBot(t, () => {});
  const front = await frontEnd(t, { limits: { inFlightPerBot: 1, inFlightTotal: 1 } });
  front.setRoute('b', route(bot.port));
  const body = JSON.stringify({ bot_id: 'b', query_path: '/x' });
  for (let round = 1; round <= 3; round += 1) {
    const client = connect(front.address.port, '127.0.0.1');
    client.write(`POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => bot.requests.length === round, 'the bot is asked');
    client.destroy();
    await until(() => bot.open() === 0, 'the connection to the bot is closed');
  }
});

test('an asker that goes away within its body leaves nothing behind', async (t) => {
  const front = await frontEnd(t, { limits: { inFlightTotal: 1 } });
  const { port } = front.address;
  const client = connect(port, '127.0.0.1');
  client.write('POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"bot_id":');
  await until(async () => (await ask(port, {})).status === 503, 'its place is taken');
  client.destroy();
  await until(async () => (await ask(port, {})).status === 400, 'its place is free');
});

test('a body in pieces and a chunked body are read as one', async (t) => {
  const front = await frontEnd(t);
  const { port } = front.address;
  const answer = await new Promise<string>((resolve) => {
    const client = connect(port, '127.0.0.1');
    client.setNoDelay(true);
    const body = '{"bot_id":"split","query_path":"/x"}';
    const pieces = [`POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`, ...body];
    const next = (): void => {
      const piece = pieces.shift();
      if (piece === undefined) return;
      client.write(piece, () => setImmediate(next));
    };
    next();
    client.on('data', (data) => {
      resolve(data.toString());
      client.destroy();
    });
  });
  assert.match(answer, /bot not found: split/);
  const chunked = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"bot_id":"chu'));
      controller.enqueue(new TextEncoder().encode('nked","query_path":"/x"}'));
      controller.close();
    },
  });
  const init = { method: 'POST', body: chunked, duplex: 'half' as const };
  assert.match(await (await fetch(`http://127.0.0.1:${port}/query`, init)).text(), /bot not found: chunked/);
});
