import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeReason } from '../../actors/reason.ts';
import { Driver, SETTINGS } from './driver.ts';

test('a changed spec replaces the running container: stop, remove, start', () => {
  const bot = Driver.running().desired({ specRevision: 'r2' });
  assert.equal(bot.is, 'stopping/spec-changed');
  assert.deepEqual(bot.asked, ['stop c1']);
  assert.deepEqual(bot.of('route'), [{ kind: 'route', botId: 'ema', route: null }]);
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.deepEqual(
    bot.of('start').map(({ specRevision, priority }) => [specRevision, priority]),
    [['r2', 'live']],
  );
  assert.equal(bot.status.restarts, 0);
});

test('a changed shape alone restarts nothing', () => {
  const bot = Driver.running().desired({ shapeRevision: 's2' });
  assert.deepEqual(bot.effects, []);
  assert.equal(bot.status.outdated, true);
});

test('the same spec again does nothing', () => {
  assert.deepEqual(Driver.running().desired().effects, []);
});

test('a spec that changes while a start is in flight waits for the answer, and only the newest counts', () => {
  const bot = new Driver().desired().observed(null);
  bot.desired({ specRevision: 'r2' });
  bot.desired({ specRevision: 'r3' });
  assert.deepEqual(bot.asked, []);
  bot.done(bot.container());
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ phase: 'exited' }), bot.exit()).done(null);
  assert.equal(bot.of('start')[0]?.specRevision, 'r3');
});

test('a superseded start is asked for again with the newest spec', () => {
  const bot = new Driver().desired().observed(null).desired({ specRevision: 'r2' });
  bot.failed('superseded');
  assert.equal(bot.of('start')[0]?.specRevision, 'r2');
  assert.equal(bot.state.attempt, 0);
});

test('a superseded start waits when the newer spec is not here yet', () => {
  const bot = new Driver().desired().observed(null).failed('superseded');
  assert.deepEqual(bot.asked, []);
  bot.desired({ specRevision: 'r2' });
  assert.equal(bot.of('start')[0]?.specRevision, 'r2');
});

test('a start that fails after the spec changed is not held against the new spec', () => {
  const bot = new Driver().desired().observed(null).desired({ specRevision: 'r2' });
  bot.failed('rejected', { detail: 'no' });
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(null).asked, ['start']);
  assert.equal(bot.state.attempt, 0);
});

test('a spec that changes during a backoff is tried at once', () => {
  const bot = Driver.running().crash();
  bot.done(bot.container()).pass(10).crash();
  assert.equal(bot.status.state, 'backing-off');
  bot.desired({ specRevision: 'r2' });
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.deepEqual(bot.of('cancel-timer'), [{ kind: 'cancel-timer', key: 'retry' }]);
  assert.deepEqual(bot.done(null).asked, ['start']);
});

test('a spec that changes back while the stop is in flight starts the stopped container again', () => {
  const bot = Driver.running().desired({ specRevision: 'r2' }).desired({ specRevision: 'r1' });
  bot.done(bot.container({ phase: 'exited' }), bot.exit({ code: 0 }));
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 0);
});

test('a disabled bot is stopped and removed, and its exit is no crash', () => {
  const bot = Driver.running().desired({ enabled: false });
  assert.equal(bot.is, 'stopping/disabled');
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.equal(bot.is, 'stopped/disabled');
  assert.deepEqual(bot.timers, []);
  assert.equal(bot.status.restarts, 0);
});

test('a bot that is disabled from the start is never started', () => {
  const bot = new Driver().desired({ enabled: false }).observed(null);
  assert.equal(bot.is, 'stopped/disabled');
  assert.deepEqual(bot.asked, []);
});

test('enabling a bot starts it', () => {
  const bot = new Driver().desired({ enabled: false }).observed(null).desired();
  assert.equal(bot.is, 'starting/enabled');
  assert.deepEqual(bot.asked, ['start']);
});

test('a bot that is disabled while its start is in flight is stopped after the answer', () => {
  const bot = new Driver().desired().observed(null).desired({ enabled: false });
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.done(bot.container()).asked, ['stop c1']);
});

