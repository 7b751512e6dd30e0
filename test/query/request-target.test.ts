import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestTarget } from '../../src/query/request-target.ts';

test('params are appended as query string, after one that is there already', () => {
  assert.equal(requestTarget('/status', []), '/status');
  assert.equal(requestTarget('/status', ['limit', '5', 'sym', 'BTC/USD']), '/status?limit=5&sym=BTC%2FUSD');
  assert.equal(requestTarget('/status?a=1', ['b', '2']), '/status?a=1&b=2');
});

test('nothing in path or params can end the request line', () => {
  const odd = '/a b\r\nHost: evil\r\n\r\nGET /x\u0000\u007fé☃\ud800"<>\\^`{|}';
  assert.match(requestTarget(odd, [odd, odd]), /^[\x21-\x7e]+$/);
});

test('percent-encoding in the path stays as it is, since SDKs do not decode it', () => {
  assert.equal(requestTarget('/a%20b%zz', []), '/a%20b%zz');
});

test('a fragment is cut off', () => {
  assert.equal(requestTarget('/a?x=1#frag', ['y', '#']), '/a?x=1&y=%23');
});

test('params too long for a request line travel in the body only', () => {
  assert.equal(requestTarget('/a', ['x', 'y'.repeat(10_000)]), '/a');
});
