import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatByteSize, parseByteSize } from '../src/config/byte-size.ts';
import { formatDuration, parseDuration } from '../src/duration.ts';

test('durations are read in the syntax of Go', () => {
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('500ms'), 500);
  assert.equal(parseDuration('1.5h'), 5_400_000);
  assert.equal(parseDuration('0'), 0);
});

test('what is no duration is not taken for one', () => {
  for (const text of ['', '30', 's', '30 s', '-1s', '1d', '1s30', '30S', 'ms500']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test('a duration is shown so that it is read back as the same', () => {
  for (const milliseconds of [0, 1, 999, 1000, 1001, 90_000, 300_000, 3_600_000, 90_061_001]) {
    assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds);
  }
  assert.equal(formatDuration(90_000), '1m30s');
});

test('sizes have binary and decimal units, and bare numbers are bytes', () => {
  assert.equal(parseByteSize('16MiB'), 16 * 1024 ** 2);
  assert.equal(parseByteSize('1.5kib'), 1536);
  assert.equal(parseByteSize('2MB'), 2_000_000);
  assert.equal(parseByteSize('1500'), 1500);
  for (const text of ['', 'MiB', '-1MiB', '1 XiB', '1e3', '99999999999GiB'])
    assert.equal(parseByteSize(text), undefined, text);
});

test('a size is shown so that it is read back as the same', () => {
  for (const bytes of [0, 1, 1023, 1024, 1536, 1024 ** 2, 3 * 1024 ** 3]) {
    assert.equal(parseByteSize(formatByteSize(bytes)), bytes);
  }
  assert.equal(formatByteSize(16 * 1024 ** 2), '16MiB');
});
