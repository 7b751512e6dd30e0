import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBot } from '../desired/a-bot.ts';
import { Stage } from './stage.ts';

const BOTS = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => aBot(id));

/** The shard of this bot dies; its replacement is not there yet. */
function killShardOf(stage: Stage, botId: string): void {
  stage.shardOf(botId).kill();
}

test('bots of a shard that died are governed again and not touched, others hear nothing of it', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  const before = stage.records.length;
  killShardOf(stage, 'a');
  await stage.advance(200);
  assert.deepEqual(new Set(Object.values(await stage.states())), new Set(['running']));
  assert.equal(stage.engine.containers.starts, BOTS.length);
  const touched = new Set(stage.records.slice(before).map(({ reason }) => reason.code));
  assert.deepEqual(touched, new Set(['adopted']));
  assert.match(stage.faults.join(), /died .* replaced/);
  stage.engine.containers.crash('a');
  await stage.advance(200);
  assert.equal(stage.engine.count('start', 'a'), 2, 'it is governed');
});

test('bots do not vanish from the list while their shard is being replaced', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(...BOTS);
  const before = await stage.supervisor.list();
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  const meanwhile = await stage.supervisor.list();
  for (const [index, status] of meanwhile.entries()) {
    const { id, state, endpoint, containerId, queryable, restarts, reason } = status;
    const { history, since, ...rest } = before[index] ?? assert.fail();
    assert.deepEqual(
      { id, state, endpoint, containerId, queryable, restarts, reason },
      {
        id: rest.id,
        state: rest.state,
        endpoint: rest.endpoint,
        containerId: rest.containerId,
        queryable: rest.queryable,
        restarts: rest.restarts,
        reason: rest.reason,
      },
    );
    assert.ok(history.length > 0 && since > 0);
  }
  assert.equal(meanwhile.length, BOTS.length);
});

test('routes stay while a shard is replaced, and are right afterwards', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(...BOTS);
  const before = new Map(stage.routes);
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  assert.deepEqual(stage.routes, before);
  stage.engine.containers.handRemove('b');
  stage.delete('c');
  stage.noShards = false;
  stage.engine.holds = (kind, botId) => kind === 'start' && botId === 'b';
  await stage.advance(2_000);
  assert.deepEqual([...stage.routes.keys()].sort(), ['a', 'd', 'e', 'f']);
});

test('a start in flight when the shard dies is not made twice, and its result is not lost', async (t) => {
  const stage = new Stage(t);
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(aBot('a'));
  killShardOf(stage, 'a');
  await stage.advance(200);
  assert.equal(stage.engine.count('start', 'a'), 1);
  stage.engine.held[0]?.release();
  await stage.advance(200);
  assert.equal((await stage.status('a'))?.state, 'running');
  assert.equal(stage.engine.count('start', 'a'), 1);
});

for (const outcome of ['done', 'failed'] as const) {
  test(`a start that is ${outcome} while no shard is there counts for the new actor`, async (t) => {
    const stage = new Stage(t);
    stage.engine.holds = (kind) => kind === 'start';
    await stage.start(aBot('a'));
    stage.noShards = true;
    killShardOf(stage, 'a');
    await stage.advance(50);
    stage.engine.holds = () => false;
    stage.engine.held[0]?.release(outcome === 'done' ? undefined : { code: 'rejected', facts: {} });
    await stage.advance(50);
    stage.noShards = false;
    await stage.advance(1_000);
    assert.equal((await stage.status('a'))?.state, 'running');
    assert.equal(stage.engine.containers.starts, 1);
    assert.deepEqual(stage.engine.violations, []);
    assert.equal(stage.engine.needlessStarts, 0);
  });
}

test('a stop in flight when the shard dies is finished by the new actor', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  stage.engine.holds = (kind) => kind === 'stop';
  stage.delete('a');
  await stage.advance(50);
  killShardOf(stage, 'a');
  await stage.advance(200);
  stage.engine.held[0]?.release();
  await stage.advance(500);
  assert.equal(stage.engine.count('stop', 'a'), 1);
  assert.equal(stage.engine.containers.observe('a').container, null);
  assert.deepEqual(await stage.states(), {});
});

test('a backoff goes on after the shard was replaced', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  for (let crashes = 0; crashes < 8; crashes += 1) {
    stage.engine.containers.crash('a');
    await stage.advance(100);
    if ((await stage.status('a'))?.state === 'backing-off') break;
  }
  const before = await stage.status('a');
  assert.equal(before?.state, 'backing-off');
  killShardOf(stage, 'a');
  await stage.advance(20);
  const after = await stage.status('a');
  assert.equal(after?.state, 'backing-off');
  assert.equal(after?.retryAt, before?.retryAt);
  assert.equal(after?.restarts, before?.restarts);
  await stage.advance(40_000);
  assert.equal((await stage.status('a'))?.state, 'running');
});

test('a crash while no shard is there is found by the new actor', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  stage.engine.containers.crash('a');
  stage.noShards = false;
  await stage.advance(2_000);
  assert.equal((await stage.status('a'))?.state, 'running');
  assert.equal(stage.engine.containers.starts, 2);
});

