import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { KeyRenewal } from '../../src/commands/key-renewal.ts';

/** @param used by bot: the share of its keys' time that is over */
function renewalOf(t: TestContext, used: ReadonlyMap<string, number>) {
  const restarted: string[] = [];
  const renewal = new KeyRenewal({
    withKeysUsed: (share) => [...used].filter(([, over]) => over >= share).map(([botId]) => botId),
    restart: (botId) => restarted.push(botId),
    share: 0.75,
    lookMs: 600_000,
  });
  t.after(() => renewal.close());
  return { renewal, restarted };
}

test('bots whose keys end soon are restarted before they do, a few at a time', (t) => {
  const used = new Map(Array.from({ length: 25 }, (_, index) => [`b${index}`, 0.8 - index / 1000]));
  const { renewal, restarted } = renewalOf(t, used.set('young', 0.5));
  for (let look = 1; look <= 3; look += 1) {
    renewal.look();
    for (const botId of restarted) used.delete(botId);
  }
  assert.deepEqual(
    restarted,
    Array.from({ length: 25 }, (_, index) => `b${index}`),
  );
});

test('so many have keys that end soon that a few at a time would be too late: then all of them are restarted', (t) => {
  const used = new Map(Array.from({ length: 25 }, (_, index) => [`b${index}`, index < 15 ? 0.9 : 0.8]));
  const { renewal, restarted } = renewalOf(t, used);
  renewal.look();
  assert.equal(restarted.length, 15);
  assert.ok(restarted.every((botId) => used.get(botId) === 0.9));
});
