import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeBot } from '../../src/supervisor/placement.ts';

const bots = Array.from({ length: 10_000 }, (_, index) => `bot-${index}`);
const place = (shards: string[]) => new Map(bots.map((bot) => [bot, placeBot(bot, shards)]));

test('bots spread evenly over the shards', () => {
  const counts = Map.groupBy(place(['a', 'b', 'c', 'd']).values(), (shard) => shard);
  for (const [shard, placed] of counts) {
    assert.ok(Math.abs(placed.length - 2500) < 250, `${shard} has ${placed.length}`);
  }
});

test('a shard that goes moves only its own bots', () => {
  const before = place(['a', 'b', 'c', 'd']);
  const after = place(['a', 'b', 'd']);
  const moved = bots.filter((bot) => before.get(bot) !== after.get(bot));
  assert.deepEqual(
    moved,
    bots.filter((bot) => before.get(bot) === 'c'),
  );
});

test('a shard that comes takes bots only for itself', () => {
  const before = place(['a', 'b']);
  const after = place(['a', 'b', 'c']);
  assert.ok(bots.every((bot) => after.get(bot) === before.get(bot) || after.get(bot) === 'c'));
});

test('the order in which shards are named does not matter', () => {
  assert.deepEqual(place(['c', 'a', 'b']), place(['a', 'b', 'c']));
});
