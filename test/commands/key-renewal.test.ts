import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRenewal } from '../../src/commands/key-renewal.ts';

test('bots whose keys end soon are restarted before they do, a few at a time', () => {
  const ends = new Map(Array.from({ length: 25 }, (_, index) => [`b${index}`, 1_000 + index]));
  const restarted: string[] = [];
  const renewal = new KeyRenewal({
    endingBefore: (time) => [...ends].filter(([, until]) => until < time).map(([botId]) => botId),
    restart: (botId) => {
      restarted.push(botId);
      ends.delete(botId);
    },
    marginMs: 100,
    now: () => 920,
  });
  try {
    renewal.look();
    assert.deepEqual(restarted.length, 10);
    renewal.look();
    renewal.look();
    assert.deepEqual(
      restarted,
      Array.from({ length: 20 }, (_, index) => `b${index}`),
    );
  } finally {
    renewal.close();
  }
});
