import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type Call,
  makeCalls,
  SDK_DRIVERS,
  scratchDirectory,
  startProgram,
  stateDirectory,
  until,
} from './sdk-driver.ts';

const READ_ONLY =
  'State modifications are not allowed during query execution. ' +
  'Queries are read-only. Use state.get() to read state values.';

for (const driver of SDK_DRIVERS) {
  describe(`State in ${driver.language}`, { skip: driver.skip, concurrency: 3 }, () => {
    it('gives back each kind of JSON value, in a later process too', async (t) => {
      const scratch = scratchDirectory(t);
      const values = [null, true, 0, -1.5, 1e300, '', 'text\n"\\ é 😀', [1, [2]], { a: { b: [] }, 'k é': null }];
      await makeCalls(
        t,
        driver,
        values.map((value, index): Call => ['state.set', `k${index}`, value]),
        { scratch },
      );
      const gets = values.map((_, index): Call => ['state.get', `k${index}`, 'default']);
      const { outcomes } = await makeCalls(t, driver, gets, { scratch });
      assert.deepEqual(
        outcomes,
        values.map((value) => ({ value })),
      );
    });

    it('stores one JSON file per key and leaves nothing else behind', async (t) => {
      const scratch = scratchDirectory(t);
      await makeCalls(
        t,
        driver,
        [
          ['state.set', 'one', 1],
          ['state.set', 'one', { n: 2 }],
        ],
        { scratch },
      );
      assert.deepEqual(readdirSync(stateDirectory(scratch)), ['one.json']);
      const stored: unknown = JSON.parse(readFileSync(join(stateDirectory(scratch), 'one.json'), 'utf8'));
      assert.deepEqual(stored, { n: 2 });
    });

    it('counts up when a value is read and written again', async (t) => {
      const scratch = scratchDirectory(t);
      const calls: Call[] = [
        ['state.set', 'n', 1],
        ['state.get', 'n'],
        ['state.set', 'n', 2],
        ['state.get', 'n'],
      ];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch });
      assert.deepEqual(outcomes, [{ value: null }, { value: 1 }, { value: null }, { value: 2 }]);
    });

    it('gives the default for a missing key, without needing the directory', async (t) => {
      const scratch = scratchDirectory(t);
      const calls: Call[] = [['state.get', 'x'], ['state.get', 'x', 5], ['state.exists', 'x'], ['state.list']];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch });
      assert.deepEqual(outcomes, [{ value: null }, { value: 5 }, { value: false }, { value: [] }]);
      assert.equal(existsSync(stateDirectory(scratch)), false);
    });

    it('gives the default for a file that is not JSON, and says so once', async (t) => {
      const scratch = scratchDirectory(t);
      fill(scratch, { 'half.json': '{"a": 1' });
      const calls: Call[] = [
        ['state.get', 'half', 'default'],
        ['state.get', 'half', 'default'],
      ];
      const { outcomes, stderr } = await makeCalls(t, driver, calls, { scratch });
      assert.deepEqual(outcomes, [{ value: 'default' }, { value: 'default' }]);
      assert.equal(stderr.match(/"warn".*State key 'half' does not hold valid JSON/g)?.length, 1);
    });

    it('refuses keys that are no file names, in every call', async (t) => {
      const scratch = scratchDirectory(t);
      const keys = ['', 'a/b', 'a\\b', '../a', 'a..b', '.', 'a ', 'a\0b', 'x'.repeat(251), 'é'.repeat(126)];
      const calls = ['get', 'set', 'delete', 'exists'].flatMap((name) =>
        keys.map((key): Call => [`state.${name}`, key, ...(name === 'set' ? [1] : [])]),
      );
      const { outcomes } = await makeCalls(t, driver, calls, { scratch });
      for (const [index, outcome] of outcomes.entries()) {
        assert.ok('error' in outcome, `accepted: ${JSON.stringify(calls[index])}`);
        assert.equal(outcome.error, driver.language === 'Python' ? 'ValueError' : 'Error');
        assert.match(
          outcome.message,
          /^State key (cannot (be empty$|contain path separators or '\.\.'$|be '\.', )|is too)/,
        );
      }
      assert.equal(outcomes.length, calls.length);
    });

    it('takes the longest and the oddest keys that are file names', async (t) => {
      const scratch = scratchDirectory(t);
      const keys = ['x'.repeat(250), 'é'.repeat(125), '😀', 'a b', '.hidden', 'a.json', 'name\nline'];
      const calls = keys.flatMap((key): Call[] => [
        ['state.set', key, key],
        ['state.get', key],
      ]);
      const { outcomes } = await makeCalls(t, driver, [...calls, ['state.list']], { scratch });
      const expected = keys.flatMap((key) => [{ value: null }, { value: key }]);
      assert.deepEqual(outcomes.slice(0, -1), expected);
      const listed = outcomes.at(-1);
      assert.ok(listed && 'value' in listed && Array.isArray(listed.value));
      assert.deepEqual(listed.value.sort(), [...keys].sort());
    });

    it('deletes, lists and clears its own files only', async (t) => {
      const scratch = scratchDirectory(t);
      const foreign = { 'model.bin': 'binary', 'notes.txt': 'text', json: 'no suffix' };
      fill(scratch, foreign);
      const calls: Call[] = [
        ['state.set', 'a', 1],
        ['state.set', 'b', 2],
        ['state.delete', 'a'],
        ['state.delete', 'a'],
        ['state.exists', 'a'],
        ['state.exists', 'b'],
        ['state.list'],
        ['state.clear'],
        ['state.clear'],
        ['state.list'],
      ];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch });
      const values = [null, null, true, false, false, true, ['b'], null, null, []];
      assert.deepEqual(
        outcomes,
        values.map((value) => ({ value })),
      );
      assert.deepEqual(readdirSync(stateDirectory(scratch)).sort(), Object.keys(foreign).sort());
    });

    it('keeps the old value when the new one cannot be stored', async (t) => {
      const scratch = scratchDirectory(t);
      const calls: Call[] = [
        ['state.set', 'k', 'old'],
        ['state.set', 'k', { x: '<unserialisable>' }],
        ['state.get', 'k'],
      ];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch });
      assert.ok(outcomes[1] && 'error' in outcomes[1]);
      assert.equal(outcomes[1].error, 'TypeError');
      assert.deepEqual(outcomes[2], { value: 'old' });
      assert.deepEqual(readdirSync(stateDirectory(scratch)), ['k.json']);
    });

    it('stores NaN as null, since no JSON reader takes it', async (t) => {
      const scratch = scratchDirectory(t);
      await makeCalls(t, driver, [['state.set', 'k', { x: '<nan>' }]], { scratch });
      const stored: unknown = JSON.parse(readFileSync(join(stateDirectory(scratch), 'k.json'), 'utf8'));
      assert.deepEqual(stored, { x: null });
    });

    it('is whole at every moment, even when the writer is killed', async (t) => {
      const scratch = scratchDirectory(t);
      const file = join(stateDirectory(scratch), 'large.json');
      for (let round = 0; round < 4; round += 1) {
        const before = round === 0 ? null : readFileSync(file, 'utf8');
        const writer = startProgram(t, driver, 'writer', { scratch });
        await until(() => existsSync(file) && readFileSync(file, 'utf8') !== before, 'the first write');
        for (let read = 0; read < 60; read += 1) assertWhole(file);
        writer.child.kill('SIGKILL');
        await writer.exit;
        assertWhole(file);
      }
    });

    it('removes what killed writers left, and not what another is writing', async (t) => {
      const scratch = scratchDirectory(t);
      fill(scratch, { '.a.json.tmp-1-1': 'old', '.a.json.tmp-1-2': 'fresh', '.gitkeep': '' });
      const hourAgo = Date.now() / 1000 - 3600;
      for (const name of ['.a.json.tmp-1-1', '.gitkeep'])
        utimesSync(join(stateDirectory(scratch), name), hourAgo, hourAgo);
      await makeCalls(t, driver, [['state.set', 'a', 1]], { scratch });
      assert.deepEqual(readdirSync(stateDirectory(scratch)).sort(), ['.a.json.tmp-1-2', '.gitkeep', 'a.json']);
    });

    it('cannot be changed in a query, whatever the key', async (t) => {
      const scratch = scratchDirectory(t);
      fill(scratch, { 'k.json': '1' });
      const calls: Call[] = [
        ['state.set', '', 2],
        ['state.delete', 'k'],
        ['state.clear'],
        ['state.get', 'k'],
        ['state.list'],
      ];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch, env: { QUERY_PATH: '/x' } });
      const refused = { error: 'ReadOnlyStateError', message: READ_ONLY };
      assert.deepEqual(outcomes, [refused, refused, refused, { value: 1 }, { value: ['k'] }]);
    });

    it('can be changed when QUERY_PATH is empty', async (t) => {
      const scratch = scratchDirectory(t);
      const calls: Call[] = [
        ['state.set', 'k', 2],
        ['state.get', 'k'],
      ];
      const { outcomes } = await makeCalls(t, driver, calls, { scratch, env: { QUERY_PATH: '' } });
      assert.deepEqual(outcomes, [{ value: null }, { value: 2 }]);
    });
  });
}

function fill(scratch: string, files: Record<string, string>): void {
  mkdirSync(stateDirectory(scratch), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(stateDirectory(scratch), name), text);
}

function assertWhole(file: string): void {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  assert.ok(typeof value === 'object' && value !== null && 'filler' in value);
  assert.equal(value.filler, 'x'.repeat(300_000));
}
