import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { LiveLog } from '../../../src/agent/logs/live-log.ts';
import { liveLogSubject, NatsPublisher } from '../../../src/agent/logs/nats-publisher.ts';
import { eventually } from '../../admin/admin-fixture.ts';
import { needsNats, startNats } from '../../services/nats.ts';

const LIMITS = {
  name: 'the0-agent',
  reconnectMs: 5,
  reconnectCapMs: 20,
  silenceMs: 150_000,
  unsentBytes: 1024 * 1024,
};

function publisherTo(
  t: TestContext,
  servers: string,
  troubles: (string | null)[] = [],
  limits: Partial<typeof LIMITS> = {},
): NatsPublisher {
  const publisher = new NatsPublisher({
    ...LIMITS,
    ...limits,
    servers,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  t.after(() => publisher.close(1_000));
  return publisher;
}

/** Everything published on `the0.bot.logs.>`, as `subject payload`. */
function subscriberTo(t: TestContext, url: string): { text: () => string } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {}); // The server is stopped in between.
  socket.write('CONNECT {"verbose":false}\r\nSUB the0.bot.logs.> 1\r\nPING\r\n');
  return { text: () => text };
}

describe('with a real NATS server', needsNats(), () => {
  test('lines are published on the subject of their bot, whole and in order', async (t) => {
    const server = await startNats();
    t.after(() => server.remove());
    const seen = subscriberTo(t, server.url);
    await eventually('the subscription', () => seen.text().includes('PONG'));
    const publisher = publisherTo(t, server.url);
    await eventually('the connection', () => publisher.connected);
    const live = new LiveLog(publisher, liveLogSubject('grid trader/1'), { gatherMs: 5, mostBytes: 16 });
    live.receive(Buffer.from('one\ntwo\n'));
    live.receive(Buffer.from('three\nfour\nfive\n'));
    live.receive(Buffer.from(`${'#'.repeat(40)}\n`));
    await eventually('all of it', () => (seen.text().match(/#/g) ?? []).length === 40);
    assert.match(seen.text(), /MSG the0\.bot\.logs\.grid_trader_1 1 8\r\none\ntwo\n\r\n/);
    assert.match(seen.text(), /MSG \S+ 1 16\r\nthree\nfour\nfive\n\r\n/);
  });

  test('the connection comes back after the server was away, and both is told once', async (t) => {
    const server = await startNats();
    t.after(() => server.remove());
    const troubles: (string | null)[] = [];
    const publisher = publisherTo(t, server.url, troubles);
    await eventually('the connection', () => publisher.connected);
    await server.stop();
    await eventually('the loss', () => !publisher.connected);
    assert.equal(publisher.publish('the0.bot.logs.a', Buffer.from('lost\n')), false);
    await server.start();
    await eventually('the connection again', () => publisher.connected);
    assert.equal(troubles.length, 2);
    assert.match(troubles[0] ?? '', /^no live log: NATS at 127\.0\.0\.1:\d+/);
    assert.equal(troubles[1], null);
    assert.equal(publisher.publish('the0.bot.logs.a', Buffer.from('there\n')), true);
  });
});

test('what is told of a refusal holds no credential, and the next server is tried', async (t) => {
  const troubles: (string | null)[] = [];
  let greeting = '';
  const refusing = await listen(t, (socket) => {
    socket.write('INFO {"max_payload":1024}\r\n');
    socket.on('data', () => socket.end("-ERR 'Authorization Violation'\r\n"));
  });
  const good = await listen(t, (socket) => {
    socket.write('INFO {"max_payl');
    socket.write('oad":1024}\r\n');
    socket.on('data', (chunk) => {
      greeting += chunk;
      if (greeting.includes('PING\r\n')) socket.write('PONG\r\n');
    });
  });
  const publisher = publisherTo(t, `nats://bob:s3cret@${refusing}, nats://t0ken@${good}`, troubles);
  await eventually('the connection', () => publisher.connected);
  assert.match(greeting, /"auth_token":"t0ken"/);
  assert.equal(publisher.maxPayloadBytes, 1024);
  assert.equal(publisher.publish('s', Buffer.alloc(2000)), false);
  assert.match(troubles[0] ?? '', /Authorization Violation/);
  assert.doesNotMatch(troubles.join(' '), /s3cret|t0ken|bob/);
});

test('a server that says nothing any more is left, and the next is tried', async (t) => {
  const troubles: (string | null)[] = [];
  let connections = 0;
  const silent = await listen(t, (socket) => {
    connections += 1;
    socket.write('INFO {"max_payload":1024}\r\n');
    socket.once('data', () => socket.write('PONG\r\n'));
  });
  publisherTo(t, silent, troubles, { silenceMs: 100 });
  await eventually('another connection', () => connections > 1);
  assert.match(troubles[0] ?? '', /no answer/);
});

test('a server that does not speak NATS, or asks for TLS, is told as such', async (t) => {
  for (const [greeting, told] of [
    ['HTTP/1.1 400 Bad Request\r\nINFO nonsense\r\n', /does not speak NATS/],
    ['x'.repeat(100_000), /does not speak NATS/],
    ['INFO {"tls_required":true}\r\n', /asks for TLS/],
  ] as const) {
    const troubles: (string | null)[] = [];
    publisherTo(t, await listen(t, (socket) => socket.write(greeting)), troubles);
    await eventually('the trouble', () => troubles.length > 0);
    assert.match(troubles[0] ?? '', told);
  }
});

test('a server that does not read costs no memory without bound', async (t) => {
  const silent = await listen(t, (socket) => {
    socket.write('INFO {"max_payload":1048576}\r\n');
    socket.once('data', () => {
      socket.write('PONG\r\n');
      socket.pause();
    });
  });
  const publisher = publisherTo(t, silent);
  await eventually('the connection', () => publisher.connected);
  const payload = Buffer.alloc(256 * 1024);
  let taken = 0;
  // Far more than the sockets' own buffers and the publisher's bound.
  for (let message = 0; message < 1_000; message++) if (publisher.publish('s', payload)) taken += 1;
  assert.ok(taken < 100, `${taken} messages of 256 KiB were taken`);
});

async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The other side gives up on it.
    onConnection(socket);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `127.0.0.1:${address.port}`;
}
