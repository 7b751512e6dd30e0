import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMALL_PIECES, stateFixture } from './state-fixture.ts';

/** Each transaction writes one row into each of two tables, so that a half one shows; some also write much. */
const WRITER = `
import os, sqlite3, sys, time
path, mode, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
db = sqlite3.connect(path, isolation_level=None, timeout=30)
db.execute(f"pragma journal_mode={mode}")
db.execute("create table if not exists a (n integer, filler blob)")
db.execute("create table if not exists b (n integer)")
db.execute("create index if not exists ia on a (n)")
print("ready", flush=True)
n = 0
while True:
    n += 1
    db.execute("begin immediate")
    db.execute("insert into a values (?, ?)", (n, os.urandom(20_000 if n % 10 == 0 else 200)))
    db.execute("insert into b values (?)", (n,))
    if n % 50 == 0:
        db.execute("delete from a where n < ?", (n - 40,))
        db.execute("delete from b where n < ?", (n - 40,))
    db.execute("commit")
    if pause:
        time.sleep(pause)
`;

const CHECK = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("pragma integrity_check").fetchone() == ("ok",), "integrity"
a = [n for (n,) in db.execute("select n from a order by n")]
b = [n for (n,) in db.execute("select n from b order by n")]
assert a == b, "half a transaction"
print(len(a))
`;

async function run(program: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, out);
  return out.trim();
}

/** Null without Python. */
async function startWriter(t: TestContext, path: string, mode: string, pause: string): Promise<ChildProcess | null> {
  const child = spawn('python3', ['-c', WRITER, path, mode, pause], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  return started ? child : null;
}

// At once: each mostly waits for its writer to pause.
describe('SQLite', { concurrency: true }, () => {
  for (const [mode, pause] of [
    ['wal', '0.001'],
    ['wal', '0'],
    ['delete', '0.02'],
    ['truncate', '0.02'],
    ['persist', '0.02'],
  ] as const) {
    test(`a database in use is restored uncorrupted (journal_mode=${mode}, ${pause} s between transactions)`, async (t) => {
      const fixture = stateFixture(t, { ...SMALL_PIECES, maxPieceBytes: 100_000_000 });
      const directory = fixture.directory();
      const writer = await startWriter(t, join(directory, 'bot.db'), mode, pause);
      if (writer === null) return t.skip('needs python3');
      const sync = fixture.sync(directory);
      let stored = 0;
      for (let turn = 0; turn < 8; turn++) {
        const result = await sync.sync(null);
        await sleep(20);
        if (result.kind !== 'uploaded') continue;
        const restored = fixture.directory();
        await fixture.sync(restored, { epoch: 9_000 }).restore();
        if (!existsSync(join(restored, 'bot.db'))) continue;
        assert.equal(existsSync(join(restored, 'bot.db-shm')), false);
        await run(CHECK, join(restored, 'bot.db'));
        stored += 1;
        rmSync(restored, { recursive: true });
      }
      t.diagnostic(`${stored} of 8 syncs stored it`);
      assert.notEqual(stored, 0);

      writer.kill('SIGKILL');
      await new Promise((resolve) => writer.once('exit', resolve));
      await sleep(60);
      await sync.sync(null);
      const last = fixture.directory();
      await fixture.sync(last, { epoch: 9_000 }).restore();
      const rows = await run(CHECK, join(last, 'bot.db'));
      assert.equal(
        rows,
        await run(CHECK, join(directory, 'bot.db')),
        'after the bot has ended, its last transaction is there',
      );
    });
  }
});

test('what only looks like a database is stored like any file', async (t) => {
  const fixture = stateFixture(t, { ...SMALL_PIECES, maxPieceBytes: 100_000_000 });
  const directory = fixture.directory();
  for (const name of ['x', 'x-wal', 'y-journal', 'z-shm']) writeFileSync(join(directory, name), 'no database');
  await fixture.sync(directory).sync(null);
  assert.deepEqual(
    (await fixture.restored()).map(({ name }) => name),
    ['x', 'x-wal', 'y-journal', 'z-shm'],
  );
});
