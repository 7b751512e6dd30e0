import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeReason } from '../../actors/reason.ts';
import { Driver } from './driver.ts';

/** Runs, then is frozen from outside: the engine says so, and is asked. */
function pausedBot(): Driver {
  const bot = Driver.running();
  return bot.pass(10).found(bot.container({ paused: true }));
}

test('a paused container is no running bot: it is shown, with what to do, and nothing is done to it', () => {
  const bot = pausedBot();
  assert.equal(bot.is, 'stopped/container-paused');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.timers, []);
  assert.match(describeReason(bot.status.reason).advice, /docker unpause c1/);
});

test('nobody is sent to a paused container', () => {
  assert.deepEqual(
    pausedBot()
      .of('route')
      .map(({ route }) => route),
    [null],
  );
});

test('a container that is unpaused runs on as the same start, and can be asked again', () => {
  const bot = pausedBot();
  const { incarnation } = bot.state;
  const { upSince } = bot.state;
  bot.pass(10).found(bot.container());
  assert.equal(bot.is, 'running/container-unpaused');
  assert.deepEqual([bot.state.incarnation, bot.state.upSince], [incarnation, upSince]);
  assert.deepEqual(
    bot.of('route').map(({ route }) => route?.incarnation),
    [incarnation],
  );
  assert.equal(bot.status.restarts, 0);
});

test('the same news again is no transition', () => {
  const bot = pausedBot();
  const before = bot.transitions.length;
  bot.pass(10).found(bot.container({ paused: true }));
  bot.tell({ kind: 'dependency', name: 'engine', available: true });
  assert.equal(bot.transitions.length, before);
});

test('what is found paused after a start of the runtime is left so', () => {
  const bot = new Driver().desired();
  bot.found(bot.container({ incarnation: 7, paused: true }));
  assert.equal(bot.is, 'stopped/container-paused');
  assert.deepEqual(bot.asked, []);
  bot.pass(10).found(bot.container({ incarnation: 7 }));
  assert.equal(bot.is, 'running/container-unpaused');
  assert.equal(bot.state.incarnation, 7);
});

test('a paused container that is killed or removed is replaced', () => {
  const killed = pausedBot();
  killed.pass(10).found(killed.container({ phase: 'exited' }), killed.exit({ code: 137 }));
  assert.ok(killed.transitions.includes('stopped → backing-off: bot-killed'), killed.transitions.join());
  const removed = pausedBot();
  removed.pass(10).found(null);
  assert.ok(removed.transitions.includes('stopped → backing-off: container-removed'), removed.transitions.join());
});

test('a restart, a change and an end of the bot reach a paused container too', () => {
  assert.deepEqual(pausedBot().command('restart').asked, ['stop c1']);
  assert.deepEqual(pausedBot().desired({ specRevision: 'r2' }).asked, ['stop c1']);
  assert.deepEqual(pausedBot().removed().asked, ['stop c1']);
});

test('a bot that is paused while it starts was started first', () => {
  const bot = new Driver().desired().observed(null);
  bot.pass(100).done(bot.container({ paused: true }));
  assert.equal(bot.is, 'stopped/container-paused');
  assert.ok(bot.transitions.includes('starting → running: started'));
});
