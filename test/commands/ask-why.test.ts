import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askWhyOf } from '../../src/commands/runtime-read-side.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';

const definition: BotDefinition = {
  id: 'a',
  kind: 'scheduled',
  enabled: false,
  config: {},
  version: '1',
  filePath: 'u/a/1',
  name: 'a',
  runtime: 'nodejs20',
  entrypoint: 'main.js',
  queryEntrypoint: 'query.js',
  schedule: '@daily',
  specRevision: 'r',
  problem: null,
};

// Contract 8.1 and 8.2.
test('a bot that cannot be asked is told apart from one that is not there', async () => {
  const bots = new Map<string, BotDefinition>([
    ['scheduled', definition],
    ['mute', { ...definition, queryEntrypoint: null }],
    ['bare', { ...definition, entrypoint: '', queryEntrypoint: null }],
  ]);
  const askWhy = askWhyOf({
    knows: (botId) => bots.has(botId),
    definitionOf: (botId) => bots.get(botId) ?? null,
    ask: async () => null,
  });
  const kinds: Record<string, string> = {};
  for (const botId of ['scheduled', 'mute', 'bare', 'nobody']) kinds[botId] = (await askWhy(botId, 1)).kind;
  assert.deepEqual(kinds, {
    scheduled: 'runnable',
    mute: 'no-query-entrypoint',
    bare: 'no-entrypoints',
    nobody: 'unknown-bot',
  });
});
