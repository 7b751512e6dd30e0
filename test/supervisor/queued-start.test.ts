import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBot } from '../desired/a-bot.ts';
import { Stage } from './stage.ts';

test('a start that has no permit yet is shown as waiting for it, and as starting from then on', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 2, liveStarts: 1 } });
  stage.engine.holds = (kind) => kind === 'start';
  await stage.start(...['a', 'b', 'c', 'd'].map((id) => aBot(id)));
  assert.deepEqual(await stage.states(), { a: 'starting', b: 'starting', c: 'waiting', d: 'waiting' });
  const queued = await stage.during(stage.supervisor.ask('d', 1_000));
  assert.deepEqual([queued?.state, queued?.reason.code], ['waiting', 'start-queued']);
  assert.equal(queued?.history.at(-1)?.code, 'first-start');

  stage.engine.held.shift()?.release();
  await stage.advance(100);
  const states = await stage.states();
  assert.deepEqual([states['a'], states['c'], states['d']], ['running', 'starting', 'waiting']);
  const admitted = await stage.during(stage.supervisor.ask('c', 1_000));
  assert.equal(admitted?.reason.code, 'first-start');
});

test('waiting for a permit leaves no transitions behind', async (t) => {
  const stage = new Stage(t, { supervisor: { floodStarts: 1, liveStarts: 1 } });
  await stage.start(aBot('a'), aBot('b'), aBot('c'));
  await stage.advance(1_000);
  assert.deepEqual(stage.reasonsOf('c').slice(-2), ['first-start', 'started']);
});
