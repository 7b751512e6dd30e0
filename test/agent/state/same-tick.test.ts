import assert from 'node:assert/strict';
import fs, { mkdirSync, readFileSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { stateFixture } from './state-fixture.ts';

/** From now on the times of a file do not move, as within one tick of the kernel's clock. @param onRead upon each reading */
function stopItsClock(t: TestContext, path: string, onRead: () => void): number {
  const { ino, mtimeMs, ctimeMs } = statSync(path);
  const { lstatSync, fstatSync, readSync } = fs;
  const stopped = <Look extends typeof lstatSync | typeof fstatSync>(look: Look): Look =>
    new Proxy(look, {
      apply(target, self, args) {
        const stat: unknown = Reflect.apply(target, self, args);
        return isOf(stat, ino) ? Object.assign(stat, { mtimeMs, ctimeMs }) : stat;
      },
    });
  const read = new Proxy(readSync, {
    apply(target, self, args: Parameters<typeof readSync>) {
      const count: unknown = Reflect.apply(target, self, args);
      if (isOf(fs.fstatSync(args[0]), ino)) onRead();
      return count;
    },
  });
  const put = (functions: object) => {
    Object.assign(fs, functions);
    syncBuiltinESMExports();
  };
  put({ lstatSync: stopped(lstatSync), fstatSync: stopped(fstatSync), readSync: read });
  t.after(() => put({ lstatSync, fstatSync, readSync }));
  return ctimeMs;
}

function isOf(stat: unknown, ino: number): stat is Stats {
  return stat instanceof fs.Stats && stat.ino === ino;
}

interface Setting {
  readonly write: (text: string) => void;
  readonly sync: () => Promise<unknown>;
  readonly stored: () => Promise<string>;
  readonly stopClock: (onRead: () => void) => void;
}

function setting(t: TestContext, name: string): Setting {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  let stoppedAt: number | null = null;
  let epoch = 9_000;
  const limits = { ...DEFAULT_STATE_LIMITS, patienceMs: 0 };
  const sync = fixture.sync(directory, { limits, now: () => stoppedAt ?? Date.now() });
  return {
    write: (text) => writeFileSync(file, text),
    sync: () => sync.sync(null),
    async stored() {
      const fresh = fixture.directory();
      await fixture.sync(fresh, { epoch: ++epoch }).restore();
      return readFileSync(join(fresh, name), 'utf8');
    },
    stopClock(onRead) {
      stoppedAt = stopItsClock(t, file, onRead);
    },
  };
}

test('what is written on in the tick of the clock in which it is read is not stored in halves', async (t) => {
  const { write, sync, stored, stopClock } = setting(t, 'a');
  write('old');
  await sync();
  write('new!old!');
  let writeOn = () => write('new!new!');
  stopClock(() => {
    writeOn();
    writeOn = () => {};
  });
  await sync();
  assert.equal(await stored(), 'old');
  await sync();
  assert.equal(await stored(), 'new!new!');
});

test('a new file that is written in two pieces is not stored as its first', async (t) => {
  const { write, sync, stored, stopClock } = setting(t, 'a');
  write('first');
  let writeOn = () => write('first and second');
  stopClock(() => {
    writeOn();
    writeOn = () => {};
  });
  assert.deepEqual(await sync(), { kind: 'unchanged' });
  await sync();
  assert.equal(await stored(), 'first and second');
});

for (const name of ['a', '.the0-state/a.json']) {
  test(`what is written again in the tick of the clock in which it was stored is seen: ${name}`, async (t) => {
    const { write, sync, stored, stopClock } = setting(t, name);
    write('{"a":1}');
    stopClock(() => {});
    await sync();
    write('{"a":2}');
    await sync();
    assert.equal(await stored(), '{"a":2}');
  });
}
