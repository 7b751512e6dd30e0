import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { StderrTail } from '../../../src/engine/process/stderr-tail.ts';

test('only the end of a long output is kept', async () => {
  const stream = new PassThrough();
  const tail = new StderrTail(stream, 10);
  for (let n = 0; n < 1_000; n += 1) stream.write(`${n},`);
  stream.end('end');
  await tail.ended;
  assert.equal(tail.text(), '8,999,end'.padStart(10, '9'));
});

test('a stream that breaks has a tail as well', async () => {
  const stream = new PassThrough();
  const tail = new StderrTail(stream, 100);
  stream.write('before');
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy(new Error('gone'));
  await tail.ended;
  assert.equal(tail.text(), 'before');
});
