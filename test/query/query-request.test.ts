import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQueryRequest } from '../../src/query/query-request.ts';

function read(text: string): ReturnType<typeof readQueryRequest> {
  const bytes = Buffer.from(text);
  return readQueryRequest(bytes, bytes.length);
}

/** What is wrong with it, or '' */
function problem(text: string): string {
  const result = read(text);
  return typeof result === 'string' ? result : '';
}

test('a full request is read', () => {
  assert.deepEqual(read('{"bot_id":"b","query_path":"/status","params":{"limit":5,"s":"a b"},"timeout_sec":7}'), {
    botId: 'b',
    path: '/status',
    paramsJson: '{"limit":5,"s":"a b"}',
    pairs: ['limit', '5', 's', 'a b'],
    timeoutSec: 7,
  });
});

test('names match in any case, the last of equal names wins, unknown ones are ignored', () => {
  const result = read('{"BOT_ID":"x","bot_Id":"b","Query_Path":"p","extra":[1,{"bot_id":"no"}],"PARAMS":{"A":true}}');
  assert.deepEqual(result, { botId: 'b', path: '/p', paramsJson: '{"A":true}', pairs: ['A', 'true'], timeoutSec: 0 });
});

test('an escaped name is that name', () => {
  assert.equal(problem('{"bot\\u005fid":"b","query_path":"/"}'), '');
});

test('whatever follows the first value is ignored', () => {
  assert.equal(problem('{"bot_id":"b","query_path":"/x"} and more }{'), '');
});

test('an empty or malformed body is an invalid request body', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '{"bot_id":"b"',
    'hello',
    "{'bot_id':1}",
    '{"bot_id":"b",}',
    '\ufeff{}',
    '[]',
    '"x"',
    '5',
  ]) {
    assert.match(problem(text), /^invalid request body: /, JSON.stringify(text));
  }
});

test('wrong types are an invalid request body that names the field', () => {
  const good = '"bot_id":"b","query_path":"/x"';
  assert.match(problem('{"bot_id":5,"query_path":"/x"}'), /^invalid request body: .*bot_id/);
  assert.match(problem('{"bot_id":"b","query_path":{}}'), /^invalid request body: .*query_path/);
  for (const params of ['[]', '"x"', '5', 'true']) {
    assert.match(problem(`{${good},"params":${params}}`), /^invalid request body: .*params/);
  }
  for (const timeout of ['30.0', '30.5', '3e1', '"30"', 'true', '12345678901234567890']) {
    assert.match(problem(`{${good},"timeout_sec":${timeout}}`), /^invalid request body: .*timeout_sec/, timeout);
  }
});

test('null is as good as absent', () => {
  assert.equal(problem('null'), 'bot_id is required');
  assert.equal(problem('{"bot_id":null}'), 'bot_id is required');
  assert.equal(problem('{"bot_id":"b","query_path":"/","params":null,"timeout_sec":null}'), '');
});

test('the body is judged before bot_id, and bot_id before query_path', () => {
  assert.equal(problem('{}'), 'bot_id is required');
  assert.equal(problem('{"bot_id":""}'), 'bot_id is required');
  assert.equal(problem('{"bot_id":"b"}'), 'query_path is required');
  assert.equal(problem('{"bot_id":"b","query_path":""}'), 'query_path is required');
  assert.match(problem('{"timeout_sec":1.5}'), /^invalid request body/);
});

test('empty params mean no body to the bot', () => {
  const result = read('{"bot_id":"b","query_path":"/x","params":{ }}');
  assert.ok(typeof result !== 'string');
  assert.deepEqual([result.paramsJson, result.pairs], ['', []]);
});

test('params keep their digits and their text', () => {
  const result = read('{"bot_id":"b","query_path":"/x","params":{"id":9007199254740993,"né":"☃\\n","o":{"a":[1, 2]}}}');
  assert.ok(typeof result !== 'string');
  assert.deepEqual(result.pairs, ['id', '9007199254740993', 'né', '☃\n', 'o', '{"a":[1, 2]}']);
  assert.equal(
    Buffer.from(result.paramsJson, 'latin1').toString(),
    '{"id":9007199254740993,"né":"☃\\n","o":{"a":[1, 2]}}',
  );
});
