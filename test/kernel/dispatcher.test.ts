import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Dispatcher } from '../../src/kernel/dispatcher.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';

/** Each run of an actor takes `runMs`; `work` says how many runs an actor needs. */
function fixture(turnBudgetMs: number, runMs: number, work: Record<string, number>) {
  const virtual = createVirtualClock({ startMs: 0 });
  let spentMs = 0;
  const clock = { ...virtual, now: () => virtual.now() + spentMs };
  const log: string[] = [];
  const dispatcher = new Dispatcher<string>(clock, turnBudgetMs, {
    begin: () => log.push('['),
    run(actor) {
      log.push(actor);
      spentMs += runMs;
      const left = (work[actor] ?? 1) - 1;
      work[actor] = left;
      return left > 0;
    },
    end() {
      log.push(']');
      return false;
    },
  });
  return { virtual, log, dispatcher };
}

it('a dispatcher lets actors take turns', () => {
  const { virtual, log, dispatcher } = fixture(100, 0, { a: 3, b: 2, c: 1 });
  for (const actor of ['a', 'b', 'c']) dispatcher.ready(actor);
  virtual.runDue();
  assert.equal(log.join(''), '[abcaba]');
});

it('a dispatcher ends its turn when the time budget is spent, and goes on in the next', () => {
  const { virtual, log, dispatcher } = fixture(10, 4, { a: 5 });
  dispatcher.ready('a');
  virtual.defer(() => log.push('!'));
  virtual.runDue();
  assert.equal(log.join(''), '[aaa]![aa]');
});

it('a dispatcher ends its turn when the wall clock is set back', () => {
  const { virtual, log, dispatcher } = fixture(10, -1_000, { a: 3 });
  dispatcher.ready('a');
  virtual.runDue();
  assert.equal(log.join(''), '[a][a][a]');
});

it('a dispatcher begins no turn while it is paused', () => {
  const { virtual, log, dispatcher } = fixture(10, 0, {});
  dispatcher.ready('a');
  dispatcher.pause();
  dispatcher.ready('b');
  virtual.runDue();
  assert.deepEqual(log, []);
  dispatcher.resume();
  virtual.runDue();
  assert.equal(log.join(''), '[ab]');
});

it('a dispatcher runs actors early when asked, within one budget for all calls before the turn', () => {
  const { virtual, log, dispatcher } = fixture(10, 6, { a: 1, b: 1, c: 1, d: 1 });
  for (const actor of ['a', 'b', 'c', 'd']) {
    dispatcher.ready(actor);
    dispatcher.runEarly();
  }
  assert.equal(log.join(''), 'ab');
  virtual.runDue();
  assert.equal(log.join(''), 'ab[][cd]');
});

it('a dispatcher without any time budget still lets one actor run in each turn', () => {
  const { virtual, log, dispatcher } = fixture(0, 1, { a: 2 });
  dispatcher.ready('a');
  virtual.runDue();
  assert.equal(log.join(''), '[a][a]');
});
