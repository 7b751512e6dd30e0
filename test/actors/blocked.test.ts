import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotSpec } from '../../actors/bot-spec.ts';
import { Driver } from './driver.ts';

const UNUSABLE: readonly [string, Partial<BotSpec>][] = [
  ['spec-invalid', { problem: { code: 'spec-invalid', facts: { field: 'id', expected: 'a string' } } }],
  ['runtime-unknown', { runtime: 'cobol' }],
  ['entrypoint-undefined', { entrypoint: '' }],
];

for (const [code, change] of UNUSABLE) {
  test(`a bot that cannot be used is blocked at once: ${code}`, () => {
    const bot = new Driver().desired(change);
    assert.equal(bot.is, `blocked/${code}`);
    bot.observed(null);
    assert.deepEqual(bot.asked, []);
    assert.deepEqual(bot.timers, []);
  });

  test(`a running bot that becomes unusable is stopped and blocked: ${code}`, () => {
    const bot = Driver.running().desired({ ...change, specRevision: 'r2' });
    assert.equal(bot.is, `stopping/${code}`);
    assert.deepEqual(bot.asked, ['stop c1']);
    bot.done(bot.container({ phase: 'exited' }), bot.exit()).done(null);
    assert.equal(bot.is, `blocked/${code}`);
  });
}

test('a changed spec unblocks', () => {
  const bot = new Driver().desired({ runtime: 'cobol' }).observed(null).desired({ specRevision: 'r2' });
  assert.deepEqual(bot.asked, ['start']);
});

test('another problem is shown as soon as it is known', () => {
  const bot = new Driver().desired({ problem: { code: 'spec-invalid', facts: { field: 'id' } } }).observed(null);
  bot.desired({ problem: { code: 'spec-invalid', facts: { field: 'custom' } } });
  assert.deepEqual(bot.status.reason.facts, { field: 'custom' });
});

test('a missing program blocks until the bot changes or the operator resets it', () => {
  const bot = new Driver().desired().observed(null).failed('program-missing', { program: 'python3' });
  assert.equal(bot.is, 'blocked/program-missing');
  assert.deepEqual(bot.timers, []);
  assert.deepEqual(bot.desired().asked, []);
  assert.deepEqual(bot.command('reset').asked, ['start']);
  bot.failed('program-missing', { program: 'python3' });
  assert.deepEqual(bot.desired({ specRevision: 'r2' }).asked, ['start']);
});

test('restart tries a blocked bot as well', () => {
  const bot = new Driver().desired().observed(null).failed('program-missing');
  assert.deepEqual(bot.command('restart').asked, ['start']);
});

test('a restart does not run what cannot be used', () => {
  const bot = new Driver().desired({ entrypoint: '' }).observed(null).command('restart');
  assert.equal(bot.is, 'blocked/entrypoint-undefined');
  assert.deepEqual(bot.asked, []);
});

test('a failure of the actor itself leads to a fresh look at the bot', () => {
  const bot = Driver.running().fail(false);
  assert.equal(bot.is, 'waiting/actor-failed');
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.of('route'), []);
  bot.done(bot.container());
  assert.equal(bot.is, 'running/adopted');
  assert.deepEqual(bot.of('route'), []);
});

test('a failure while an effect is in flight waits for its answer, with the deadline set anew', () => {
  const bot = new Driver().desired().observed(null).fail(false);
  assert.deepEqual(bot.asked, []);
  assert.ok(bot.of('timer').some((timer) => timer.key === 'deadline'));
  bot.done(bot.container());
  assert.equal(bot.is, 'running/started');
});

test('an actor that fails again and again leaves the bot as it is, until told otherwise', () => {
  const bot = Driver.running().fail(true);
  assert.equal(bot.is, 'blocked/actor-failed');
  assert.deepEqual(bot.asked, []);
  assert.deepEqual(bot.observed(null).effects, []);
  assert.deepEqual(bot.desired().effects, []);
  assert.deepEqual(bot.command('reset').asked, ['inspect']);
  bot.done(bot.container());
  assert.equal(bot.is, 'running/adopted');
});

test('an actor that gave up is woken by a new spec', () => {
  const bot = Driver.running().fail(true).desired({ specRevision: 'r2' });
  assert.deepEqual(bot.asked, ['inspect']);
  assert.deepEqual(bot.done(bot.container()).asked, ['stop c1']);
});
