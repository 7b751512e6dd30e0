import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventRecord } from '../../../src/desired/nats/event-record.ts';
import { FeedError } from '../../../src/desired/nats/feed-error.ts';

const lost = (message: string) => new FeedError('nats-events-missed', message, 'Save them.');

function record() {
  const clock = { now: 0 };
  return { clock, made: new EventRecord({ toldMs: 1_000 }, () => clock.now) };
}

test('what was lost and refused is told for a while, and counted for good', () => {
  const { clock, made } = record();
  made.gap('a', 'expired', lost('5 are lost'), 5);
  made.refused(null, null, 'it is not JSON', 'a message was not applied: it is not JSON');
  made.refused('bot', null, 'it has no config', 'a message …');
  assert.deepEqual(made.told, [
    '1970-01-01T00:00Z: 5 are lost. Save them.',
    '1970-01-01T00:00Z: a message was not applied: it is not JSON.',
    'The last change of bot was refused; `why` says why.',
  ]);
  assert.equal(made.refusalOf('bot')?.reason, 'it has no config');
  clock.now = 1_000;
  assert.deepEqual([made.told, made.refusalOf('bot')], [[], null]);
  assert.deepEqual(made.tally.events, { applied: 0, stale: 0, refused: 2, missed: 5 });
});

test('a gap that several followers find is one, as wide as the widest saw it', () => {
  const { made } = record();
  for (const missed of [4, 6, 5]) made.gap('gap before 9', 'expired', lost(`up to ${missed}`), missed);
  for (const _ of [1, 2]) made.gap('another stream', 'replaced', lost('made anew'), null);
  assert.deepEqual(made.tally, {
    events: { applied: 0, stale: 0, refused: 0, missed: 6 },
    gaps: { expired: 1, replaced: 1, unheard: 0 },
  });
  assert.deepEqual(
    made.told.map((sentence) => sentence.slice(19)),
    ['up to 6. Save them.', 'made anew. Save them.'],
  );
});

test('only some are told of, the latest', () => {
  const { made } = record();
  for (let n = 0; n < 2_000; n += 1) {
    made.gap(`gap ${n}`, 'expired', lost(`gap ${n} is lost`), 1);
    made.refused(`bot${n}`, null, 'no', 'no');
  }
  assert.equal(made.told.length, 6);
  assert.match(made.told.join(' '), /gap 1999 is lost.* bot1998, bot1999 and 995 more was refused/);
  assert.equal(made.refusalOf('bot0'), null);
  assert.equal(made.tally.events.refused, 2_000);
});

test('a refused change is made up for by a later one of the same bot, not by an earlier one', () => {
  const { made } = record();
  made.refused('bot', { epoch: 1, sequence: 5 }, 'no', 'no');
  made.done('bot', { epoch: 1, sequence: 4 }, false);
  made.done('other', { epoch: 1, sequence: 6 }, false);
  assert.notEqual(made.refusalOf('bot'), null);
  made.done('bot', { epoch: 2, sequence: 1 }, true);
  assert.equal(made.refusalOf('bot'), null);
  assert.deepEqual(made.tally.events, { applied: 2, stale: 1, refused: 1, missed: 0 });
});
