import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ask, frontEnd, OK, rawBot, response, route, until } from './fixture.ts';

const QUERY = { bot_id: 'b', query_path: '/x' };

test('a request above the limit is 413 and the connection stays usable', async (t) => {
  const front = await frontEnd(t, { limits: { requestBytes: 1000 } });
  const { port } = front.address;
  for (const size of [1001, 3000, 7000]) {
    const { status, text } = await ask(port, 'x'.repeat(size));
    assert.equal(status, 413);
    assert.match(JSON.parse(text).error, /larger than 1000 bytes \(limit requestBytes\)/);
  }
  assert.equal((await ask(port, `{"x":"${'x'.repeat(992)}"}`)).status, 400, 'exactly at the limit');
});

test('who sends far more than the limit is cut off', async (t) => {
  const front = await frontEnd(t, { limits: { requestBytes: 1000 } });
  const client = connect(front.address.port, '127.0.0.1');
  t.after(() => client.destroy());
  let answer = '';
  client.on('data', (data) => {
    answer += data.toString();
  });
  const closed = new Promise((resolve) => client.on('close', resolve));
  client.on('error', () => {});
  client.write('POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
  client.write('x'.repeat(100_000));
  await closed;
  assert.match(answer, /^HTTP\/1.1 413 /);
});

test('an answer above the limit is an error that names the limit', async (t) => {
  const large = `{"status":"ok","data":"${'x'.repeat(200_000)}"}`;
  const heads = [
    response(large),
    `HTTP/1.0 200 OK\r\n\r\n${large}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
  ];
  const bot = await rawBot(t, (socket, _, nth) => socket.write(heads[nth - 1] ?? ''));
  const front = await frontEnd(t, { limits: { answerBytes: 100_000 } });
  front.setRoute('b', route(bot.port));
  for (const _ of heads) {
    const { status, text } = await ask(front.address.port, QUERY);
    assert.equal(status, 500);
    assert.match(JSON.parse(text).error, /^failed to execute query request: .*100000.*limit answerBytes/);
  }
});

test('an endless answer ends at the limit', async (t) => {
  const bot = await rawBot(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n{"status":"ok","data":"');
    const block = 'x'.repeat(64 * 1024);
    const more = (): void => {
      if (!socket.destroyed) socket.write(block, () => setImmediate(more));
    };
    more();
  });
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  assert.match((await ask(front.address.port, QUERY)).text, /limit answerBytes/);
  await until(() => bot.open() === 0, 'the bot is hung up on');
});

test('a large answer arrives whole, also with a slow reader', async (t) => {
  const data = 'é'.repeat(300_000);
  const bot = await rawBot(t, response(`{"status":"ok","data":"${data}"}`));
  const front = await frontEnd(t, { limits: { inFlightTotal: 1 } });
  front.setRoute('b', route(bot.port));
  assert.equal(JSON.parse((await ask(front.address.port, QUERY)).text).data, data);
  const slow = connect(front.address.port, '127.0.0.1');
  t.after(() => slow.destroy());
  const body = JSON.stringify(QUERY);
  slow.write(`POST /query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  let length = 0;
  slow.on('data', (piece) => {
    length += piece.length;
    slow.pause();
    setTimeout(() => slow.resume(), 1);
  });
  await until(() => length > 600_000, 'all is read');
  await until(async () => (await ask(front.address.port, {})).status === 400, 'its place is free');
});

test('an asker that takes nothing of its answer is cut off', async (t) => {
  const bot = await rawBot(t, response(`{"status":"ok","data":"${'x'.repeat(30_000_000)}"}`));
  // So long that it is also seen on a busy machine that its place is taken.
  const limits = { inFlightTotal: 1, stalledReaderMs: 1_000, answerBytes: 40_000_000 };
  const front = await frontEnd(t, { limits });
  front.setRoute('b', route(bot.port));
  const stalled = connect(front.address.port, '127.0.0.1');
  t.after(() => stalled.destroy());
  stalled.pause();
  const body = JSON.stringify(QUERY);
  stalled.write(`POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(async () => (await ask(front.address.port, {})).status === 503, 'its place is taken');
  await until(async () => (await ask(front.address.port, {})).status === 400, 'its place is free');
});

test('large bodies together are bounded', async (t) => {
  const bot = await rawBot(t, response(`{"status":"ok","data":"${'x'.repeat(500_000)}"}`));
  const front = await frontEnd(t, { limits: { heldBytes: 300_000 } });
  front.setRoute('b', route(bot.port));
  for (let i = 0; i < 3; i += 1) {
    const { status, text } = await ask(front.address.port, QUERY);
    assert.equal(status, 500);
    assert.match(text, /limit heldBytes/);
  }
  const front2 = await frontEnd(t, { limits: { heldBytes: 3_000_000 } });
  front2.setRoute('b', route(bot.port));
  // If memory were not given back, the later ones would fail.
  for (let i = 0; i < 20; i += 1) assert.equal((await ask(front2.address.port, QUERY)).status, 200);
});

test('one bot takes only so many queries, and a hung one costs the others nothing', async (t) => {
  const hung = await rawBot(t, () => {});
  const healthy = await rawBot(t, OK);
  const front = await frontEnd(t, { limits: { inFlightPerBot: 3 } });
  front.setRoute('hung', route(hung.port));
  front.setRoute('b', route(healthy.port));
  const { port } = front.address;
  const abort = new AbortController();
  const waiting = [1, 2, 3].map(() =>
    ask(port, { bot_id: 'hung', query_path: '/x' }, { signal: abort.signal }).catch(() => 'aborted'),
  );
  await until(() => hung.requests.length === 3, 'three are asked');
  const { status, headers, text } = await ask(port, { bot_id: 'hung', query_path: '/x' });
  assert.equal(status, 503);
  assert.equal(headers.get('retry-after'), '1');
  assert.match(JSON.parse(text).error, /limit inFlightPerBot 3/);
  for (let i = 0; i < 10; i += 1) assert.equal((await ask(port, QUERY)).status, 200);
  abort.abort();
  await Promise.all(waiting);
  await until(() => hung.open() === 0, 'the places are free');
});

test('all queries together are bounded', async (t) => {
  const hung = await rawBot(t, () => {});
  const front = await frontEnd(t, { limits: { inFlightTotal: 2 } });
  front.setRoute('b', route(hung.port));
  const { port } = front.address;
  const abort = new AbortController();
  const waiting = [1, 2].map(() => ask(port, QUERY, { signal: abort.signal }).catch(() => 'aborted'));
  await until(() => hung.requests.length === 2, 'two are asked');
  const { status, headers, text } = await ask(port, QUERY);
  assert.deepEqual([status, headers.get('retry-after')], [503, '1']);
  assert.match(JSON.parse(text).error, /limit inFlightTotal 2/);
  assert.equal((await ask(port, '', { path: '/health', method: 'GET' })).status, 200);
  abort.abort();
  await Promise.all(waiting);
});

test('questions to the supervisor are bounded, and shared by queries to one bot', async (t) => {
  const asked: string[] = [];
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const front = await frontEnd(t, {
    limits: { asksInFlight: 2 },
    askWhy: async (botId) => {
      asked.push(botId);
      await gate;
      return { kind: 'unknown-bot' };
    },
  });
  const { port } = front.address;
  const waiting = ['a', 'b', 'a', 'b', 'a'].map((id) => ask(port, { bot_id: id, query_path: '/x' }));
  await until(() => asked.length === 2, 'both are asked about');
  const refused = await ask(port, { bot_id: 'c', query_path: '/x' });
  assert.equal(refused.status, 503);
  assert.match(refused.text, /limit asksInFlight 2/);
  answer();
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    Array(5).fill(404),
  );
  assert.deepEqual(asked, ['a', 'b']);
});

test('a bot that never answers ends at the time the query names', async (t) => {
  const bot = await rawBot(t, () => {});
  const front = await frontEnd(t);
  front.setRoute('b', route(bot.port));
  const { status, text } = await ask(front.address.port, { ...QUERY, timeout_sec: 1 });
  assert.equal(status, 500);
  const answer = JSON.parse(text);
  assert.equal(answer.error, 'failed to execute query request: bot b did not answer within 1 s');
  assert.ok(answer.duration > 0.9e9);
  await until(() => bot.open() === 0, 'the bot is hung up on');
});

test('zero, negative and absent timeouts are the default, long ones are cut', async (t) => {
  const bot = await rawBot(t, () => {});
  const front = await frontEnd(t, { limits: { defaultTimeoutMs: 30, maxTimeoutMs: 60 } });
  front.setRoute('b', route(bot.port));
  const error = async (timeout: unknown): Promise<string> =>
    JSON.parse((await ask(front.address.port, { ...QUERY, timeout_sec: timeout })).text).error;
  for (const timeout of [0, -5, undefined, null]) assert.match(await error(timeout), /within 0.03 s$/);
  assert.match(await error(1_000_000), /within 0.06 s$/);
});

test('the supervisor has no longer than the query', async (t) => {
  const front = await frontEnd(t, {
    limits: { defaultTimeoutMs: 30, askDeadlineMs: 5000 },
    askWhy: () => new Promise(() => {}),
  });
  const { status, text } = await ask(front.address.port, QUERY);
  assert.equal(status, 500);
  assert.match(text, /within 0.03 s where bot b runs/);
});
