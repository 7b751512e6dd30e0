import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_CLAIMS, settleClaims } from '../../../src/desired/directory/claims.ts';

function wanted(ids: Readonly<Record<string, string | null>>): Map<string, string | null> {
  return new Map(Object.entries(ids));
}

test('at first the folder named like the id owns it, else the first by name', () => {
  assert.equal(settleClaims(wanted({ z: 'x', x: 'x', a: 'x' }), NO_CLAIMS).owners.get('x'), 'x');
  assert.equal(settleClaims(wanted({ z: 'x', b: 'x', c: 'x' }), NO_CLAIMS).owners.get('x'), 'b');
});

test('who owns an id keeps it, also against the folder named like it', () => {
  const before = settleClaims(wanted({ z: 'x' }), NO_CLAIMS);
  assert.equal(settleClaims(wanted({ z: 'x', x: 'x', a: 'x' }), before).owners.get('x'), 'z');
});

test('when the owner goes, or wants another id, the next takes over', () => {
  const before = settleClaims(wanted({ a: 'x', b: 'x' }), NO_CLAIMS);
  assert.equal(settleClaims(wanted({ b: 'x' }), before).owners.get('x'), 'b');
  assert.equal(settleClaims(wanted({ a: 'y', b: 'x' }), before).owners.get('x'), 'b');
});

test('folders without an id of their own are shown under their names, never under an id in use', () => {
  const { shownAs } = settleClaims(
    wanted({ first: 'copy', copy: null, 'my bot!': null, 'my bot?': null, '': null }),
    NO_CLAIMS,
  );
  assert.equal(shownAs.get('first'), 'copy');
  assert.equal(shownAs.get('my bot!'), 'my-bot-');
  const names = [...shownAs.values()];
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
});

test('the name of a folder stays the same from one time to the next', () => {
  const ids = wanted({ first: 'copy', copy: null });
  assert.deepEqual(settleClaims(ids, NO_CLAIMS).shownAs, settleClaims(ids, settleClaims(ids, NO_CLAIMS)).shownAs);
});
