import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerView } from '../../../src/engine/docker/container-view.ts';
import { TrackedContainer } from '../../../src/engine/docker/tracked-container.ts';

const identity = {
  botId: 'grid',
  incarnation: 10,
  specRevision: 's',
  shapeRevision: 't',
  queryPort: 9476,
  keepsFilesInside: false,
  keys: null,
};
const running: ContainerView = {
  phase: 'running',
  paused: false,
  address: '172.18.0.2',
  startedAt: 1_000,
  finishedAt: 0,
  exitCode: 0,
  outOfMemory: false,
};
const exited: ContainerView = { ...running, phase: 'exited', address: null, finishedAt: 1_500 };

function container() {
  return new TrackedContainer('c1', identity);
}

describe('a tracked container', () => {
  it('runs under the incarnation of its labels when it was just made', () => {
    const one = container();
    one.apply(running);
    assert.deepEqual(one.facts(), {
      containerId: 'c1',
      incarnation: 10,
      specRevision: 's',
      shapeRevision: 't',
      phase: 'running',
      paused: false,
      endpoint: { host: '172.18.0.2', port: 9476 },
    });
  });

  it('takes the incarnation of a start in place when the start is seen, from the event or the inspection', () => {
    for (const see of [
      (one: TrackedContainer) => one.started(2_000),
      (one: TrackedContainer) => one.apply({ ...running, startedAt: 1_990 }),
    ]) {
      const one = container();
      one.apply(exited);
      one.expectStart(20);
      assert.equal(one.incarnation, 10);
      see(one);
      assert.equal(one.incarnation, 20);
    }
  });

  it('takes the late exit of the run before for no news of the new one', () => {
    const one = container();
    one.apply(exited);
    one.expectStart(20);
    one.apply({ ...running, startedAt: 1_990 });
    assert.equal(one.died(1_517), false);
    assert.equal(one.facts().phase, 'running');
    assert.equal(one.incarnation, 20);
  });

  it('takes late events of a run that an inspection has shown to be over for no news, also while the next start is asked for', () => {
    const one = container();
    one.apply(exited);
    one.expectStart(20);
    assert.equal(one.started(1_005), false);
    assert.equal(one.died(1_517), false);
    assert.equal(one.incarnation, 10);
    assert.equal(one.started(2_000), true);
    assert.equal(one.incarnation, 20);
  });

  it('takes a start for a new run, though the clock of the host was set back before it', () => {
    const one = container();
    one.apply(running);
    one.apply(exited);
    one.expectStart(20);
    one.apply(exited);
    assert.equal(one.incarnation, 10);
    one.apply({ ...running, startedAt: 400, finishedAt: exited.finishedAt });
    assert.equal(one.incarnation, 20);
    assert.equal(one.died(450), true);
  });

  it('takes the start that an event told of and an inspection shows, a little before it, for one', () => {
    const one = container();
    one.apply(exited);
    one.expectStart(20);
    one.started(2_000);
    one.exit = Promise.resolve({ incarnation: 20, code: 1, signal: null, outOfMemory: false, lastWords: null, at: 1 });
    one.expectStart(30);
    one.apply({ ...running, startedAt: 1_990 });
    assert.notEqual(one.exit, null);
    assert.equal(one.incarnation, 20);
    assert.equal(one.startedAt, 1_990);
  });

  it('hears the exit of the new run', () => {
    const one = container();
    one.apply(exited);
    one.expectStart(20);
    one.started(2_000);
    assert.equal(one.died(2_400), true);
    assert.equal(one.facts().phase, 'exited');
    assert.equal(one.facts().endpoint, null);
  });

  it('hears each exit once, be it as event or by inspection', () => {
    const one = container();
    one.apply(running);
    assert.equal(one.died(1_517), true);
    assert.equal(one.died(1_517), false);
    one.apply(exited);
    assert.equal(one.died(1_518), false);
  });

  it('keeps its incarnation when it is started by hand', () => {
    const one = container();
    one.apply(exited);
    assert.equal(one.started(3_000), true);
    assert.equal(one.incarnation, 10);
  });

  it('forgets the start that failed', () => {
    const one = container();
    one.apply(exited);
    one.expectStart(20);
    one.startFailed();
    one.started(3_000);
    assert.equal(one.incarnation, 10);
  });

  it('has no endpoint without a query server', () => {
    const one = new TrackedContainer('c1', { ...identity, queryPort: null });
    one.apply(running);
    assert.equal(one.endpoint, null);
  });

  it('reads the exit of each run anew', () => {
    const one = container();
    one.apply(exited);
    one.exit = Promise.resolve({ incarnation: 10, code: 1, signal: null, outOfMemory: false, lastWords: null, at: 1 });
    one.started(2_000);
    assert.equal(one.exit, null);
  });
});
