import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBot } from '../desired/a-bot.ts';
import { Stage, withPost } from './stage.ts';

test('the engine has told what runs before the first bot is desired', async (t) => {
  const stage = new Stage(t);
  let wasWatching = false;
  stage.desired.onStart = () => {
    wasWatching = stage.engine.watching;
  };
  await stage.start(aBot('a'));
  assert.ok(wasWatching);
});

test('desired bots are started, once each, and get a route', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'), aBot('b'), aBot('c'));
  assert.deepEqual(await stage.states(), { a: 'running', b: 'running', c: 'running' });
  assert.equal(stage.engine.containers.starts, 3);
  assert.deepEqual([...stage.routes.keys()].sort(), ['a', 'b', 'c']);
  assert.deepEqual(stage.engine.violations, []);
  assert.equal(stage.engine.needlessStarts, 0);
});

test('a trouble of the source of the bots is shown until the source says that it is over', async (t) => {
  const stage = new Stage(t);
  await stage.start();
  const [reading, duplicate] = [new Error('MongoDB cannot be read'), new Error('two documents have the id a')];
  for (const error of [reading, duplicate, reading]) stage.desired.listener?.trouble(error);
  stage.desire(aBot('a'));
  assert.deepEqual(stage.supervisor.troubles, [reading.message, duplicate.message]);
  stage.desired.listener?.troubleOver(reading);
  assert.deepEqual(stage.supervisor.troubles, [duplicate.message]);
  stage.desired.listener?.troubleOver(duplicate);
  assert.deepEqual(stage.supervisor.troubles, []);
});

test('every trouble of the source of the bots is told, also when a bot comes right behind it', async (t) => {
  const told: string[] = [];
  const stage = new Stage(t, { supervisor: { onDesiredTrouble: ({ message }) => void told.push(message) } });
  await stage.start();
  for (const id of ['a', 'b']) {
    stage.desired.listener?.trouble(new Error(`a document beside ${id} is no bot`));
    stage.desire(aBot(id));
  }
  await stage.advance(100);
  assert.deepEqual(told, ['a document beside a is no bot', 'a document beside b is no bot']);
  assert.deepEqual(await stage.states(), { a: 'running', b: 'running' });
});

test('a revision is in use while it runs, ends, or is being started, however often the bot is edited meanwhile', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  stage.engine.holds = () => true;
  for (const specRevision of ['r2', 'r3', 'r4', 'r5']) {
    stage.desire(aBot('a', { specRevision }));
    await stage.advance(100);
    assert.deepEqual([...stage.supervisor.revisionsInUse('a')], ['r1']);
  }
  stage.engine.held.shift()?.release();
  await stage.advance(100);
  stage.engine.held.shift()?.release();
  await stage.advance(100);
  assert.deepEqual(
    stage.engine.held.map(({ kind }) => kind),
    ['start'],
  );
  assert.deepEqual([...stage.supervisor.revisionsInUse('a')], ['r5']);
  stage.engine.held.shift()?.release();
  await stage.advance(100);
  assert.deepEqual([...stage.supervisor.revisionsInUse('a')], ['r5']);
  assert.deepEqual([...stage.supervisor.revisionsInUse('nobody')], []);
});

test('what runs already as desired is adopted untouched', async (t) => {
  const stage = new Stage(t);
  stage.engine.plant('a', 'r1', 5);
  await stage.start(aBot('a'));
  assert.deepEqual(await stage.states(), { a: 'running' });
  assert.deepEqual(stage.engine.calls, []);
});

test('a container that nobody desires is left alone for the grace, then removed, and its bot forgotten', async (t) => {
  const stage = new Stage(t);
  stage.engine.plant('stranger', 'r1', 5);
  await stage.start(aBot('a'));
  assert.equal(stage.engine.count('stop', 'stranger'), 0);
  assert.equal((await stage.status('stranger'))?.reason.code, 'not-desired-yet');
  await stage.advance(4_000);
  assert.equal(stage.engine.containers.observe('stranger').container, null);
  assert.deepEqual(await stage.states(), { a: 'running' });
});

test('a container that vanished before anybody asked for its bot leaves nothing behind', async (t) => {
  const stage = new Stage(t);
  stage.engine.plant('stranger', 'r1', 5);
  stage.desired.onStart = () => stage.engine.containers.handRemove('stranger');
  await stage.start(aBot('a'));
  assert.deepEqual(await stage.states(), { a: 'running' });
  assert.deepEqual(stage.reasonsOf('stranger'), []);
});

test('a bot that becomes desired during its grace is adopted', async (t) => {
  const stage = new Stage(t);
  stage.engine.plant('late', 'r1', 5);
  await stage.start();
  stage.desire(aBot('late'));
  await stage.advance(5_000);
  assert.equal((await stage.status('late'))?.state, 'running');
  assert.deepEqual(stage.engine.calls, []);
});

test('a crash is followed by a start in place', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  stage.engine.containers.crash('a');
  await stage.advance(200);
  assert.equal((await stage.status('a'))?.state, 'running');
  assert.equal(stage.engine.containers.starts, 2);
});