test('what is edited, deleted, new or commanded while no shard is there is heeded when it is', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(...BOTS);
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  stage.desire(aBot('a', { specRevision: 'r2' }));
  stage.delete('b');
  stage.desire(aBot('new'));
  assert.equal(stage.supervisor.command('c', 'restart'), true);
  await stage.advance(50);
  const question = stage.supervisor.ask('d', 5_000);
  stage.noShards = false;
  assert.equal((await stage.during(question))?.state, 'running');
  await stage.advance(1_000);
  assert.equal(stage.engine.containers.observe('a').container?.specRevision, 'r2');
  assert.equal(stage.engine.containers.observe('b').container, null);
  assert.equal(stage.engine.containers.observe('new').container?.phase, 'running');
  assert.equal(stage.engine.count('start', 'c'), 2);
});

test('a question that dies with its shard is asked again', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a'));
  const question = stage.supervisor.ask('a', 5_000);
  killShardOf(stage, 'a');
  assert.equal((await stage.during(question))?.id, 'a');
});

test('a shard that cannot be started again is told, tried with growing pauses, and healed', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'));
  let tries = 0;
  stage.noShards = true;
  const made = stage.shardsMade;
  killShardOf(stage, 'a');
  await stage.advance(3_000);
  assert.match(stage.supervisor.troubles.join(), /shard-0 .* cannot be started again.*no memory for a thread/);
  stage.noShards = false;
  await stage.advance(1_000);
  tries = stage.shardsMade - made;
  assert.equal(tries, 1);
  assert.deepEqual(stage.supervisor.troubles, []);
  assert.deepEqual(await stage.states(), { a: 'running' });
});

test('a shard that dies over and over is not made anew in a tight loop', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'));
  const end = stage.clock.now() + 5_000;
  while (stage.clock.now() < end) {
    stage.shards.get('shard-0')?.kill();
    await stage.advance(10);
  }
  // 0, 100, 200, 400, 800, 1000, 1000, … ms
  assert.ok(stage.shardsMade < 12, `${stage.shardsMade} shards were made`);
});

test('a shard that cannot be started at first stops the start, and leaves no other behind', async (t) => {
  let made = 0;
  let stopped = 0;
  const stage = new Stage(t, {
    shards: 3,
    supervisor: {
      makeShard: async (id) => {
        if (id === 'shard-0') throw new Error('no memory for a thread');
        await new Promise((resolve) => setImmediate(resolve));
        made += 1;
        const gone = async () => {
          stopped += 1;
        };
        return { id, post: () => 'accepted', snapshot: async () => [], stop: gone, kill: () => {} };
      },
    },
  });
  await assert.rejects(stage.start(aBot('a')), /no memory for a thread/);
  await stage.during(stage.supervisor.close());
  assert.equal(made, 2);
  assert.equal(stopped, 2);
});

test('a shard that comes to life after everything was closed is ended', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'));
  stage.makeMs = 100;
  killShardOf(stage, 'a');
  stage.clock.runDue();
  await stage.during(stage.supervisor.close());
  const { size } = stage.shards;
  await stage.advance(1_000);
  assert.equal(size, 1);
  assert.equal(stage.shardsMade, 2);
  const post = stage.shardOf('a').post({ to: 'a', lane: 'user', message: { kind: 'question', askId: 1 } });
  assert.equal(post, 'full', 'it takes nothing any more');
});

test('a question that is open when everything is closed is given up', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'));
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  const question = stage.supervisor.ask('a', 600_000);
  const before = stage.clock.now();
  await stage.during(stage.supervisor.close());
  assert.equal(await stage.during(question), null);
  assert.ok(stage.clock.now() - before < 5_000);
});

test('an event older than an answer does not count when the bot is introduced to a new actor', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'));
  stage.noShards = true;
  killShardOf(stage, 'a');
  await stage.advance(50);
  const { at } = stage.engine.containers.observe('a');
  stage.engine.report({ ...stage.engine.containers.observe('a'), at });
  stage.engine.report({ botId: 'a', container: null, lastExit: null, at: at - 1_000 });
  stage.noShards = false;
  await stage.advance(2_000);
  assert.deepEqual(stage.engine.calls, ['start a']);
  assert.equal((await stage.status('a'))?.state, 'running');
});

test('an actor beyond recovery is made anew with what is known of its bot', async (t) => {
  let failing = false;
  const stage = new Stage(t, { breaks: () => failing });
  await stage.start(...BOTS);
  failing = true;
  stage.supervisor.command('a', 'reset');
  await stage.advance(50);
  failing = false;
  assert.match(stage.faults.join(), /actor of bot a failed/);
  assert.equal((await stage.status('a'))?.state, 'running', 'its last known state is listed meanwhile');
  await stage.advance(2_000);
  stage.engine.containers.crash('a');
  await stage.advance(200);
  assert.equal(stage.engine.count('start', 'a'), 2, 'it is governed again');
});

test('records of a bot arrive in order and end where its actor is', async (t) => {
  const stage = new Stage(t);
  await stage.start(...BOTS);
  for (let round = 0; round < 10; round += 1) {
    stage.engine.containers.crash('a');
    if (round % 3 === 0) killShardOf(stage, 'a');
    await stage.advance(700);
  }
  await stage.advance(60_000);
  const timeline = await stage.during(stage.journal.timeline('a', 1_000));
  assert.deepEqual(
    timeline.map(({ reason }) => reason.code),
    stage.reasonsOf('a'),
  );
  assert.equal(timeline.at(-1)?.to, (await stage.status('a'))?.state);
});
