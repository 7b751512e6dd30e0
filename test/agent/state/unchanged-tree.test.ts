import assert from 'node:assert/strict';
import fs, { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateFixture } from './state-fixture.ts';

/** Longer than the clock of the files may stand still. */
const SETTLED_MS = 60;

/** The names below a directory that anybody in this process opens from now on. */
function openedBelow(t: TestContext, directory: string): string[] {
  const names: string[] = [];
  const { openSync } = fs;
  fs.openSync = (path, ...rest) => {
    if (String(path).startsWith(`${directory}/`)) names.push(String(path).slice(directory.length + 1));
    return openSync(path, ...rest);
  };
  syncBuiltinESMExports();
  t.after(() => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  });
  return names;
}

test('of an unchanged tree no content is read; of a changed one only what changed', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  for (const name of ['a', 'b', 'b/c']) {
    mkdirSync(join(directory, name));
    for (let index = 0; index < 50; index++) writeFileSync(join(directory, name, `f${index}`), `${name} ${index}`);
  }
  const sync = fixture.sync(directory);
  await sync.sync(null);
  await sleep(SETTLED_MS);
  await sync.sync(null);

  const opened = openedBelow(t, directory);
  const before = { ...fixture.store.traffic };
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  assert.deepEqual(opened, []);
  assert.deepEqual(fixture.store.traffic, before);
  appendFileSync(join(directory, 'b/c/f7'), 'x'); // Not by way of openSync.
  opened.length = 0;
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual([...new Set(opened)], ['b/c/f7']);
});

test('what was restored is not read again', async (t) => {
  const fixture = stateFixture(t);
  const source = fixture.directory();
  for (let index = 0; index < 50; index++) writeFileSync(join(source, `f${index}`), `${index}`);
  await fixture.sync(source).sync(null);
  const directory = mkdtempSync(join(tmpdir(), 'the0-restored-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const sync = fixture.sync(directory);
  await sync.restore();
  const opened = openedBelow(t, directory);
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  assert.deepEqual(opened, []);
});
