import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderQueue } from '../../../src/desired/directory/folder-queue.ts';

/** Looks that end when told to. */
function manualLooks() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    endNext: () => ends.shift()?.(),
    look: (folder: string) => {
      begun.push(folder);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(resolve);
      return promise;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('only so many folders are looked at at the same time', async () => {
  const { begun, endNext, look } = manualLooks();
  const queue = new FolderQueue(2, look);
  for (const folder of ['a', 'b', 'c']) void queue.add(folder);
  assert.deepEqual(begun, ['a', 'b']);
  endNext();
  await turn();
  assert.deepEqual(begun, ['a', 'b', 'c']);
});

test('a folder that is added while it is looked at is looked at once more, however often it was added', async () => {
  const { begun, endNext, look } = manualLooks();
  const queue = new FolderQueue(4, look);
  void queue.add('a');
  void queue.add('a');
  void queue.add('a');
  assert.deepEqual(begun, ['a']);
  endNext();
  await turn();
  endNext();
  await turn();
  assert.deepEqual(begun, ['a', 'a']);
});

test('an addition is answered by a look that began after it', async () => {
  const { begun, endNext, look } = manualLooks();
  const queue = new FolderQueue(1, look);
  void queue.add('a');
  let answered = false;
  const second = queue.add('a').then(() => {
    answered = true;
  });
  endNext();
  await turn();
  assert.equal(answered, false);
  endNext();
  await second;
  assert.deepEqual(begun, ['a', 'a']);
});

test('a closed queue begins nothing, and waits for what runs', async () => {
  const { begun, endNext, look } = manualLooks();
  const queue = new FolderQueue(1, look);
  void queue.add('a');
  const waiting = queue.add('b');
  const closed = queue.close();
  await waiting;
  endNext();
  await closed;
  await queue.add('c');
  assert.deepEqual(begun, ['a']);
});
