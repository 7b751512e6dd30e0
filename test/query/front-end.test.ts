import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createQueryFrontEnd } from '../../src/query/create-query-front-end.ts';
import { freePort } from '../services/free-port.ts';
import { ask, frontEnd, OK, rawBot, route, testLimits, until } from './fixture.ts';

const QUERY = { bot_id: 'b', query_path: '/x' };

for (const threads of [0, 1, 2]) {
  test(`with ${threads} threads: routes set before and after the start are known, withdrawn ones are not`, async (t) => {
    const bot = await rawBot(t, OK);
    const made = createQueryFrontEnd({
      host: '127.0.0.1',
      port: 0,
      threads,
      token: null,
      limits: testLimits,
      askWhy: async () => ({ kind: 'not-running', sentence: 'it was stopped' }),
      runQuery: async () => ({ kind: 'failed', error: 'nothing is run here' }),
      closeGraceMs: 50,
    });
    t.after(() => made.close());
    made.setRoute('before', route(bot.port));
    await made.start();
    const { port } = made.address;
    const status = async (id: string): Promise<number> =>
      (await ask(port, { bot_id: id, query_path: '/x' }, { headers: { connection: 'close' } })).status;
    assert.equal(await status('before'), 200);
    made.setRoute('after', route(bot.port));
    await until(async () => (await status('after')) === 200, 'the new route is known');
    made.setRoute('before', null);
    await until(async () => (await status('before')) === 500, 'the old route is gone');
  });

  test(`with ${threads} threads: a port in use is an error that names it`, async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => taken.close(resolve)));
    const address = taken.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(frontEnd(t, { threads, port: address.port }), {
      code: 'port-in-use',
      message: new RegExp(`port ${address.port} on 127.0.0.1`),
    });
  });

  test(`with ${threads} threads: another runtime on the same port is found, though threads can share one`, async (t) => {
    const first = await frontEnd(t, { threads });
    for (const others of [0, 1, 2]) {
      await assert.rejects(frontEnd(t, { threads: others, port: first.address.port }), { code: 'port-in-use' });
    }
  });

  test(`with ${threads} threads: after close the port is free again`, async (t) => {
    const port = await freePort();
    for (let round = 0; round < 2; round += 1) {
      const front = await frontEnd(t, { threads, port });
      const headers = { connection: 'close' };
      assert.equal((await ask(port, '', { path: '/health', method: 'GET', headers })).status, 200);
      await front.close();
    }
  });

  test(`with ${threads} threads: close lets queries in flight end`, async (t) => {
    let answer = (): void => {};
    const bot = await rawBot(t, (socket) => {
      answer = () => socket.write(OK);
    });
    const front = await frontEnd(t, { threads, closeGraceMs: 5000 });
    front.setRoute('b', route(bot.port));
    const asked = ask(front.address.port, QUERY);
    await until(() => bot.requests.length === 1, 'the bot is asked');
    const closed = front.close();
    answer();
    assert.equal((await asked).status, 200);
    await closed;
  });

  test(`with ${threads} threads: close does not wait for a hung bot`, async (t) => {
    const bot = await rawBot(t, () => {});
    const front = await frontEnd(t, { threads, closeGraceMs: 20 });
    front.setRoute('b', route(bot.port));
    const asked = ask(front.address.port, QUERY).catch(() => 'cut off');
    await until(() => bot.requests.length === 1, 'the bot is asked');
    await front.close();
    assert.equal(await asked, 'cut off');
  });
}

test('an address that is not of this machine is an error of its own', async (t) => {
  await assert.rejects(frontEnd(t, { host: '192.0.2.1' }), { code: 'port-unusable' });
});

test('explanations reach query threads', async (t) => {
  const front = await frontEnd(t, {
    threads: 2,
    askWhy: async (botId) => {
      if (botId === 'broken') throw new Error('the roster is on fire');
      return { kind: 'not-running', sentence: 'it is disabled' };
    },
    onTrouble: () => {},
  });
  const { port } = front.address;
  assert.match((await ask(port, QUERY)).text, /bot b is not running: it is disabled/);
  assert.match((await ask(port, { bot_id: 'broken', query_path: '/x' })).text, /did not say why/);
});

for (const threads of [1, 2]) {
  test(`of ${threads} query threads one dies: it is replaced, knows all routes, and the bots notice nothing`, async (t) => {
    const troubles: string[] = [];
    const bot = await rawBot(t, OK);
    const front = await frontEnd(t, { threads, onTrouble: (sentence) => troubles.push(sentence) });
    for (let i = 0; i < 50; i += 1) front.setRoute(`b${i}`, route(bot.port));
    const { port } = front.address;
    let stop = false;
    const wrong: string[] = [];
    let answered = 0;
    // Queries all the while, each on a connection of its own. The cut ones fail; no answer may be wrong.
    const asking = (async () => {
      for (let i = 0; !stop; i += 1) {
        const body = { bot_id: `b${i % 50}`, query_path: '/x' };
        const asked = await ask(port, body, { headers: { connection: 'close' } }).catch(() => null);
        if (asked === null) continue;
        answered += 1;
        if (asked.status !== 200) wrong.push(asked.text);
      }
    })();
    for (let kill = 1; kill <= 3; kill += 1) {
      front.killThread((kill - 1) % threads);
      await until(() => troubles.length === kill, 'the death is reported');
      const before = answered;
      await until(() => answered > before + 10, 'queries are answered again');
    }
    stop = true;
    await asking;
    assert.deepEqual(wrong, []);
    assert.match(troubles[0] ?? '', /query thread ended.*replaced/);
  });
}

test('a replacement gets the routes that changed while there was no thread', async (t) => {
  const bot = await rawBot(t, OK);
  const dead: string[] = [];
  const front = await frontEnd(t, { threads: 1, onTrouble: (sentence) => dead.push(sentence) });
  front.setRoute('gone', route(bot.port));
  front.killThread(0);
  await until(() => dead.length === 1, 'it is dead');
  front.setRoute('gone', null);
  front.setRoute('new', route(bot.port));
  const status = async (id: string): Promise<number> =>
    await ask(front.address.port, { bot_id: id, query_path: '/x' }).then(
      (asked) => asked.status,
      () => 0,
    );
  await until(async () => (await status('new')) === 200, 'the new route is known');
  assert.equal(await status('gone'), 404);
});

test('there is no thread to kill beyond those there are', async (t) => {
  const none = await frontEnd(t, { threads: 0 });
  assert.throws(() => none.killThread(0), RangeError);
  const one = await frontEnd(t, { threads: 1 });
  assert.throws(() => one.killThread(1), RangeError);
  assert.throws(() => one.killThread(-1), RangeError);
});
