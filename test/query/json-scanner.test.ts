import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonScanner } from '../../src/query/json-scanner.ts';

/** Scans a whole document, the first `cut` bytes first. */
function scan(text: string, cut = 0): JsonScanner {
  const bytes = Buffer.from(text);
  const scanner = new JsonScanner();
  scanner.scan(bytes, 0, cut);
  scanner.scan(bytes, cut, bytes.length);
  scanner.finish(bytes.length);
  return scanner;
}

function isGood(text: string, cut = 0): boolean {
  const scanner = scan(text, cut);
  const rest = Buffer.from(text).subarray(Math.max(0, scanner.valueEnd)).toString();
  return scanner.problem === null && /^[ \t\r\n]*$/.test(rest);
}

function isGoodForV8(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const documents = [
  ...[
    '{}',
    '[]',
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1.5',
    '-1.5e-10',
    '1E+2',
    '""',
    '"a\\u00e9\\n\\\\\\""',
    ' [ 1 , 2 ] ',
  ],
  ...['{"a":1}', '{"a":{"b":[1,{"c":null}]},"d":"e"}', '[[[[]]]]', '{"a":[],"b":{},"c":"","d":-0.0}', '"é☃😀"'],
  ...[
    '',
    ' ',
    '{',
    '}',
    '[',
    ']',
    '[,]',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{a:1}',
    '{1:2}',
    '[1 2]',
    '{"a" 1}',
  ],
  ...[
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '1e+',
    '+1',
    '1.5.5',
    '0x10',
    '1-2',
    'tru',
    'truee',
    'nul',
    'True',
    'NaN',
    'Infinity',
  ],
  ...[
    '"a',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"a\nb"',
    '"a\tb"',
    "'a'",
    '[}',
    '{]',
    '[1}',
    '{"a":1]',
    '1 2',
    '{} {}',
    '"a" "b"',
  ],
];

test('accepts exactly what JSON.parse accepts', () => {
  for (const text of documents) assert.equal(isGood(text), isGoodForV8(text), JSON.stringify(text));
});

test('accepts exactly what JSON.parse accepts, on documents with random damage', () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const alphabet = '{}[]",:\\u01e9.-+ tfn\n';
  for (let i = 0; i < 20_000; i += 1) {
    const text = [...(documents[random(documents.length)] ?? '')];
    for (let j = random(3); j >= 0; j -= 1) {
      text.splice(random(text.length + 1), random(2), alphabet.charAt(random(alphabet.length)));
    }
    const damaged = text.join('');
    assert.equal(isGood(damaged), isGoodForV8(damaged), JSON.stringify(damaged));
  }
});

test('it does not matter where a document is cut', () => {
  for (const text of documents) {
    for (let cut = 0; cut <= Buffer.byteLength(text); cut += 1) {
      assert.equal(isGood(text, cut), isGood(text), `${JSON.stringify(text)} at ${cut}`);
    }
  }
});

test('the members of the root object are found, with their quotes', () => {
  const text = ' { "a" : {"a":1} , "b\\"":[2,{"c":3}],"d":"x","e" : -1.5 , "f":null}  rest';
  const { members, memberSlots, valueEnd } = scan(text);
  const parts: string[] = [];
  for (let i = 0; i < memberSlots; i += 2) parts.push(text.slice(members[i], members[i + 1]));
  assert.deepEqual(parts, ['"a"', '{"a":1}', '"b\\""', '[2,{"c":3}]', '"d"', '"x"', '"e"', '-1.5', '"f"', 'null']);
  assert.equal(text.slice(valueEnd), '  rest');
});

test('nesting is bounded', () => {
  assert.equal(scan('['.repeat(10_000) + ']'.repeat(10_000)).problem, null);
  assert.equal(scan('['.repeat(10_001)).problem, 'exceeded max depth');
});

test('after a reset the next document is read as by a new one', () => {
  const scanner = new JsonScanner();
  const broken = Buffer.from('{"é":"\\n","x":[[{');
  scanner.scan(broken, 0, broken.length);
  scanner.reset();
  const good = Buffer.from('{"a":1}');
  scanner.scan(good, 0, good.length);
  scanner.finish(good.length);
  assert.deepEqual([scanner.problem, scanner.memberSlots, scanner.plain], [null, 4, true]);
});
