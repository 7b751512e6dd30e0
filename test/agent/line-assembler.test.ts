import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLines, LineAssembler } from '../../src/agent/line-assembler.ts';

function feed(maxLineBytes: number, chunks: readonly string[]): (string | undefined)[] {
  const lines = new LineAssembler(maxLineBytes);
  const blocks = chunks.map((chunk) => lines.push(Buffer.from(chunk))?.toString());
  return [...blocks, lines.end()?.toString()];
}

test('a line is held until its newline is there', () => {
  assert.deepEqual(feed(100, ['he', 'll', 'o\nwor', 'ld\n']), [undefined, undefined, 'hello\n', 'world\n', undefined]);
});

test('the end gives what is left, as a line', () => {
  assert.deepEqual(feed(100, ['a\nb']), ['a\n', 'b\n']);
});

test('a line that is too long is broken up, and nothing is lost', () => {
  assert.deepEqual(feed(4, ['abcdefghij\nkl\n']), ['abcd\nefgh\nij\nkl\n', undefined]);
  assert.deepEqual(feed(4, ['abc', 'def', 'ghij']), [undefined, 'abcd\n', 'efgh\n', 'ij\n']);
});

test('an endless line without a newline is not collected', () => {
  const lines = new LineAssembler(1000);
  let held = 0;
  for (let index = 0; index < 1000; index++)
    held += 700 - (lines.push(Buffer.alloc(700, 'x'))?.toString().replaceAll('\n', '').length ?? 0);
  assert.ok(held <= 1000, `${held} bytes held`);
});

test('lines are counted by their newlines', () => {
  assert.equal(countLines(Buffer.from('a\n\nb\n')), 3);
});
