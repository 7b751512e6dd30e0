import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBot } from '../desired/a-bot.ts';
import { Stage } from './stage.ts';

const SENTENCE = 'bot-runner on host-b keeps these bots, on another engine.';

test('bots that another engine keeps are ended here, stay known whatever happens, and run again when they are ours', async (t) => {
  const stage = new Stage(t, { shards: 1 });
  await stage.start(aBot('a'), aBot('b'), aBot('off', { enabled: false }));
  assert.equal(stage.engine.containers.list().length, 2);
  stage.supervisor.keepElsewhere('scheduled', SENTENCE);
  await stage.advance(100);
  assert.equal(stage.engine.containers.list().length, 2, 'those of the other kind are nobody else’s');

  stage.supervisor.keepElsewhere('realtime', SENTENCE);
  await stage.advance(200);
  assert.deepEqual(stage.engine.containers.list(), []);
  assert.ok(stage.reasonsOf('a').includes('kept-elsewhere'));
  stage.desire(aBot('a', { specRevision: 'r2' }));
  stage.desire(aBot('new'));
  stage.shardOf('a').kill();
  await stage.advance(5_000);
  assert.deepEqual(stage.engine.containers.list(), []);
  assert.deepEqual(await stage.states(), { a: 'stopped', b: 'stopped', new: 'stopped', off: 'stopped' });
  assert.equal(stage.supervisor.mayHaveContainers, false);

  stage.supervisor.keepElsewhere('realtime', null);
  await stage.advance(500);
  assert.deepEqual(await stage.states(), { a: 'running', b: 'running', new: 'running', off: 'stopped' });
  assert.equal(stage.supervisor.mayHaveContainers, true);
});

test('what was found before the bots are known, or is about to be made, may be there', async (t) => {
  const stage = new Stage(t);
  assert.equal(stage.supervisor.mayHaveContainers, true, 'nobody has looked');
  await stage.start();
  assert.equal(stage.supervisor.mayHaveContainers, false);
  stage.engine.holds = (kind) => kind === 'start';
  stage.desire(aBot('a'));
  await stage.advance(50);
  assert.equal(stage.supervisor.mayHaveContainers, true);
});
