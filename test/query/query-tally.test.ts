import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueryFrontEnd } from '../../src/query/query-front-end.ts';
import { QUERY_BUCKETS_S } from '../../src/query/query-tally.ts';
import { ask, frontEnd, OK, rawBot, response, route, until } from './fixture.ts';

/** By who was asked and what came of it. */
function endedIn(front: QueryFrontEnd): Record<string, number> {
  return Object.fromEntries(front.figures().ended.map(({ way, outcome, count }) => [`${way}/${outcome}`, count]));
}

for (const threads of [0, 2]) {
  test(`with ${threads} threads: each query is counted once, by who was asked and what came of it`, async (t) => {
    const bot = await rawBot(t, OK);
    const failing = await rawBot(t, response('{"status":"error","error":"no"}'));
    const silent = await rawBot(t, () => {});
    const front = await frontEnd(t, {
      threads,
      token: 'secret',
      limits: { inFlightPerBot: 1 },
      askWhy: async (botId) => (botId === 'asleep' ? { kind: 'runnable', revision: 'r' } : { kind: 'unknown-bot' }),
      runQuery: async () => ({ kind: 'failed', error: 'it throws' }),
    });
    const { port } = front.address;
    front.setRoute('good', route(bot.port));
    front.setRoute('bad', route(failing.port));
    front.setRoute('silent', route(silent.port));
    const headers = { authorization: 'Bearer secret', connection: 'close' };
    const status = async (body: unknown, more = {}) => (await ask(port, body, { headers, ...more })).status;
    const question = (botId: string) => ({ bot_id: botId, query_path: '/x' });
    await until(async () => (await status(question('good'))) === 200, 'the route is known');
    const before = endedIn(front);
    assert.equal(await status(question('bad')), 500);
    assert.equal(await status(question('nobody')), 404);
    assert.equal(await status(question('asleep')), 500);
    assert.equal(await status('{'), 400);
    assert.equal(await status(question('good'), { headers: {} }), 401);

    const leave = new AbortController();
    const left = assert.rejects(status(question('silent'), { signal: leave.signal }));
    await until(() => silent.requests.length === 1, 'the bot is asked');
    assert.equal(front.figures().inFlight, 1);
    // Another thread than that of the first may take it, and lets it through.
    if (threads === 0) assert.equal(await status(question('silent')), 503);
    leave.abort();
    await left;
    await until(() => front.figures().inFlight === 0, 'nobody waits');
    assert.equal(before['bot/ok'], 1);
    assert.deepEqual(endedIn(front), {
      'bot/ok': 1,
      'bot/failed': 1,
      'none/not-found': 1 + (before['none/not-found'] ?? 0),
      'run/failed': 1,
      'none/bad-request': 1,
      'none/unauthorized': 1,
      'bot/left': 1,
      ...(threads === 0 ? { 'none/busy': 1 } : {}),
    });
    const [ofBots, ofRuns] = front.figures().took;
    assert.deepEqual([ofBots?.way, ofRuns?.way], ['bot', 'run']);
    assert.equal(ofBots?.buckets.length, QUERY_BUCKETS_S.length + 1);
    const sum = (buckets: readonly number[] = []) => buckets.reduce((total, count) => total + count, 0);
    assert.deepEqual([sum(ofBots.buckets), sum(ofRuns?.buckets)], [3, 1]);
    assert.ok(ofBots.sumSeconds > 0);
  });
}

test('what a thread has counted is not lost when it dies, and what was in flight in it is over', async (t) => {
  const bot = await rawBot(t, OK);
  const silent = await rawBot(t, () => {});
  const front = await frontEnd(t, { threads: 1, onTrouble: () => {} });
  const { port } = front.address;
  front.setRoute('good', route(bot.port));
  front.setRoute('silent', route(silent.port));
  const headers = { connection: 'close' };
  const query = (botId: string) => ask(port, { bot_id: botId, query_path: '/x' }, { headers });
  await until(async () => (await query('good')).status === 200, 'the route is known');
  const before = endedIn(front)['bot/ok'] ?? 0;
  const cut = assert.rejects(query('silent'));
  await until(() => front.figures().inFlight === 1, 'the bot is asked');
  front.killThread(0);
  await cut;
  await until(() => front.figures().threadsReplaced === 1, 'its death is noticed');
  assert.equal(front.figures().inFlight, 0);
  await until(async () => (await query('good').catch(() => null))?.status === 200, 'it answers again');
  assert.equal(endedIn(front)['bot/ok'], before + 1);
});
