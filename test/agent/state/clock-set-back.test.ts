import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { StateTree } from '../../../src/agent/state/state-tree.ts';
import { stateFixture } from './state-fixture.ts';

const HOUR_MS = 3_600_000;
/** The clock of the host was ahead by this when the files were written, and was set right. */
const now = () => Date.now() - HOUR_MS;

test('a database with a log that was written before the clock was set back is stored', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const database = new DatabaseSync(join(directory, 'bot.db'));
  t.after(() => database.close());
  database.exec('pragma journal_mode=wal; create table a (n integer); insert into a values (1)');
  const sync = fixture.sync(directory, { now });
  await sync.begin({ kind: 'first-run' });
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(fixture.notices, []);
  const names = async () => (await fixture.restored()).map(({ name }) => name).sort();
  assert.deepEqual(await names(), ['bot.db', 'bot.db-wal']);

  // What is written from now on has the time of now, which is another.
  database.exec('insert into a values (2)');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(fixture.notices, []);
});

test('an empty file from before the clock was set back is not waited for until the clock has caught up', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  writeFileSync(join(directory, 'empty'), '');
  const sync = fixture.sync(directory, { now, limits: { ...DEFAULT_STATE_LIMITS, patienceMs: HOUR_MS } });
  await sync.begin({ kind: 'first-run' });
  assert.equal((await sync.sync(null, AbortSignal.timeout(20_000))).kind, 'uploaded');
});

test('only what was written at the time of its reading, by any clock, is looked at once more', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  writeFileSync(join(directory, 'a'), 'x');
  const { ctimeMs } = statSync(join(directory, 'a'));
  await sleep(50);
  const tree = new StateTree(directory, []);
  for (const [readAt, again] of [
    [ctimeMs - HOUR_MS, 0],
    [ctimeMs - 10, 1],
    [ctimeMs, 1],
    [ctimeMs + 10, 1],
    [ctimeMs + HOUR_MS, 0],
  ] as const) {
    await tree.scan(null);
    tree.suspect('a');
    const facts = tree.facts('a');
    assert.ok(facts);
    tree.handled('a', facts, readAt);
    assert.equal(tree.suspects().length, again, `read ${readAt - ctimeMs} ms after it was written`);
  }
});
