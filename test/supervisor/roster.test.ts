import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noteObservation, type RosterEntry } from '../../src/supervisor/roster.ts';

function entry(): RosterEntry {
  return { botId: 'ema', definition: null, removal: null, observation: null, lastTransition: null, shardId: 's' };
}

function seenAt(at: number) {
  return { botId: 'ema', container: null, lastExit: null, at };
}

it('a roster keeps the newest observation, in whatever order they come', () => {
  const one = entry();
  for (const at of [10, 30, 20]) noteObservation(one, seenAt(at), 40);
  assert.equal(one.observation?.at, 30);
});

it('a roster keeps what is observed after the clock was set back', () => {
  const one = entry();
  noteObservation(one, seenAt(3_600_000), 3_600_000);
  for (const at of [20, 10]) noteObservation(one, seenAt(at), 30);
  assert.equal(one.observation?.at, 20);
});
