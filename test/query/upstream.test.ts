import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../services/free-port.ts';
import { ask, frontEnd, OK, rawBot, response, route, until } from './fixture.ts';

const BODY = '{"status":"ok","data":{"é":"☃","n":[1,2,3]}}';
const QUERY = { bot_id: 'b', query_path: '/x' };

/** Every shape of one answer that some server sends. The ones marked `end` are ended by closing the connection. */
const shapes: Record<string, { text: string; end?: boolean }> = {
  'HTTP/1.1 with Content-Length': { text: response(BODY) },
  'HTTP/1.0 with Content-Length': { text: response(BODY, 'HTTP/1.0 200 OK'), end: true },
  'HTTP/1.0 closed at the end': { text: `HTTP/1.0 200 OK\r\nServer: BaseHTTP\r\n\r\n${BODY}`, end: true },
  'bare line feeds': { text: response(BODY).replaceAll('\r\n', '\n'), end: true },
  'mixed line ends': { text: response(BODY).replace('\r\n', '\n') },
  'no reason phrase': { text: response(BODY, 'HTTP/1.1 200') },
  'blank lines in front': { text: `\r\n\n${response(BODY)}` },
  'interim responses first': {
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${response(BODY)}`,
  },
  'odd header spelling': { text: `HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh :  ${Buffer.byteLength(BODY)}  \r\n\r\n${BODY}` },
  'repeated Content-Length': {
    text: `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`,
  },
  chunked: { text: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks(BODY, '\r\n')}` },
  'chunked with bare line feeds': { text: `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n${chunks(BODY, '\n')}` },
  'chunked with extension and trailer': {
    text: `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n${chunks(BODY, '\r\n', ';a=b', 'X: y\r\n')}`,
  },
  'white space around the JSON': { text: response(` \r\n${BODY}\n\n`) },
};

function chunks(body: string, eol: string, extension = '', trailer = ''): string {
  const bytes = Buffer.from(body);
  let text = '';
  for (let at = 0; at < bytes.length; at += 7) {
    const piece = bytes.subarray(at, at + 7);
    text += `${piece.length.toString(16)}${extension}${eol}${piece.toString('latin1')}${eol}`;
  }
  // Pieces may cut a character: this text is bytes in latin1, as the other shapes are not.
  return Buffer.from(`${text}0${eol}${trailer}${eol}`, 'latin1').toString('latin1');
}

function bytesOf(name: string, text: string): Buffer {
  return Buffer.from(text, name.startsWith('chunked') ? 'latin1' : 'utf8');
}

for (const [name, { text, end }] of Object.entries(shapes)) {
  test(`understands: ${name}`, async (t) => {
    const bytes = bytesOf(name, text);
    const bot = await rawBot(t, (socket) => (end ? socket.end(bytes) : socket.write(bytes)));
    const front = await frontEnd(t);
    front.setRoute('b', route(bot.port));
    for (let round = 0; round < 2; round += 1) {
      const { status, text: answer } = await ask(front.address.port, QUERY);
      assert.deepEqual([status, JSON.parse(answer).data], [200, { é: '☃', n: [1, 2, 3] }]);
    }
    assert.equal(bot.accepted(), end ? 2 : 1, 'a connection that can be kept is used again');
  });
}

test('an answer may be cut anywhere', async (t) => {
  const texts = Object.entries(shapes).map(([name, shape]) => ({ bytes: bytesOf(name, shape.text), end: shape.end }));
  const bot = await rawBot(t, (socket, { target }) => {
    const [, shape = 0, cut = 0] = target.split('/').map(Number);
    const { bytes, end } = texts[shape] ?? { bytes: Buffer.alloc(0) };
    socket.setNoDelay(true);
    socket.write(bytes.subarray(0, cut), () =>
      setImmediate(() => (end ? socket.end(bytes.subarray(cut)) : socket.write(bytes.subarray(cut)))),
    );
  });
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  for (const [shape, { bytes }] of texts.entries()) {
    const cuts = Array.from({ length: bytes.length }, (_, cut) => cut);
    for (let at = 0; at < cuts.length; at += 20) {
      const some = cuts.slice(at, at + 20);
      const answers = await Promise.all(
        some.map((cut) => ask(front.address.port, { bot_id: 'b', query_path: `/${shape}/${cut}` })),
      );
      for (const [i, { status, text }] of answers.entries())
        assert.equal(status, 200, `shape ${shape} cut ${some[i]}: ${text}`);
    }
  }
});

test('an answer byte by byte', async (t) => {
  const bot = await rawBot(t, (socket) => dribble(socket, Buffer.from(response(BODY))));
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  assert.equal((await ask(front.address.port, QUERY)).status, 200);
});

function dribble(socket: Socket, bytes: Buffer): void {
  if (bytes.length === 0) return;
  socket.write(bytes.subarray(0, 1), () => setImmediate(() => dribble(socket, bytes.subarray(1))));
}

