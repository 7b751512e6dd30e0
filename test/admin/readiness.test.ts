import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type DependencyState, Readiness } from '../../src/admin/readiness.ts';

const TIMES = { intervalMs: 5, timeoutMs: 20 };

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a probe is looked at once at the start and again and again, until the end', async () => {
  const changes: DependencyState[] = [];
  const readiness = new Readiness((state) => changes.push(state));
  const answers = ['It has no bucket.', { remark: 'It is slow.' }, null, new Error('connection refused')];
  let looks = 0;
  await readiness.probe(
    'object store',
    async () => {
      const answer = answers[Math.min(looks++, 3)];
      if (answer instanceof Error) throw answer;
      return answer ?? null;
    },
    TIMES,
  );
  assert.equal(readiness.isReady, false);
  await until(() => changes.length === 4);
  assert.deepEqual(
    changes.map(({ isReady, sentence }) => [isReady, sentence]),
    [
      [false, 'It has no bucket.'],
      [true, 'It is slow.'],
      [true, ''],
      [false, 'connection refused'],
    ],
  );
  await readiness.end();
  const then = looks;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(looks, then);
});

test('a probe that never answers is not ready after its time, and does not keep the end waiting', async () => {
  const readiness = new Readiness();
  await readiness.probe('Docker', () => new Promise(() => {}), TIMES);
  assert.equal(readiness.dependencies[0]?.sentence, 'There was no answer within 20 ms.');
  await readiness.end();
  assert.equal(readiness.isReady, false);
});

test('the moment of a trouble stays while its sentence changes', () => {
  let now = 1_000;
  const readiness = new Readiness(undefined, () => now);
  const nats = readiness.dependency('NATS');
  now = 2_000;
  nats.notReady('It is away.');
  now = 3_000;
  nats.notReady('It refuses the password.');
  assert.deepEqual(readiness.dependencies, [
    { name: 'NATS', isReady: false, sentence: 'It refuses the password.', since: 1_000 },
  ]);
  nats.ready();
  assert.equal(readiness.dependencies[0]?.since, 3_000);
  assert.throws(() => readiness.dependency('NATS'), /already/);
});

test('a process without dependencies is ready until it ends', async () => {
  const readiness = new Readiness();
  assert.equal(readiness.isReady, true);
  await readiness.end();
  assert.equal(readiness.isReady, false);
});

test('nothing is kept of a look that is over', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const readiness = new Readiness();
  const signals: WeakRef<AbortSignal>[] = [];
  const probe = async (signal: AbortSignal): Promise<null> => {
    signals.push(new WeakRef(signal));
    return null;
  };
  await readiness.probe('MongoDB', probe, { intervalMs: 1, timeoutMs: 60_000 });
  await until(() => signals.length > 20);
  collect();
  const kept = signals.filter((signal) => signal.deref() !== undefined).length;
  await readiness.end();
  assert.ok(kept < 10, `${kept} of ${signals.length} are kept`);
});
