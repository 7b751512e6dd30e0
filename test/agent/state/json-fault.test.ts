import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { jsonFaultOf } from '../../../src/agent/state/json-fault.ts';
import { ReadBuffer, StableFile } from '../../../src/agent/state/stable-file.ts';

const root = mkdtempSync(join(tmpdir(), 'the0-json-'));
test.after(() => rmSync(root, { recursive: true }));

/** Of a file with this text, when it is parsed, and when it is too large for that. */
function faultsOf(text: string): readonly (string | null)[] {
  const path = join(root, 'file.json');
  writeFileSync(path, text);
  return [Number.POSITIVE_INFINITY, -1].map((parseBytes) => {
    const file = StableFile.open(path, Date.now);
    assert.ok(file !== null);
    try {
      return jsonFaultOf(file, parseBytes, new ReadBuffer());
    } finally {
      file.close();
    }
  });
}

const WHOLE = [
  '{}',
  ' [1, 2, {"a": "b"}]\n',
  '"a string"',
  JSON.stringify({ 'a "key" [': '}]{[ \\', nested: [[[{ ü: '\\"' }]]], last: 'ends with a backslash\\' }),
];

for (const text of WHOLE) {
  test(`${text.trim()} is JSON`, () => assert.deepEqual(faultsOf(text), [null, null]));
}

test('a text that is cut off anywhere is none, also when it is too large to be parsed', () => {
  for (const whole of WHOLE.map((text) => text.trim())) {
    for (let length = 1; length < whole.length; length += 1) {
      const fault = 'it is not valid JSON';
      assert.deepEqual(faultsOf(whole.slice(0, length)), [fault, fault], whole.slice(0, length));
    }
  }
});

test('nor is one with something behind its end, or before its beginning', () => {
  for (const text of ['{}{}', '[] x', '{}]', ']', 'x{}', '"a""b"']) {
    assert.deepEqual(faultsOf(text), ['it is not valid JSON', 'it is not valid JSON'], text);
  }
});

test('an empty file is said to be empty', () => {
  for (const text of ['', ' \n']) assert.deepEqual(faultsOf(text), ['it is empty', 'it is empty']);
});

test('the brackets of a text of many chunks are followed from one to the next', () => {
  const text = JSON.stringify(Array.from({ length: 60_000 }, (_, index) => ({ [`key ${index}`]: '\\"[' })));
  assert.deepEqual(faultsOf(text), [null, null]);
  assert.deepEqual(faultsOf(text.slice(0, -1)), ['it is not valid JSON', 'it is not valid JSON']);
});