test('what vanished while the engine was away is started again when it is back', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'), aBot('b'));
  stage.engine.lose();
  assert.match(stage.supervisor.troubles.join(), /the engine is away/);
  stage.engine.containers.handRemove('a');
  stage.engine.reconnect(['a']);
  await stage.advance(500);
  assert.deepEqual(stage.supervisor.troubles, []);
  assert.deepEqual(await stage.states(), { a: 'running', b: 'running' });
  assert.equal(stage.engine.count('start', 'a'), 2);
  assert.equal(stage.engine.count('start', 'b'), 1);
});

test('a list that comes while a bot is being started does not declare it absent', async (t) => {
  let isListing = false;
  const stage = new Stage(t, {
    wrapShard: (shard) =>
      withPost(shard, (envelope) => {
        assert.ok(!isListing || envelope.message.kind !== 'observed');
        return shard.post(envelope);
      }),
  });
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(aBot('a'));
  isListing = true;
  stage.engine.list();
  isListing = false;
  stage.engine.held[0]?.release();
  await stage.advance(100);
  assert.deepEqual(stage.reasonsOf('a'), ['first-start', 'started']);
});

test('a bot that was edited while it waited at the gate is started in its new form only', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
  stage.engine.holds = (kind, botId) => kind === 'start' && botId === 'first';
  await stage.start(aBot('first'), aBot('waits'));
  stage.desire(aBot('waits', { specRevision: 'r2' }));
  await stage.advance(100);
  stage.engine.held[0]?.release();
  await stage.advance(200);
  assert.equal(stage.engine.containers.observe('waits').container?.specRevision, 'r2');
  assert.equal(stage.engine.count('start', 'waits'), 1);
});

for (const [what, change] of [
  ['disabled', { enabled: false }],
  ['made unusable', { problem: { code: 'spec-invalid', facts: { field: 'x', expected: 'y' } } }],
] as const) {
  test(`a bot that was ${what} while it waited at the gate is never started`, async (t) => {
    const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
    stage.engine.holds = (kind, botId) => kind === 'start' && botId === 'first';
    await stage.start(aBot('first'), aBot('waits'));
    stage.desire(aBot('waits', change));
    await stage.advance(100);
    stage.engine.held[0]?.release();
    await stage.advance(200);
    assert.equal(stage.engine.count('start', 'waits'), 0);
    assert.notEqual((await stage.status('waits'))?.state, 'running');
  });
}

test('a flood of first starts is not looked into and not started twice because it takes long', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
  stage.engine.callMs = 1_000;
  const bots = Array.from({ length: 12 }, (_, index) => aBot(`bot-${index}`));
  await stage.start(...bots);
  // Longer than the actors' own deadline of 5 s.
  await stage.advance(30_000);
  assert.deepEqual(new Set(Object.values(await stage.states())), new Set(['running']));
  assert.equal(stage.engine.containers.starts, 12);
  assert.deepEqual(new Set(stage.records.map(({ reason }) => reason.code)), new Set(['first-start', 'started']));
  assert.deepEqual(stage.engine.violations, []);
  assert.equal(stage.engine.needlessStarts, 0);
});

test('a bot that is edited while it starts is replaced when it runs', async (t) => {
  const stage = new Stage(t);
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(aBot('a'));
  stage.desire(aBot('a', { specRevision: 'r2' }));
  stage.engine.holds = () => false;
  stage.engine.held[0]?.release();
  await stage.advance(300);
  assert.equal(stage.engine.containers.observe('a').container?.specRevision, 'r2');
  assert.deepEqual(stage.engine.violations, []);
  assert.equal(stage.engine.needlessStarts, 0);
});

test('a bot that is deleted while it starts is gone in the end', async (t) => {
  const stage = new Stage(t);
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(aBot('a'));
  stage.delete('a');
  await stage.advance(20);
  stage.engine.held[0]?.release();
  await stage.advance(300);
  assert.equal(stage.engine.containers.observe('a').container, null);
  assert.deepEqual(await stage.states(), {});
  assert.equal(stage.routes.size, 0);
  assert.equal(stage.journal.memoryOf('a'), undefined);
});

test('a bot that is desired again before its end goes on, one that had just ended is started anew', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  for (let waitMs = 0; waitMs <= 40; waitMs += 1) {
    stage.delete('a');
    stage.clock.advance(waitMs);
    await new Promise((resolve) => setImmediate(resolve));
    stage.desire(aBot('a'));
    await stage.advance(3_000);
    assert.deepEqual(await stage.states(), { a: 'running' }, `desired again after ${waitMs} ms`);
  }
  assert.deepEqual(stage.engine.violations, []);
  assert.equal(stage.engine.needlessStarts, 0);
});

