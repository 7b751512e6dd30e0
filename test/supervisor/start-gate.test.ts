import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartGate } from '../../src/supervisor/start-gate.ts';

/** Tasks that end when told, and the order in which they were let through. */
function setUp(gate: StartGate) {
  const admitted: string[] = [];
  const finish = new Map<string, (error?: Error) => void>();
  const start = (name: string, priority: 'live' | 'flood') =>
    gate.pass(
      priority,
      () =>
        new Promise<void>((resolve, reject) => {
          admitted.push(name);
          finish.set(name, (error) => (error ? reject(error) : resolve()));
        }),
    );
  return {
    admitted,
    start,
    finish: async (name: string, error?: Error) => {
      finish.get(name)?.(error);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('no more than the permitted number of cold starts run at a time', async () => {
  const { admitted, start, finish } = setUp(new StartGate(2, 1));
  for (const name of ['a', 'b', 'c', 'd']) void start(name, 'flood');
  assert.deepEqual(admitted, ['a', 'b']);
  await finish('a');
  assert.deepEqual(admitted, ['a', 'b', 'c']);
});

test('a live start does not wait behind a flood of cold ones', async () => {
  const { admitted, start } = setUp(new StartGate(2, 1));
  for (let i = 0; i < 1000; i++) void start(`cold ${i}`, 'flood');
  void start('crashed', 'live');
  assert.equal(admitted.at(-1), 'crashed');
});

test('waiting live starts go before waiting cold ones', async () => {
  const { admitted, start, finish } = setUp(new StartGate(1, 0));
  void start('first', 'flood');
  void start('cold', 'flood');
  void start('live', 'live');
  await finish('first');
  assert.deepEqual(admitted, ['first', 'live']);
});

test('a start that fails gives its permit back', async () => {
  const { admitted, start, finish } = setUp(new StartGate(1, 0));
  const failing = start('failing', 'flood');
  void start('next', 'flood');
  const outcome = assert.rejects(failing, /no/);
  await finish('failing', new Error('no'));
  await outcome;
  assert.deepEqual(admitted, ['failing', 'next']);
});

test('a long queue keeps its order and is emptied', async () => {
  const gate = new StartGate(1, 0);
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: 5000 }, (_, index) =>
      gate.pass('flood', async () => {
        seen.push(index);
      }),
    ),
  );
  assert.deepEqual(
    seen,
    Array.from({ length: 5000 }, (_, index) => index),
  );
  assert.equal(gate.waiting, 0);
});

test('live starts that never cease leave one permit to the cold ones', async () => {
  const { admitted, start, finish } = setUp(new StartGate(2, 2));
  for (let i = 0; i < 20; i++) void start(`live ${i}`, 'live');
  assert.equal(admitted.length, 3);
  void start('cold', 'flood');
  assert.equal(admitted.at(-1), 'cold');
  void start('cold too', 'flood');
  await finish('live 0');
  assert.equal(admitted.at(-1), 'live 3');
  await finish('cold');
  assert.equal(admitted.at(-1), 'cold too');
});

test('never more run than all permits together', async () => {
  const gate = new StartGate(2, 2);
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      gate.pass(index % 3 === 0 ? 'live' : 'flood', async () => {
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < index % 5; turn++) await null;
        running -= 1;
      }),
    ),
  );
  assert.equal(most, 4);
  assert.equal(gate.waiting, 0);
});
