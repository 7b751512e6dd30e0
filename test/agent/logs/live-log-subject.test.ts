import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveLogSubject } from '../../../src/agent/logs/nats-publisher.ts';

// Contract 3.4: the API subscribes to the same name, so each character counts.
test('the subject of a live log is the id of its bot, made harmless', () => {
  for (const [id, word] of [
    ['clx7_a-B9', 'clx7_a-B9'],
    ['', 'unknown'],
    ['a.b', 'a_b'],
    ['a b>*', 'a_b__'],
    ['grid/1\r\nPUB x', 'grid_1__PUB_x'],
    ['né', 'n_'],
    ['a🚀b', 'a_b'],
  ] as const) {
    assert.equal(liveLogSubject(id), `the0.bot.logs.${word}`, id);
  }
});
