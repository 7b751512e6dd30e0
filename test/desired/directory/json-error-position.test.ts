import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonErrorPosition } from '../../../src/desired/directory/json-error-position.ts';

test('the first character that cannot be there is found', () => {
  const cases: readonly [text: string, line: number, column: number][] = [
    ['{"a":1,}', 1, 8],
    ['{"a":1 "b":2}', 1, 8],
    ["{'a':1}", 1, 2],
    ['{"a": bad}', 1, 7],
    ['{\n "a": truth\n}', 2, 10],
    ['{"a":1,\n // why\n "b":2}', 2, 2],
    ['[1,,2]', 1, 4],
    ['{"a":1}}', 1, 8],
    ['{"a":"\\x"}', 1, 8],
    ['{"a":01}', 1, 7],
    [`[${'1,'.repeat(5_000)}]`, 1, 10_002],
  ];
  for (const [text, line, column] of cases)
    assert.deepEqual(jsonErrorPosition(text), { line, column }, text.slice(0, 40));
});

test('a text that ends too early is wrong at its end', () => {
  for (const text of ['', '{', '{"a"', '{"a":', '{"a":"x', '{"a":1', '[1', '{"a":tru', '"\\u12']) {
    assert.deepEqual(jsonErrorPosition(text), { line: 1, column: text.length + 1 }, text);
  }
});

test('JSON has no error', () => {
  for (const text of ['{}', ' [1, "}{"] ', 'null', '"x"']) assert.equal(jsonErrorPosition(text), null);
});
