import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentencesOf } from '../../../src/commands/terminal/error-sentences.ts';

test('an error is told with what to do, whoever throws it', () => {
  const withHint = (message: string, hint: unknown) => Object.assign(new Error(message), { hint });
  assert.equal(sentencesOf(withHint('some were lost', 'Save them.')), 'some were lost. Save them.');
  assert.equal(sentencesOf(withHint('It is away.', 'Is it up?')), 'It is away. Is it up?');
  for (const without of [withHint('no', ''), withHint('no', 1), new Error('no'), 'no']) {
    assert.equal(sentencesOf(without), 'no');
  }
});