/** What is not an answer, and the words it must be refused with. */
const failures: Record<string, { text: string; words: RegExp }> = {
  'half a header': { text: 'HTTP/1.1 200 OK\r\nContent-Le', words: /^failed to execute query request: half an answer/ },
  'half a body': {
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status"',
    words: /^failed to execute query request: half an answer: .* 91 bytes/,
  },
  'half a chunked body': {
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"status"',
    words: /^failed to execute query request: half an answer/,
  },
  'half the JSON': {
    text: 'HTTP/1.0 200 OK\r\n\r\n{"status":"ok","da',
    words: /^failed to parse query response: unexpected end.*\(body: \{"status":"ok","da\)$/,
  },
  nothing: { text: '', words: /^failed to execute query request: EOF/ },
  'not HTTP': {
    text: 'SSH-2.0-OpenSSH\r\n\r\n',
    words: /^failed to execute query request: malformed HTTP response "SSH-2.0-OpenSSH"/,
  },
  'not HTTP, and no end of a header': {
    text: 'SSH-2.0-OpenSSH\r\n',
    words: /^failed to execute query request: malformed HTTP response "SSH-2.0-OpenSSH"/,
  },
  'a bad length': {
    text: 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}',
    words: /^failed to execute query request: bad Content-Length/,
  },
  'two lengths': {
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    words: /^failed to execute query request: bad Content-Length/,
  },
  'a bad chunk size': {
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    words: /^failed to execute query request: bad chunk size/,
  },
  'an endless header': {
    text: `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`,
    words: /^failed to execute query request: the header/,
  },
  'switched protocols': {
    text: 'HTTP/1.1 101 Switching\r\n\r\n',
    words: /^failed to execute query request: .*protocols/,
  },
  'not JSON': {
    text: response('<html>oops</html>'),
    words: /^failed to parse query response: .*\(body: <html>oops<\/html>\)$/,
  },
  'no body': {
    text: 'HTTP/1.1 204 No Content\r\n\r\n',
    words: /^failed to parse query response: unexpected end of JSON input \(body: \)$/,
  },
  'JSON and more': {
    text: response('{"status":"ok"} x'),
    words: /^failed to parse query response: .*after top-level value/,
  },
  'an array': { text: response('[1]'), words: /^failed to parse query response: not a JSON object/ },
  'a status of another type': {
    text: response('{"status":5}'),
    words: /^failed to parse query response: status is not a string/,
  },
  'an error of another type': {
    text: response('{"status":"error","error":{}}'),
    words: /^failed to parse query response: error is not a string/,
  },
};

for (const [name, { text, words }] of Object.entries(failures)) {
  test(`refuses with a reason: ${name}`, async (t) => {
    const bot = await rawBot(t, (socket) => socket.end(text));
    const front = await frontEnd(t);
    front.setRoute('b', route(bot.port));
    const answer = await ask(front.address.port, QUERY);
    assert.equal(answer.status, 500);
    const { status, error, data } = JSON.parse(answer.text);
    assert.deepEqual([status, data], ['error', undefined]);
    assert.match(error, words);
  });
}

test('of a long body that is not JSON only the beginning is repeated', async (t) => {
  const bot = await rawBot(t, response('x'.repeat(500_000)));
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  assert.ok((await ask(front.address.port, QUERY)).text.length < 1000);
});

test('params reach the bot in the body and in the URL', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const params = { limit: 5, text: 'a b&c=é', nested: { x: [1] }, none: null, yes: true };
  await ask(front.address.port, { bot_id: 'b', query_path: 'trades?since=1', params });
  const [request] = bot.requests;
  assert.equal(request?.method, 'POST');
  assert.equal(
    request.target,
    '/trades?since=1&limit=5&text=a%20b%26c%3D%C3%A9&nested=%7B%22x%22%3A%5B1%5D%7D&none=null&yes=true',
  );
  assert.deepEqual(JSON.parse(request.body), params);
  assert.match(request.head, /\r\ncontent-type: application\/json\r\n/i);
  assert.match(request.head, new RegExp(`\r\nhost: 127.0.0.1:${bot.port}\r\n`, 'i'));
});

test('without params there is no body', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  for (const params of [undefined, null, {}]) await ask(front.address.port, { ...QUERY, params });
  assert.deepEqual(
    bot.requests.map(({ target, body }) => [target, body]),
    Array(3).fill(['/x', '']),
  );
});

test('a path cannot smuggle a second request', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  await ask(front.address.port, { bot_id: 'b', query_path: '/x HTTP/1.1\r\nHost: y\r\n\r\nPOST /evil' });
  assert.equal(bot.requests.length, 1);
  assert.ok(!/\s/.test(bot.requests[0]?.target ?? ' '));
});

test('a kept connection that the bot has closed is replaced without the asker noticing', async (t) => {
  // Closes when the next request comes in: the front end cannot know before.
  const answered = new WeakSet<Socket>();
  const bot = await rawBot(t, (socket) => {
    if (answered.has(socket)) return socket.destroy();
    answered.add(socket);
    return socket.write(OK);
  });
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  for (let i = 0; i < 5; i += 1) assert.equal((await ask(front.address.port, QUERY)).status, 200);
  assert.equal(bot.accepted(), 5);
});

