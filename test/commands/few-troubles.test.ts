import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fewTroubles } from '../../src/commands/few-troubles.ts';

test('of many troubles of the source the latest are shown, and how many more there are; all others are', () => {
  const ofSource = new Set(Array.from({ length: 10 }, (_, index) => `document ${index} is none`));
  const shown = fewTroubles(['Docker is away', ...ofSource, 'the journal cannot be written'], ofSource);
  assert.deepEqual(shown.slice(0, -1), [
    'Docker is away',
    'document 7 is none',
    'document 8 is none',
    'document 9 is none',
    'the journal cannot be written',
  ]);
  assert.match(shown.at(-1) ?? '', /7 more things are wrong/);
});

test('few are all shown', () => {
  const ofSource = new Set(['a', 'b', 'c']);
  assert.deepEqual(fewTroubles(['a', 'b', 'c', 'd'], ofSource), ['a', 'b', 'c', 'd']);
});
