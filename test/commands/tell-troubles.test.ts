import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { tellTroubles } from '../../src/commands/tell-troubles.ts';

function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const runtime = { troubles: [] as string[], ignored: new Map<string, string>() };
  const told: string[] = [];
  const start = () => t.after(tellTroubles(runtime, (level, sentence) => told.push(`${level} ${sentence}`)));
  return { runtime, told, start, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('a trouble is told when it begins and when it ends, and a count that grows is no news', (t) => {
  const { runtime, told, start, pass } = scene(t);
  runtime.troubles = ['3 lines are lost'];
  start();
  assert.deepEqual(told.splice(0), ['ERROR 3 lines are lost']);
  runtime.troubles = ['4 lines are lost', 'Docker is away'];
  pass(1_000);
  assert.deepEqual(told.splice(0), ['ERROR Docker is away']);
  runtime.troubles = [];
  pass(1_000);
  assert.deepEqual(told, ['INFO No longer so: 4 lines are lost', 'INFO No longer so: Docker is away']);
});

test('what is no bot is told once: at the start at once, later when it has stayed so for a while', (t) => {
  const { runtime, told, start, pass } = scene(t);
  runtime.ignored.set('a', 'the folder a has no bot.json');
  start();
  pass(60_000);
  assert.deepEqual(told.splice(0), ['WARN Not a bot: the folder a has no bot.json.']);
  runtime.ignored.set('b', 'the folder b has no bot.json');
  pass(1_000);
  runtime.ignored.delete('b');
  pass(60_000);
  assert.deepEqual(told, []);
  runtime.ignored.set('c', 'the folder c has no bot.json');
  pass(60_000);
  assert.deepEqual(told, ['WARN Not a bot: the folder c has no bot.json.']);
});
