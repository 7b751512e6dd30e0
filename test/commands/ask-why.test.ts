import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskWhyParts, askWhyOf } from '../../src/commands/runtime-read-side.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import type { DesiredState } from '../../src/desired/desired-state.ts';
import { aBot } from '../desired/a-bot.ts';

const definition = aBot('a', { kind: 'scheduled', enabled: false, schedule: '@daily' });

function asker(bots: ReadonlyMap<string, BotDefinition>, parts: Partial<AskWhyParts['supervisor']> = {}) {
  const supervisor = {
    definitionOf: (botId: string) => bots.get(botId) ?? null,
    ask: async () => null,
    allKnown: Promise.resolve(),
    isStoppingAll: false,
    ...parts,
  };
  return (look?: DesiredState['look']) => askWhyOf({ supervisor, desired: look === undefined ? {} : { look } });
}

// Contract 8.1 and 8.2.
test('a bot that cannot be asked is told apart from one that is not there', async () => {
  const bots = new Map<string, BotDefinition>([
    ['scheduled', definition],
    ['mute', { ...definition, queryEntrypoint: null }],
    ['bare', { ...definition, entrypoint: '', queryEntrypoint: null }],
  ]);
  const askWhy = asker(bots)();
  const kinds: Record<string, string> = {};
  for (const botId of ['scheduled', 'mute', 'bare', 'nobody']) kinds[botId] = (await askWhy(botId, 1_000)).kind;
  assert.deepEqual(kinds, {
    scheduled: 'runnable',
    mute: 'no-query-entrypoint',
    bare: 'no-entrypoints',
    nobody: 'unknown-bot',
  });
});

test('what is told rests on what the bot is now, also when it is new or gone', async () => {
  const bots = new Map([['edited', definition]]);
  const askWhy = asker(bots)(async (botId) => {
    if (botId === 'gone') bots.delete(botId);
    else bots.set(botId, { ...definition, specRevision: 'new' });
  });
  bots.set('gone', definition);
  assert.deepEqual(await askWhy('edited', 1_000), { kind: 'runnable', revision: 'new' });
  assert.deepEqual(await askWhy('created', 1_000), { kind: 'runnable', revision: 'new' });
  assert.deepEqual(await askWhy('gone', 1_000), { kind: 'unknown-bot' });
});

test('no bot is denied before all are known, or while all are being stopped', async () => {
  const bots = new Map<string, BotDefinition>();
  const known = Promise.withResolvers<void>();
  const starting = asker(bots, { allKnown: known.promise })();
  const early = await starting('a', 10);
  assert.ok(early.kind === 'not-running');
  assert.match(early.sentence, /does not know all bots yet/);
  const patient = starting('a', 60_000);
  bots.set('a', definition);
  known.resolve();
  assert.equal((await patient).kind, 'runnable');
  assert.equal((await starting('b', 1_000)).kind, 'unknown-bot');
  assert.equal((await asker(bots, { isStoppingAll: true })()('b', 1_000)).kind, 'not-running');
});
