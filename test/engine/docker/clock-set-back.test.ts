import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { aBot } from '../../desired/a-bot.ts';
import { FakeDocker } from './fake-docker.ts';

const HOUR_MS = 3_600_000;

it('crashes are told at once and of the right run after the clock of the host was set back', async (t) => {
  const fake = await FakeDocker.listening(t);
  // No comparison with the list comes to the rescue.
  const engine = fake.engine({ resyncMs: HOUR_MS });
  t.after(() => engine.close());
  const seen = recordingListener();
  await engine.watch(seen);
  const definition = aBot('ema');
  await engine.start({ definition, incarnation: 1_000, inPlace: null });
  const container = fake.one('ema');
  for (const run of [1, 2]) {
    // As it is when the clock is set back after the start: what Docker wrote down lies ahead.
    container.State.StartedAt = new Date(Date.now() + run * HOUR_MS).toISOString();
    await engine.inspect('ema');
    fake.end(container, run);
    const { lastExit } = await seen.waitFor('ema', (one) => one.lastExit?.code === run);
    assert.equal(lastExit?.incarnation, run * 1_000);
    const again = await engine.start({ definition, incarnation: (run + 1) * 1_000, inPlace: container.Id });
    assert.deepEqual([again.container?.phase, again.container?.incarnation], ['running', (run + 1) * 1_000]);
  }
  fake.end(container, 3);
  await seen.waitFor('ema', (one) => one.lastExit?.code === 3);
  // A start by hand, older than the end that is known of.
  container.State.FinishedAt = new Date(Date.now() + HOUR_MS).toISOString();
  await engine.inspect('ema');
  const told = seen.observations.length;
  Object.assign(container.State, { Status: 'running', Running: true, StartedAt: new Date().toISOString() });
  fake.tell('start', container);
  assert.equal((await seen.waitFor('ema', (one) => one.container?.phase === 'running', told)).lastExit, null);
});