test('a bot that is deleted, desired and deleted while its actor ends leaves no actor behind', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a', { enabled: false }));
  stage.reportMs = 30;
  stage.delete('a');
  await stage.advance(10);
  stage.desire(aBot('a'));
  await stage.advance(10);
  stage.delete('a');
  await stage.advance(10_000);
  assert.deepEqual(await stage.states(), {});
  assert.deepEqual(await stage.shardOf('a').snapshot(null), []);
});

test('what a start left behind that its actor no longer waited for is found and removed', async (t) => {
  const stage = new Stage(t, { supervisor: { engineCallDeadlineMs: 6_000 } });
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(aBot('a'));
  stage.delete('a');
  await stage.advance(8_000);
  assert.deepEqual(await stage.states(), {}, 'the start was given up and the bot ended');
  stage.engine.held[0]?.release();
  await stage.advance(10_000);
  assert.equal(stage.engine.containers.observe('a').container, null);
});

test('a command to a bot that nobody knows is refused', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  assert.equal(stage.supervisor.command('nobody', 'restart'), false);
  assert.equal(await stage.supervisor.ask('nobody', 1_000), null);
  assert.equal(stage.supervisor.command('a', 'restart'), true);
  await stage.advance(200);
  assert.equal(stage.engine.containers.starts, 2);
});

test('an actor answers a question; one whose shard hangs is given up at the deadline', async (t) => {
  let hangs = false;
  const stage = new Stage(t, {
    wrapShard: (shard) => withPost(shard, (envelope) => (hangs ? 'accepted' : shard.post(envelope))),
  });
  await stage.start(aBot('a'));
  assert.equal((await stage.during(stage.supervisor.ask('a', 1_000)))?.state, 'running');
  hangs = true;
  const before = stage.clock.now();
  assert.equal(await stage.during(stage.supervisor.ask('a', 1_000)), null);
  assert.ok(stage.clock.now() - before >= 1_000);
});

test('more questions than the limit are given up at once', async (t) => {
  const stage = new Stage(t, { supervisor: { openQuestions: 1 } });
  await stage.start(aBot('a'));
  const [first, second] = [stage.supervisor.ask('a', 1_000), stage.supervisor.ask('a', 1_000)];
  assert.equal(await second, null);
  assert.equal((await stage.during(first))?.id, 'a');
});

test('an actor whose message made it throw is told again what is desired', async (t) => {
  let failures = 0;
  const stage = new Stage(t, { throws: (_, message) => message.kind === 'desired' && failures-- > 0 });
  await stage.start(aBot('a'));
  failures = 1;
  stage.desire(aBot('a', { specRevision: 'r2' }));
  await stage.advance(500);
  assert.equal(stage.engine.containers.observe('a').container?.specRevision, 'r2');
});

test('a reset wakes up an actor that gave up, and it knows what is desired by then', async (t) => {
  let failures = 0;
  const stage = new Stage(t, { throws: (_, message) => message.kind === 'desired' && failures-- > 0 });
  await stage.start(aBot('a'));
  failures = 100;
  stage.desire(aBot('a', { specRevision: 'r2' }));
  await stage.advance(500);
  assert.equal((await stage.status('a'))?.reason.facts['exhausted'], true);
  failures = 0;
  stage.supervisor.command('a', 'reset');
  await stage.advance(500);
  assert.equal(stage.engine.containers.observe('a').container?.specRevision, 'r2');
});

test('an engine that cannot be reached at the start is told, and everything can be closed', async (t) => {
  const stage = new Stage(t);
  stage.engine.containers.reachable = false;
  await assert.rejects(stage.start(aBot('a')), /engine is away/);
  await stage.during(stage.supervisor.close());
  assert.ok(stage.engine.closed);
  assert.equal(stage.clock.pending(), 0);
});

test('the memory of bots that went while the runtime did not run is forgotten', async (t) => {
  const stage = new Stage(t);
  const reason = { code: 'bot-crashed', facts: {}, at: 1, incarnation: 1, specRevision: 'r1' } as const;
  const memory = { incarnation: 1, attempt: 1, restarts: 1, backoffUntil: 0, reason };
  for (const botId of ['a', 'gone']) {
    stage.journal.append({ kind: 'record', botId, from: 'running', to: 'backing-off', reason, memory });
  }
  await stage.start(aBot('a'));
  assert.equal(stage.journal.memoryOf('gone'), undefined);
  assert.notEqual(stage.journal.memoryOf('a'), undefined);
});

test('closing ends every part and every timer, even if one cannot be closed', async (t) => {
  const stage = new Stage(t, { limits: { unhandledEnvelopes: 1 } });
  await stage.start(aBot('a'), aBot('b'), aBot('c'));
  stage.desired.closing = async () => {
    throw new Error('the watcher does not end');
  };
  for (const id of ['a', 'b', 'c']) stage.supervisor.command(id, 'restart');
  await assert.rejects(stage.during(stage.supervisor.close()), /watcher does not end/);
  assert.ok(stage.engine.closed);
  await stage.during(stage.journal.flush());
  await stage.advance(1_000);
  assert.equal(stage.clock.pending(), 0);
  stage.supervisor.close = async () => {};
});
