import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Looks, type LooksOptions } from '../../../src/desired/mongodb/looks.ts';

/** Reads end when they are told to. */
function scene(options: Partial<LooksOptions> = {}) {
  const there = new Set<string>();
  const reads: { readonly botIds: readonly string[]; readonly end: () => void }[] = [];
  const read = (botIds: readonly string[]) => new Promise<void>((end) => reads.push({ botIds, end }));
  const limits = { lookMs: 60_000, mostLooks: 3, absentMs: 60_000, ...options };
  const looks = new Looks(read, (botId) => there.has(botId), limits);
  const over: string[] = [];
  const look = (botId: string) => void looks.look(botId).then(() => over.push(botId));
  const endRead = async () => {
    reads.at(-1)?.end();
    await sleep(0);
  };
  return { looks, look, reads, endRead, over, there };
}

test('one read is under way; who comes meanwhile shares the next, which begins after all of them came', async () => {
  const { look, reads, endRead, over, there } = scene();
  for (const id of ['a', 'b', 'c']) there.add(id);
  look('a');
  for (const id of ['b', 'a', 'b', 'c']) look(id);
  assert.deepEqual(
    reads.map(({ botIds }) => botIds),
    [['a']],
  );
  await endRead();
  assert.deepEqual(over, ['a']);
  assert.deepEqual(
    reads.map(({ botIds }) => botIds),
    [['a'], ['b', 'a', 'c']],
  );
  await endRead();
  assert.deepEqual(over.toSorted(), ['a', 'a', 'b', 'b', 'c']);
});

test('of more bots than one read takes what is held must do', async () => {
  const { look, reads, over, endRead } = scene();
  for (const id of ['first', 'a', 'b', 'c', 'd', 'a']) look(id);
  await sleep(0);
  assert.deepEqual(over, ['d']);
  await endRead();
  assert.deepEqual(reads[1]?.botIds, ['a', 'b', 'c']);
});

test('a bot that is not there is not looked for again for a while, unless it has come', async () => {
  const { look, reads, endRead, over, there } = scene();
  look('ghost');
  await endRead();
  look('ghost');
  await sleep(0);
  assert.deepEqual([reads.length, over], [1, ['ghost', 'ghost']]);
  there.add('ghost');
  look('ghost');
  assert.equal(reads.length, 2);

  const short = scene({ absentMs: 0 });
  short.look('ghost');
  await short.endRead();
  short.look('ghost');
  assert.equal(short.reads.length, 2);
});

test('no more bots are remembered as absent than one read takes', async () => {
  const { look, reads, endRead } = scene();
  for (const id of ['a', 'b', 'c', 'd']) {
    look(id);
    await endRead();
  }
  look('b');
  assert.equal(reads.length, 4);
  look('a');
  assert.equal(reads.length, 5);
});

test('nobody waits for a read that takes too long, until it has ended', async () => {
  const { look, looks, reads, endRead, over, there } = scene({ lookMs: 10 });
  there.add('a').add('b');
  look('a');
  look('b');
  while (over.length < 2) await sleep(5);
  await looks.look('a');
  assert.equal(reads.length, 1);
  await endRead();
  assert.deepEqual(reads[1]?.botIds, ['b']);
  await endRead();
  look('a');
  assert.deepEqual(reads[2]?.botIds, ['a']);
});
