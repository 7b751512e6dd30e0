import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver, SETTINGS, T0 } from './driver.ts';

test('before the first observation nothing is asked of the engine', () => {
  const bot = new Driver().desired();
  assert.equal(bot.is, 'waiting/not-yet-observed');
  assert.deepEqual(bot.effects, []);
});

test('a desired bot without a container is started, with the flood', () => {
  const bot = new Driver().desired().observed(null);
  assert.equal(bot.is, 'starting/first-start');
  assert.deepEqual(bot.of('start'), [
    { kind: 'start', botId: 'ema', incarnation: T0, specRevision: 'r1', inPlace: null, priority: 'flood' },
  ]);
});

test('a confirmed start makes it running, with a route and without timers', () => {
  const bot = Driver.running();
  assert.equal(bot.is, 'running/started');
  assert.deepEqual(bot.status.reason.facts, { tookMs: 100 });
  assert.deepEqual(bot.of('route'), [
    { kind: 'route', botId: 'ema', route: { endpoint: { host: '10.0.0.2', port: 9476 }, incarnation: T0 } },
  ]);
  assert.deepEqual(bot.of('cancel-timer'), [{ kind: 'cancel-timer', key: 'deadline' }]);
  assert.deepEqual(bot.timers, []);
});

test('a bot without a query entry point has no route', () => {
  const bot = new Driver().desired({ queryEntrypoint: null }).observed(null);
  bot.done(bot.container());
  assert.deepEqual(bot.of('route'), []);
  assert.equal(bot.status.queryable, false);
});

test('each start has a larger number than any seen before, even if the clock was set back', () => {
  const memory = { incarnation: T0 + 5_000, attempt: 0, restarts: 0, backoffUntil: 0, reason: null };
  const bot = new Driver().desired({}, memory).observed(null);
  assert.equal(bot.of('start')[0]?.incarnation, T0 + 5_001);
});

test('a running container of the desired revision is adopted untouched', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ incarnation: T0 - 9_000 }));
  assert.equal(bot.is, 'running/adopted');
  assert.equal(bot.status.reason.incarnation, T0 - 9_000);
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.of('route').length, 1);
});

test('an adopted container of an older shape is kept and shown as outdated', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ shapeRevision: 's0' }));
  assert.equal(bot.status.outdated, true);
  assert.deepEqual(bot.asked, []);
});

test('a running container of another revision is stopped, removed and replaced', () => {
  const bot = new Driver().desired();
  const old = { specRevision: 'r0', incarnation: T0 - 9_000 };
  bot.found(bot.container(old));
  assert.equal(bot.is, 'stopping/spec-changed');
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ ...old, phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.deepEqual(bot.asked, ['start']);
});

test('an exited container of the desired revision counts as a crash seen late and is started in place', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ phase: 'exited' }), bot.exit({ code: 3 }));
  assert.deepEqual(bot.transitions, [
    'waiting → backing-off: bot-crashed',
    'backing-off → starting: restart-after-crash',
  ]);
  assert.deepEqual(bot.asked, ['start c1 again']);
});

test('an exited container of another revision is removed and made anew, and is no crash', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ phase: 'exited', specRevision: 'r0' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.status.restarts, 0);
});

test('a first report is not enough to end or restart what it names: the engine is asked', () => {
  for (const reported of [{ phase: 'created' }, { phase: 'exited' }, { specRevision: 'r0' }] as const) {
    const bot = new Driver().desired();
    bot.observed(bot.container(reported));
    assert.deepEqual(bot.asked, ['inspect']);
    bot.done(bot.container());
    assert.equal(bot.is, 'running/adopted');
  }
});

test('a container that was never started is removed before the start', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ phase: 'created' }));
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.equal(bot.status.reason.code, 'unfinished-start');
  assert.deepEqual(bot.done(null).asked, ['start']);
});

test('a backoff from before a restart of the runtime goes on, with its reason', () => {
  const crash = new Driver().desired().observed(null);
  crash.done(crash.container({ phase: 'exited' }), crash.exit({ code: 7 }));
  const reason = crash.status.history.find((entry) => entry.code === 'bot-crashed') ?? null;
  const bot = new Driver();
  bot.pass(1_000).desired({}, { incarnation: T0, attempt: 4, restarts: 9, backoffUntil: T0 + 8_000, reason });
  bot.found(bot.container({ phase: 'exited' }), bot.exit({ at: T0 }));
  assert.equal(bot.is, 'backing-off/bot-crashed');
  assert.equal(bot.status.retryAt, T0 + 8_000);
  assert.equal(bot.status.restarts, 9);
  assert.deepEqual(bot.asked, []);
  bot.pass(7_000).timer('retry');
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.of('start')[0]?.priority, 'live');
});

test('a remembered backoff is never longer than the cap', () => {
  const reason = null;
  const bot = new Driver().desired({}, { incarnation: T0, attempt: 4, restarts: 9, backoffUntil: T0 * 2, reason });
  assert.equal(bot.status.retryAt, T0 + SETTINGS.restart.capMs);
});

test('a container that exited because the runtime stopped it, before the runtime itself ended, did not crash', () => {
  const reason = {
    code: 'operator-restart',
    facts: {},
    at: T0 - 50,
    incarnation: T0 - 900,
    specRevision: 'r1',
  } as const;
  const bot = new Driver().desired({}, { incarnation: T0 - 900, attempt: 0, restarts: 0, backoffUntil: 0, reason });
  bot.found(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 0);
});