test('a request is never sent again once a byte of its answer came, nor more than once', async (t) => {
  const bot = await rawBot(t, (socket, _, nth) => {
    if (nth === 1) socket.write(OK);
    else if (nth === 2) socket.end('H');
    else socket.destroy();
  });
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  assert.equal((await ask(front.address.port, QUERY)).status, 200);
  assert.equal((await ask(front.address.port, QUERY)).status, 500);
  assert.equal(bot.requests.length, 2);
  assert.equal((await ask(front.address.port, QUERY)).status, 500);
  assert.equal(bot.requests.length, 3);
});

test('a silent close after the answer costs nothing', async (t) => {
  const bot = await rawBot(t, (socket) => socket.end(OK));
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  for (let i = 0; i < 20; i += 1) assert.equal((await ask(front.address.port, QUERY)).status, 200);
});

test('bytes beyond the announced length do not become part of the next answer', async (t) => {
  const bot = await rawBot(t, `${OK}${response('{"status":"ok","data":"stolen"}')}`);
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  for (let i = 0; i < 3; i += 1) assert.equal(JSON.parse((await ask(front.address.port, QUERY)).text).data, 1);
  assert.equal(bot.accepted(), 3);
});

test('idle connections are closed after their time', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t, { limits: { idleConnectionMs: 50 } });
  front.setRoute('b', route(bot.port));
  await ask(front.address.port, QUERY);
  await until(() => bot.accepted() === 1 && bot.open() === 0, 'the idle connection is closed');
});

test('the number of idle connections is bounded', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t, { limits: { idleConnections: 2 } });
  for (const id of ['a', 'b', 'c', 'd']) {
    front.setRoute(id, route(bot.port));
    await ask(front.address.port, { bot_id: id, query_path: '/x' });
  }
  await until(() => bot.open() === 2, 'only two stay open');
});

test('a new incarnation drops the connections of the old one', async (t) => {
  const bot = await rawBot(t, OK);
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port, 1));
  await ask(front.address.port, QUERY);
  front.setRoute('b', route(bot.port, 1));
  await ask(front.address.port, QUERY);
  assert.equal(bot.accepted(), 1, 'the same route again changes nothing');
  front.setRoute('b', route(bot.port, 2));
  await until(() => bot.open() === 0, 'the old connection is closed');
  await ask(front.address.port, QUERY);
  assert.equal(bot.accepted(), 2);
});

test('a query to a bot that is stopped meanwhile ends soon and says so', async (t) => {
  const bot = await rawBot(t, () => {});
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const asked = ask(front.address.port, QUERY);
  await until(() => bot.requests.length === 1, 'the bot is asked');
  front.setRoute('b', null);
  const { status, text } = await asked;
  assert.equal(status, 500);
  assert.match(
    JSON.parse(text).error,
    /^failed to execute query request: bot b was stopped or restarted before it answered/,
  );
});

test('a bot that has just started and does not listen yet is waited for', async (t) => {
  const port = await freePort();
  const front = await frontEnd(t, { limits: { connectPatienceMs: 10_000 } });
  front.setRoute('b', route(port));
  const asked = ask(front.address.port, QUERY);
  const early = await Promise.race([
    asked.then(() => 'answered'),
    new Promise((resolve) => setTimeout(resolve, 30, 'waiting')),
  ]);
  assert.equal(early, 'waiting');
  await rawBot(t, OK, port);
  assert.equal((await asked).status, 200);
});

test('a bot that ends over a question has failed it, however young it is', async (t) => {
  const bot = await rawBot(t, (socket, _request, nth) => {
    if (nth === 1) {
      socket.write(OK);
      return;
    }
    bot.stopListening();
    socket.destroy();
  });
  const front = await frontEnd(t, { limits: { connectPatienceMs: 1000 } });
  front.setRoute('b', route(bot.port));
  assert.equal((await ask(front.address.port, QUERY)).status, 200);
  const { status, text } = await ask(front.address.port, QUERY);
  assert.equal(status, 500);
  assert.match(JSON.parse(text).error, /EOF|reset/i);
  assert.equal(bot.requests.length, 2);
});

test('patience ends with the deadline of the query', async (t) => {
  const front = await frontEnd(t, { limits: { connectPatienceMs: 60_000, defaultTimeoutMs: 60 } });
  front.setRoute('b', route(await freePort()));
  const { status, text } = await ask(front.address.port, QUERY);
  assert.equal(status, 500);
  assert.match(JSON.parse(text).error, /^failed to execute query request: /);
});

test('a bot that does not listen and is not young is refused at once, with the likely cause', async (t) => {
  const front = await frontEnd(t);
  front.setRoute('b', route(await freePort()));
  const { status, text } = await ask(front.address.port, QUERY);
  assert.equal(status, 500);
  assert.match(
    JSON.parse(text).error,
    /^failed to execute query request: connect ECONNREFUSED.*query server does not listen/,
  );
});
