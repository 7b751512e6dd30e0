import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeReason } from '../../actors/reason.ts';
import { Driver, SETTINGS, SPEC } from './driver.ts';

test('an engine that cannot be reached makes a start wait; that is no crash', () => {
  const bot = new Driver().desired().observed(null).failed('unreachable', { detail: 'ECONNREFUSED' });
  assert.equal(bot.is, 'waiting/engine-unreachable');
  assert.deepEqual(bot.timers, ['retry']);
  assert.equal(bot.state.attempt, 0);
});

test('after an unreachable engine the bot is looked at first: the start may have been carried out', () => {
  const bot = new Driver().desired().observed(null).failed('unreachable');
  bot.tell({ kind: 'dependency', name: 'engine', available: true });
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(bot.container());
  assert.equal(bot.status.state, 'running');
});

test('a missing image is tried again after a while, and when the engine says that it is back', () => {
  const bot = new Driver().desired().observed(null).failed('image-missing', { image: 'x' });
  assert.equal(bot.is, 'waiting/image-missing');
  bot.pass(SETTINGS.dependencyRetryMs).timer('retry');
  assert.deepEqual(bot.asked, ['start']);
  bot.failed('image-missing').tell({ kind: 'dependency', name: 'engine', available: true });
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.state.attempt, 0);
});

test('an engine that comes back does not shorten the backoff of a bot that crashes', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash().tell({ kind: 'dependency', name: 'engine', available: true });
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.status.state, 'backing-off');
});

test('a start the engine refuses backs off, and is no restart', () => {
  const bot = new Driver().desired().observed(null).failed('rejected', { detail: 'no space' });
  assert.deepEqual(bot.transitions.slice(-1), ['starting → backing-off: engine-rejected']);
  assert.equal(bot.state.attempt, 1);
  assert.equal(bot.status.restarts, 0);
  // The first retry is immediate, but something may be left of the start.
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(null).asked, ['start']);
});

test('a container that has the name is looked at, and adopted when it is the bot', () => {
  const bot = new Driver().desired().observed(null).failed('name-taken', { containerId: 'c9' });
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(bot.container({ containerId: 'c9', incarnation: 5 }));
  assert.equal(bot.status.state, 'running');
  assert.equal(bot.status.containerId, 'c9');
});

test('a name taken by somebody else backs off', () => {
  const bot = new Driver().desired().observed(null).failed('name-taken').done(null).failed('name-taken');
  assert.equal(bot.is, 'backing-off/name-taken');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, ['retry']);
});

test('code that is not there backs off with its own reason', () => {
  const bot = new Driver().desired().observed(null).failed('code-unavailable', { detail: 'no such object' });
  assert.deepEqual(bot.transitions.slice(-1), ['starting → backing-off: code-unavailable']);
});

test('a start that is not confirmed in time is looked into', () => {
  const bot = new Driver().desired().observed(null);
  bot.pass(SETTINGS.startDeadlineMs).timer('deadline');
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.timers, ['deadline']);
});

test('a start that is not confirmed and left nothing counts as failed', () => {
  const bot = new Driver().desired().observed(null);
  bot.pass(SETTINGS.startDeadlineMs).timer('deadline');
  bot.tell({
    kind: 'effect-done',
    effect: 'inspect',
    incarnation: bot.state.incarnation,
    observation: bot.observation(null),
  });
  assert.deepEqual(bot.transitions.slice(-2), [
    'starting → backing-off: start-timed-out',
    'backing-off → starting: restart-after-crash',
  ]);
  assert.equal(bot.state.restarts, 0, 'what has not begun is no restart');
});

test('a container that was created and not started is a start that failed, and no restart', () => {
  const bot = new Driver().desired().observed(null);
  bot.done(bot.container({ phase: 'created' }));
  assert.match(bot.transitions.join(), /starting → backing-off: start-failed/);
  assert.equal(bot.state.restarts, 0);
});

test('a late answer to an overdue start is not the last word: the look at it is still awaited', () => {
  const bot = new Driver().desired().observed(null);
  bot.pass(SETTINGS.startDeadlineMs).timer('deadline');
  bot.done(bot.container());
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, ['deadline']);
  bot.done(bot.container());
  assert.equal(bot.is, 'running/started');
  assert.deepEqual(bot.timers, []);
});

test('an answer to something given up changes nothing, and what it names is looked at', () => {
  const bot = Driver.running();
  bot.tell({
    kind: 'effect-done',
    effect: 'start',
    incarnation: 5,
    observation: bot.observation(bot.container({ containerId: 'c0', incarnation: 5 })),
  });
  assert.equal(bot.is, 'running/started');
  assert.deepEqual(bot.asked, ['inspect']);
});

test('a failure of something given up changes nothing', () => {
  const bot = Driver.running();
  bot.tell({ kind: 'effect-failed', effect: 'start', incarnation: 5, failure: { code: 'rejected', facts: {} } });
  assert.deepEqual(bot.effects, []);
});

