import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadSide } from '../../src/commands/runtime-read-side.ts';
import { loadSettings } from '../../src/config/load-settings.ts';

const unused = () => assert.fail('not asked for here');

function readSideWith(ignored: ReadonlyMap<string, string>) {
  return createReadSide({
    supervisor: { ignored, knows: () => false, definitionOf: () => null, list: unused, ask: unused, command: unused },
    journal: { timeline: unused },
    engine: { name: 'process', conditions: unused },
    storedLog: loadSettings({}).settings.stored,
    queryUrl: '',
    limits: { whyMs: 1, whyEntries: 1 },
    logDirectoryOf: unused,
    objectStore: null,
    troubles: () => [],
    refusalOf: (botId) => (botId === 'refused' ? { at: 0, reason: 'it has no config' } : null),
    now: () => 0,
    warn: unused,
    down: unused,
  });
}

test('whoever asks for a folder that is no bot is told why it is none', async () => {
  const readSide = readSideWith(new Map([['a', 'the folder a has no bot.json']]));
  const log = { lines: 1, follow: false, pollMs: 1, searchBytes: 1, signal: new AbortController().signal };
  for (const act of [readSide.why('a'), readSide.restart('a'), readSide.reset('a'), readSide.openLog('a', log)]) {
    await assert.rejects(act, { code: 'not-a-bot', status: 404, message: 'the folder a has no bot.json' });
  }
  assert.deepEqual(readSide.overview().ignored, ['the folder a has no bot.json']);
  // Its creation was refused, so it never was one.
  await assert.rejects(readSide.why('refused'), { code: 'not-a-bot', message: /change was refused: it has no config/ });
  assert.equal(await readSide.why('b'), null);
  assert.equal(await readSide.restart('b'), false);
});