test('a bot that is disabled and enabled while the stop is in flight runs again', () => {
  const bot = Driver.running().desired({ enabled: false }).desired();
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['start c1 again']);
  assert.equal(bot.status.restarts, 0);
});

test('a start that fails after the bot was disabled does not delay anything', () => {
  const bot = new Driver().desired().observed(null).desired({ enabled: false }).failed('rejected');
  assert.deepEqual(bot.asked, ['inspect']);
  bot.done(null);
  assert.equal(bot.is, 'stopped/disabled');
});

test('a deleted bot is stopped and removed, and then its actor ends', () => {
  const bot = Driver.running().removed();
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ phase: 'exited' }), bot.exit());
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(null);
  assert.equal(bot.is, 'stopped/deleted');
  assert.deepEqual(bot.effects.at(-1), { kind: 'ended', botId: 'ema' });
});

test('a bot that is deleted while its start is in flight does not stay', () => {
  const bot = new Driver().desired().observed(null).removed();
  assert.deepEqual(bot.asked, []);
  bot.done(bot.container());
  assert.deepEqual(bot.asked, ['stop c1']);
});

test('a deleted bot that is desired again before it is gone runs again', () => {
  const bot = Driver.running().removed().desired({ specRevision: 'r2' });
  bot.done(bot.container({ phase: 'exited' }), bot.exit()).done(null);
  assert.deepEqual(bot.asked, ['start']);
  assert.deepEqual(bot.of('ended'), []);
});

test('a shutdown ends the container and the actor, with its own reason', () => {
  const bot = Driver.running().removed('shutdown');
  assert.equal(bot.is, 'stopping/shut-down');
  bot.done(bot.container({ phase: 'exited' }), bot.exit()).done(null);
  assert.equal(bot.of('ended').length, 1);
});

test('a container that nobody desires is tolerated for the grace, then ended', () => {
  const bot = new Driver().removed('unknown');
  bot.observed(bot.container());
  assert.equal(bot.is, 'running/not-desired-yet');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, ['grace']);
  bot.pass(SETTINGS.orphanGraceMs).timer('grace');
  assert.equal(bot.is, 'stopping/not-desired');
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ phase: 'exited' })).done(null);
  assert.equal(bot.of('ended').length, 1);
  assert.deepEqual(bot.timers, []);
});

test('a container that becomes desired during the grace is adopted', () => {
  const bot = new Driver().removed('unknown');
  bot.observed(bot.container()).pass(10).desired();
  assert.equal(bot.is, 'running/adopted');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, []);
});

test('a container that nobody desires and that is gone ends its actor', () => {
  const bot = new Driver().removed('unknown').observed(null);
  assert.equal(bot.of('ended').length, 1);
});

test('a bot that ignored SIGTERM is still stopped, with a warning', () => {
  const bot = Driver.running().desired({ enabled: false });
  const lastWords = { the0: 1, code: 'killed-after-grace', facts: { graceMs: 30_000 } } as const;
  bot.done(bot.container({ phase: 'exited' }), bot.exit({ lastWords }));
  assert.equal(bot.is, 'stopping/ignored-sigterm');
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.equal(bot.done(null).is, 'stopped/disabled');
});

test('while another engine keeps the bot, what is found of it here is ended, and it starts when that is over', () => {
  const keptElsewhere = 'bot-runner on host-b keeps these bots, on another engine.';
  const bot = Driver.running().desired({ keptElsewhere });
  assert.equal(bot.is, 'stopping/kept-elsewhere');
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.container({ phase: 'exited' })).done(null);
  assert.equal(bot.is, 'stopped/kept-elsewhere');
  assert.match(
    describeReason(bot.status.reason).text,
    /^Nothing of this bot may run on this engine: bot-runner on host-b keeps .*engine\.$/,
  );

  bot.desired({ keptElsewhere, specRevision: 'r2' });
  assert.deepEqual(bot.asked, [], 'a change is no cause for a start');
  bot.observed(bot.container({ containerId: 'c2' })).done(bot.container({ containerId: 'c2' }));
  assert.deepEqual(bot.asked, ['stop c2'], 'nor is one that somebody has started');
  bot.done(null);

  bot.desired({ specRevision: 'r2' });
  assert.equal(bot.is, 'starting/first-start');
});
