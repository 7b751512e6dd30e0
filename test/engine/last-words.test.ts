import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAST_WORDS_BYTES, parseLastWords } from '../../src/engine/last-words.ts';

const words = { the0: 1, code: 'bot-exited', facts: { exitCode: 3, detail: 'x' } } as const;

test('the last line counts, whatever is before it and whether it ends with a line feed or not', () => {
  assert.deepEqual(parseLastWords(`noise\n${JSON.stringify(words)}\n`), words);
  assert.deepEqual(parseLastWords(`cut off {"the0":\n${JSON.stringify(words)}`), words);
});

test('a line that is not the agent’s is no last words', () => {
  for (const line of ['', 'Killed', '{', '[]', 'null', '{"the0":2,"code":"stopped","facts":{}}']) {
    assert.equal(parseLastWords(line), null, line);
  }
  assert.equal(parseLastWords(`${JSON.stringify(words)}\nsomething after it\n`), null);
});

test('what comes from inside a container is bounded and checked', () => {
  const of = (change: object) => parseLastWords(JSON.stringify({ ...words, ...change }));
  assert.equal(of({ code: 'constructor' }), null);
  assert.deepEqual(of({ facts: { nested: {}, list: [], kept: 1 } })?.facts, { kept: 1 });
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`fact${n}`, n]));
  assert.equal(Object.keys(of({ facts: many })?.facts ?? {}).length, 16);
  assert.equal(of({ facts: { detail: 'x'.repeat(LAST_WORDS_BYTES) } }), null);
  assert.equal(of({ facts: { detail: 'x'.repeat(5_000) } })?.facts['detail'], 'x'.repeat(2_000));
});
