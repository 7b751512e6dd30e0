import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver } from './driver.ts';

test('the first crash is followed at once by a start in place, and both are recorded', () => {
  const bot = Driver.running().pass(5_000);
  bot.crash({ code: 3 });
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.deepEqual(bot.transitions.slice(-2), [
    'running → backing-off: bot-crashed',
    'backing-off → starting: restart-after-crash',
  ]);
  assert.deepEqual(bot.of('record')[0]?.reason.facts, { afterMs: 5_000, exitCode: 3 });
  assert.deepEqual(bot.of('route'), [{ kind: 'route', botId: 'ema', route: null }]);
  assert.equal(bot.status.restarts, 1);
});

test('the second crash in a row waits for its backoff', () => {
  const bot = Driver.running().pass(5_000).crash();
  bot.pass(50).done(bot.container()).pass(100).crash();
  assert.equal(bot.is, 'backing-off/bot-crashed');
  assert.deepEqual(bot.asked, []);
  const { retryAt } = bot.status;
  assert.ok(retryAt !== null && retryAt > bot.now && retryAt <= bot.now + 1_000);
  assert.deepEqual(
    bot.of('timer').map(({ key, at }) => [key, at]),
    [['retry', retryAt]],
  );
  bot.pass(retryAt - bot.now).timer('retry');
  assert.deepEqual(bot.asked, ['start c1 again']);
});

test('60 s of health forget the crashes before', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container());
  assert.equal(bot.state.attempt, 1);
  bot.pass(60_000).crash();
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.state.attempt, 1);
  assert.equal(bot.status.restarts, 2);
});

test('an adopted bot is as healthy as its start is old', () => {
  const bot = new Driver();
  const incarnation = bot.now - 3_600_000;
  bot.desired({}, { incarnation, attempt: 6, restarts: 6, backoffUntil: 0, reason: null });
  bot.observed(bot.container({ incarnation })).pass(10);
  bot.crash({ incarnation });
  assert.deepEqual(bot.asked, ['start c1 again']);
});

test('exit 0 restarts like a crash, with its own code', () => {
  const bot = Driver.running().pass(10).crash({ code: 0 });
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.history.at(-2)?.code, 'bot-exited');
});

test('a crash after the clock was set back is not believed at once, but found by a look', () => {
  const bot = Driver.running().pass(-86_400_000);
  bot.observed(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 1);
  assert.equal(bot.status.history.at(-2)?.code, 'bot-crashed');
});

test('the same exit told twice counts once', () => {
  const bot = Driver.running().pass(10);
  const exited = bot.observation(bot.container({ phase: 'exited' }), bot.exit());
  bot.tell({ kind: 'observed', observation: exited }).pass(20);
  bot.done(bot.container()).pass(20);
  bot.tell({ kind: 'observed', observation: exited });
  assert.equal(bot.is, 'running/started');
  assert.equal(bot.status.restarts, 1);
  assert.deepEqual(bot.asked, ['inspect']);
});

test('a crash that was over before the runtime looked is recorded, and the bot is not started twice', () => {
  const bot = Driver.running().pass(1_000);
  const exit = bot.exit();
  bot.pass(10).observed(bot.container(), exit);
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.is, 'running/started-by-hand');
  assert.equal(bot.status.restarts, 1);
});

test('a container that is gone is looked for before it is made anew', () => {
  const bot = Driver.running().pass(2_000).observed(null);
  assert.equal(bot.status.state, 'running');
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(null);
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.status.history.at(-2)?.code, 'container-removed');
});

test('a container stopped by hand is started again', () => {
  const bot = Driver.running().pass(2_000);
  bot.crash({ code: 0, lastWords: { the0: 1, code: 'stopped', facts: {} } });
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.history.at(-2)?.code, 'container-stopped');
});

test('a container started by hand during a backoff is kept', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash();
  bot.pass(5).observed(bot.container());
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(bot.container());
  assert.equal(bot.is, 'running/started-by-hand');
  assert.deepEqual(bot.timers, []);
});

test('a bot that ends before its start is confirmed has crashed', () => {
  const bot = new Driver().desired().observed(null);
  bot.pass(30).done(bot.container({ phase: 'exited' }), bot.exit({ code: 2 }));
  assert.deepEqual(bot.transitions.slice(-2), [
    'starting → backing-off: bot-crashed',
    'backing-off → starting: restart-after-crash',
  ]);
});

test('an exit reported while the start is not yet answered is not lost', () => {
  const bot = new Driver().desired().observed(null).pass(10);
  bot.crash();
  assert.deepEqual(bot.asked, []);
  bot.tell({
    kind: 'effect-done',
    effect: 'start',
    incarnation: bot.state.incarnation,
    observation: { ...bot.observation(bot.container()), at: bot.now - 5 },
  });
  assert.deepEqual(bot.asked, ['start c1 again']);
});

test('what is reported of another container leads to a look, and changes nothing by itself', () => {
  const bot = Driver.running().pass(10);
  bot.observed(bot.container({ containerId: 'c0', incarnation: 5, phase: 'exited' }), bot.exit({ incarnation: 5 }));
  assert.equal(bot.is, 'running/started');
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(bot.container()).asked, []);
  assert.equal(bot.is, 'running/started');
});

test('an exit from before the last look at the running bot is no crash', () => {
  const bot = Driver.running().pass(10_000);
  const late = bot.exit();
  bot.pass(10).observed(null).done(bot.container()).pass(10);
  bot.observed(bot.container({ phase: 'exited' }), late);
  assert.equal(bot.status.state, 'running');
  assert.deepEqual(bot.asked, ['inspect']);
});

test('an exit in the very millisecond of the last look may be an older one, so the engine is asked', () => {
  const bot = Driver.running();
  bot.observed(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['inspect']);
  bot.pass(1).done(bot.container({ phase: 'exited' }), bot.exit({ at: bot.now - 1 }));
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 1);
});
