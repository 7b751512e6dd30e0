import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver } from './driver.ts';

test('restart renews the container: stop, remove, start', () => {
  const bot = Driver.running().command('restart');
  assert.equal(bot.is, 'stopping/operator-restart');
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.equal(bot.is, 'starting/operator-restart');
  assert.deepEqual(bot.asked, ['start']);
  bot.done(bot.container({ containerId: 'c2' }));
  assert.equal(bot.is, 'running/started');
  assert.equal(bot.status.restarts, 0);
});

test('restart ends a backoff, with a new container', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash().command('restart');
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.deepEqual(bot.done(null).asked, ['start']);
  assert.equal(bot.state.attempt, 0);
});

test('restart during a start is done after it', () => {
  const bot = new Driver().desired().observed(null).command('restart');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.done(bot.container()).asked, ['stop c1']);
});

test('restart does not start a disabled bot', () => {
  const bot = new Driver().desired({ enabled: false }).observed(null).command('restart');
  assert.equal(bot.is, 'stopped/disabled');
  assert.deepEqual(bot.asked, []);
});

test('reset ends a backoff and forgets the failures', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash().command('reset');
  assert.equal(bot.is, 'starting/operator-reset');
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.state.attempt, 0);
});

test('reset does not touch a bot that runs', () => {
  const bot = Driver.running().command('reset');
  assert.deepEqual(bot.effects, []);
});

test('a question is answered with the status and changes nothing', () => {
  const bot = Driver.running();
  const before = bot.state;
  bot.tell({ kind: 'question', askId: 7 });
  assert.equal(bot.state, before);
  assert.deepEqual(bot.effects, [{ kind: 'answer', askId: 7, status: bot.status }]);
});

test('the status shows what runs where, since when and why', () => {
  const bot = Driver.running();
  const { id, kind, state, restarts, since, retryAt, endpoint, queryable, containerId, outdated } = bot.status;
  assert.deepEqual(
    { id, kind, state, restarts, since, retryAt, endpoint, queryable, containerId, outdated },
    {
      id: 'ema',
      kind: 'realtime',
      state: 'running',
      restarts: 0,
      since: bot.now,
      retryAt: null,
      endpoint: { host: '10.0.0.2', port: 9476 },
      queryable: true,
      containerId: 'c1',
      outdated: false,
    },
  );
});

test('an actor keeps only its newest few reasons', () => {
  const bot = Driver.running();
  for (let round = 0; round < 5; round += 1) {
    bot.pass(120_000).crash();
    bot.done(bot.container());
  }
  assert.deepEqual(
    bot.status.history.map((reason) => reason.code),
    ['started', 'bot-crashed', 'restart-after-crash', 'started'],
  );
});

test('each record carries what a restart of the runtime must not forget', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash();
  const record = bot.of('record')[0];
  assert.deepEqual(record?.memory, {
    incarnation: bot.state.lastIncarnation,
    attempt: 2,
    restarts: 2,
    backoffUntil: bot.status.retryAt,
    reason: record?.reason,
  });
});

test('keys that end are renewed with a new container, for a reason of its own', () => {
  const bot = Driver.running().command('renew-keys');
  assert.equal(bot.is, 'stopping/keys-renewed');
  assert.deepEqual(bot.asked, ['stop c1']);
  // Looked for again while the old container still runs.
  bot.command('renew-keys');
  assert.deepEqual(bot.effects, []);
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.equal(bot.is, 'starting/keys-renewed');
  bot.done(bot.container({ containerId: 'c2' }));
  assert.equal(bot.is, 'running/started');
  assert.equal(bot.status.restarts, 0);
});

test('the renewal of keys does not forget the failures of a bot that backs off', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash();
  const { attempt, retryAt } = bot.state;
  bot.command('renew-keys');
  assert.equal(bot.status.state, 'backing-off');
  assert.deepEqual([bot.state.attempt, bot.state.retryAt], [attempt, retryAt]);
});
