import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBot } from '../desired/a-bot.ts';
import { Stage } from './stage.ts';

const BOTS = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => aBot(id));

test('stopping all ends bots in whatever state they are, and remembers what they must', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
  stage.engine.plant('stranger', 'r1', 5);
  await stage.start(
    aBot('running'),
    aBot('crashing'),
    aBot('disabled', { enabled: false }),
    aBot('blocked', { runtime: 'cobol' }),
  );
  for (let crashes = 0; crashes < 8; crashes += 1) {
    stage.engine.containers.crash('crashing');
    await stage.advance(100);
  }
  stage.engine.holds = (kind, botId) => kind === 'start' && botId === 'starting';
  stage.desire(aBot('starting'));
  await stage.advance(20);
  stage.desire(aBot('waiting'));
  await stage.advance(50);
  assert.deepEqual(
    new Set(Object.values(await stage.states())),
    new Set(['running', 'backing-off', 'stopped', 'blocked', 'starting', 'waiting']),
  );

  const stopping = stage.supervisor.stopAll(10_000);
  await stage.advance(50);
  stage.engine.held[0]?.release();
  const { stopped, failed } = await stage.during(stopping);
  assert.deepEqual(failed, []);
  assert.equal(stopped, 7);
  assert.deepEqual(stage.engine.containers.list(), []);
  assert.deepEqual(await stage.states(), {});
  assert.equal(stage.routes.size, 0);
  assert.equal(stage.engine.count('start', 'waiting'), 0, 'a start that waits at the gate is given up');
  assert.notEqual(stage.journal.memoryOf('crashing'), undefined, 'it is desired again at the next start');
});

test('a bot that will not stop is named after the deadline, the others have stopped', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  stage.engine.fails = (kind, botId) => (kind === 'stop' && botId === 'c' ? { code: 'rejected', facts: {} } : null);
  const before = stage.clock.now();
  const { stopped, failed } = await stage.during(stage.supervisor.stopAll(10_000));
  assert.ok(stage.clock.now() - before >= 10_000);
  assert.deepEqual(failed, ['c']);
  assert.equal(stopped, BOTS.length - 1);
});

test('bots of a shard that is dead when all are to stop are stopped when it is back', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(...BOTS);
  stage.noShards = true;
  stage.shardOf('a').kill();
  await stage.advance(50);
  const stopping = stage.supervisor.stopAll(10_000);
  await stage.advance(200);
  stage.noShards = false;
  assert.deepEqual((await stage.during(stopping)).failed, []);
  assert.deepEqual(stage.engine.containers.list(), []);
});

test('who asks again while all are stopping gets the same outcome', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  const outcomes = [stage.supervisor.stopAll(10_000), stage.supervisor.stopAll(10_000)];
  const before = stage.clock.now();
  const [first, second] = await stage.during(Promise.all(outcomes));
  assert.ok(stage.clock.now() - before < 5_000);
  assert.deepEqual(first, { stopped: BOTS.length, failed: [] });
  assert.deepEqual(second, first);
});

test('stopping all while the start is under way also stops what was found running, and what is desired only then', async (t) => {
  const stage = new Stage(t);
  stage.engine.plant('a', 'r1', 5);
  stage.engine.plant('stranger', 'r1', 6);
  const order: string[] = [];
  let stopping: ReturnType<typeof stage.supervisor.stopAll> | null = null;
  stage.desired.onStart = () => {
    stopping = stage.supervisor.stopAll(10_000);
    order.push('asked');
  };
  stage.desired.closing = async () => void order.push('closed');
  await stage.start(...BOTS);
  assert.ok(stopping !== null);
  const { stopped, failed } = await stage.during<Awaited<ReturnType<typeof stage.supervisor.stopAll>>>(stopping);
  assert.deepEqual({ stopped, failed }, { stopped: BOTS.length + 1, failed: [] });
  assert.deepEqual(stage.engine.containers.list(), []);
  assert.deepEqual(order, ['asked', 'closed']);
});

test('a source that cannot be closed does not keep bots from being stopped', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  stage.desired.closing = async () => {
    throw new Error('the watcher does not end');
  };
  const { failed } = await stage.during(stage.supervisor.stopAll(10_000));
  assert.deepEqual(failed, []);
  stage.desired.closing = async () => {};
});

test('closing leaves containers as they are', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  await stage.during(stage.supervisor.close());
  assert.equal(stage.engine.containers.list().length, BOTS.length);
  assert.equal(stage.engine.count('stop', 'a'), 0);
});

test('a start that waits at the gate when everything is closed is not made', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
  stage.engine.holds = (kind, botId) => kind === 'start' && botId === 'first';
  await stage.start(aBot('first'), aBot('waits'));
  await stage.during(stage.supervisor.close());
  stage.engine.held[0]?.release();
  await stage.advance(100);
  assert.equal(stage.engine.count('start', 'waits'), 0);
});
