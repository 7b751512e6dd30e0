import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BotAnswer } from '../../src/query/bot-answer.ts';
import { HeldBytes } from '../../src/query/held-bytes.ts';
import { answerBody } from '../../src/query/query-response.ts';

function answerOf(body: string): BotAnswer {
  const answer = new BotAnswer(1e6, new HeldBytes(1e6));
  const bytes = Buffer.from(body);
  answer.begin(bytes.length);
  answer.piece(bytes, 0, bytes.length, true);
  return answer;
}

test('every duration is written in whole nanoseconds', () => {
  const answer = answerOf('{"status":"ok","data":1}');
  for (const ms of [0, 0.000001, 0.000009, 0.00001, 0.123456, 1, 9.999999, 10, 1234.567891, 300_000, 4_000_000]) {
    assert.equal(JSON.parse(answerBody(answer, ms).toString()).duration, Math.round(ms * 1e6));
  }
});

test('data of any length is passed on whole', () => {
  for (const length of [0, 1, 254, 255, 256, 257, 60_000, 65_200, 65_300, 65_536, 200_000]) {
    const data = 'é'.repeat(length >> 1) + 'x'.repeat(length & 1);
    const text = answerBody(answerOf(JSON.stringify({ status: 'ok', data })), 1).toString();
    assert.equal(JSON.parse(text).data, data);
    assert.ok(text.endsWith('"}\n'));
  }
});
