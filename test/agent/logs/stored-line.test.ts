import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localDay, localTimestamp, storedLine } from '../../../src/agent/logs/stored-line.ts';

const AT = '2026-04-01T10:00:00Z';

test('a JSON object with a timestamp is stored byte for byte', () => {
  const line = '{"b":1,  "a":12345678901234567890,"timestamp":"x"}';
  assert.equal(storedLine(`  ${line} \r`, AT), `${line}\n`);
});

test('a JSON object without a timestamp gets one and keeps its keys, numbers and their order', () => {
  assert.equal(
    storedLine('{"b":12345678901234567890,"a":"<&>"}', AT),
    `{"timestamp":"${AT}","b":12345678901234567890,"a":"<&>"}\n`,
  );
  assert.equal(storedLine('{ }', AT), `{"timestamp":"${AT}"}\n`);
});

test('everything else becomes a message, with its indentation', () => {
  for (const line of ['  File "main.py", line 3', '[1,2]', '42', '{"_metric":"x","value":NaN}', '{ not json']) {
    assert.deepEqual(JSON.parse(storedLine(line, AT) ?? ''), { timestamp: AT, message: line });
  }
});

test('a blank line is not stored', () => {
  for (const line of ['', ' ', '\t\r']) assert.equal(storedLine(line, AT), null);
});

test('day and timestamp are those of the local zone', () => {
  const zone = process.env['TZ'];
  try {
    process.env['TZ'] = 'Asia/Kolkata';
    const at = new Date('2026-03-31T20:00:00Z');
    assert.deepEqual([localDay(at), localTimestamp(at)], ['20260401', '2026-04-01T01:30:00+05:30']);
    process.env['TZ'] = 'UTC';
    assert.deepEqual([localDay(at), localTimestamp(at)], ['20260331', '2026-03-31T20:00:00Z']);
    process.env['TZ'] = 'America/St_Johns';
    assert.equal(localTimestamp(at), '2026-03-31T17:30:00-02:30');
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});