test('a stop the engine refuses is asked for again after a pause', () => {
  const bot = Driver.running().desired({ enabled: false }).failed('rejected', { detail: 'busy' });
  assert.equal(bot.is, 'stopping/engine-rejected');
  assert.deepEqual(bot.asked, []);
  bot.pass(SETTINGS.dependencyRetryMs).timer('retry');
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(bot.container()).asked, ['stop c1']);
});

test('a stop that is not confirmed is looked into and asked for again', () => {
  const bot = Driver.running().desired({ enabled: false });
  bot.pass(SETTINGS.stopDeadlineMs).timer('deadline');
  bot.tell({
    kind: 'effect-done',
    effect: 'inspect',
    incarnation: bot.state.incarnation,
    observation: bot.observation(bot.container()),
  });
  assert.equal(bot.is, 'stopping/stop-not-seen');
  assert.deepEqual(bot.asked, ['stop c1']);
});

test('an engine that says it stopped a bot that still runs is not asked again at once', () => {
  const bot = Driver.running().desired({ enabled: false });
  bot.done(bot.container());
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, ['retry']);
});

test('a running bot is left alone while the engine cannot be asked about it', () => {
  const bot = Driver.running().observed(null).failed('unreachable');
  assert.equal(bot.is, 'running/started');
  bot.pass(SETTINGS.dependencyRetryMs).timer('retry');
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(bot.container()).asked, []);
  assert.deepEqual(bot.timers, []);
});

test('a timer that fires early, because the clock was set back, is set again but never far ahead', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash();
  bot.pass(-86_400_000).timer('retry');
  const at = bot.of('timer')[0]?.at ?? 0;
  assert.ok(at > bot.now && at <= bot.now + SETTINGS.restart.capMs);
});

test('an actor that failed awaits its answer no longer than ever, though the clock was set back meanwhile', () => {
  const bot = new Driver().desired().observed(null).pass(-86_400_000).fail(false);
  assert.deepEqual(bot.timers, ['deadline']);
  assert.ok((bot.state.inFlight?.deadlineAt ?? 0) <= bot.now + SETTINGS.startDeadlineMs);
});

test('a new actor waits for what was in flight when its shard was replaced', () => {
  const bot = new Driver();
  bot.tell({ kind: 'desired', spec: SPEC, inFlight: { effect: 'start', incarnation: 77 } }).observed(null);
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, ['deadline']);
  bot.done(bot.container());
  assert.equal(bot.is, 'running/started');
});

test('a new actor does not take the end of a stop that was in flight for a crash', () => {
  const bot = new Driver();
  bot.tell({ kind: 'desired', spec: SPEC, inFlight: { effect: 'stop', incarnation: 77 } });
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 0);
});

test('a new actor of a bot that is gone withdraws the route that an older one published', () => {
  const bot = new Driver().removed().observed(null);
  assert.deepEqual(bot.of('route'), [{ kind: 'route', botId: 'ema', route: null }]);
});

test('a bot for which the object store gives no keys waits for them, and says so; the engine is not to blame', () => {
  const bot = new Driver().desired().observed(null).failed('keys-unavailable', { detail: 'no answer in time' });
  assert.equal(bot.is, 'waiting/keys-unavailable');
  assert.equal(bot.state.attempt, 0);
  assert.equal(bot.status.retryAt, bot.now + SETTINGS.dependencyRetryMs);
  assert.match(describeReason(bot.status.reason).text, /object store gives no keys.*no answer in time/);
  bot.pass(SETTINGS.dependencyRetryMs).timer('retry').done(null);
  assert.deepEqual(bot.asked, ['start']);
});

test('in a runtime that stands by, a bot waits until it is told, and asks seldom', () => {
  const bot = new Driver().desired().observed(null).failed('standing-by', { detail: 'bot-runner on host-1' });
  assert.equal(bot.is, 'waiting/standing-by');
  const { severity, origin, retry, text } = describeReason(bot.status.reason);
  assert.deepEqual([severity, origin, retry], ['info', 'platform', 'auto']);
  assert.match(text, /^This runtime stands by: bot-runner on host-1/);
  assert.ok((bot.status.retryAt ?? 0) >= bot.now + SETTINGS.restart.capMs);
  bot.tell({ kind: 'dependency', name: 'engine', available: true });
  assert.deepEqual(bot.asked, ['start']);
});

test('a change that a runtime which stands by must not make leaves what is known of the bot in no doubt', () => {
  const bot = Driver.running().desired({ specRevision: 'r2' });
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.failed('standing-by', { detail: 'bot-runner on host-1' });
  assert.equal(bot.is, 'waiting/standing-by');
  assert.equal(bot.state.inDoubt, false);
  bot.tell({ kind: 'dependency', name: 'engine', available: true });
  assert.deepEqual(bot.asked, ['stop c1']);
});
