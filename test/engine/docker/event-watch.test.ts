import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DockerTimeout } from '../../../src/engine/docker/docker-errors.ts';
import { EventWatch } from '../../../src/engine/docker/event-watch.ts';

const line = (containerId: string) =>
  `${JSON.stringify({ Action: 'start', Actor: { ID: containerId, Attributes: {} }, timeNano: 1e15 })}\n`;

/** A watch on streams made by the test; `log` has what happened, in order. */
function harness(t: TestContext, resyncMs = 60_000) {
  const log: string[] = [];
  const streams: PassThrough[] = [];
  const faults = { connect: 0, compare: 0, silent: 0 };
  const slow: { compare: Promise<void>; ending?: AbortSignal } = { compare: Promise.resolve() };
  const watch = new EventWatch(
    {
      connect: async () => {
        log.push('connect');
        if (faults.connect-- > 0) throw new Error('refused');
        const stream = new PassThrough();
        streams.push(stream);
        return stream;
      },
      compare: async (first, ending) => {
        slow.ending = ending;
        log.push(first ? 'first' : 'compare');
        await slow.compare;
        if (faults.compare-- > 0) throw new Error('no list');
      },
      answers: async () => {
        log.push('asked');
        return faults.silent-- <= 0;
      },
      changed: ({ containerId }) => log.push(containerId),
      lost: () => log.push('lost'),
    },
    { resyncMs, reconnect: { firstMs: 250, capMs: 5_000 } },
  );
  t.after(() => watch.close());
  const until = async (what: string, times = 1) => {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(2)) {
      if (log.filter((entry) => entry === what).length >= times) return;
    }
    assert.fail(`waited for ${what}: ${log.join(' ')}`);
  };
  return { watch, log, streams, faults, slow, until };
}

describe('the watch', () => {
  it('subscribes before it lists, and passes events on', async (t) => {
    const { watch, log, streams, until } = harness(t);
    await watch.start();
    assert.deepEqual(log, ['connect', 'first']);
    streams[0]?.write(line('c1').slice(0, 20));
    streams[0]?.write(line('c1').slice(20) + line('c2'));
    await until('c2');
    assert.deepEqual(log, ['connect', 'first', 'c1', 'c2']);
  });

  it('fails at once when the engine cannot be reached at first', async (t) => {
    const { watch, faults, log } = harness(t);
    faults.connect = 1;
    await assert.rejects(watch.start(), /refused/);
    assert.deepEqual(log, ['connect']);
  });

  it('fails at once, and leaves no subscription, when the first list fails', async (t) => {
    const { watch, faults, streams } = harness(t);
    faults.compare = 1;
    await assert.rejects(watch.start(), /no list/);
    assert.equal(streams[0]?.destroyed, true);
  });

  it('reports a loss and what keeps it from coming back, once each, then lists again', async (t) => {
    const { watch, log, streams, faults, until } = harness(t);
    await watch.start();
    faults.connect = 2;
    streams[0]?.end();
    await until('first', 2);
    assert.deepEqual(log, ['connect', 'first', 'lost', 'connect', 'lost', 'connect', 'connect', 'first']);
  });

  it('looks again from the start when a call found the engine unreachable', async (t) => {
    const { watch, log, until } = harness(t);
    await watch.start();
    watch.doubt(new Error('timeout'));
    await until('first', 2);
    assert.deepEqual(log, ['connect', 'first', 'lost', 'connect', 'first']);
  });

  it('asks first when a call had no answer in time, and goes on when there is one', async (t) => {
    const { watch, log, faults, until } = harness(t);
    await watch.start();
    watch.doubt(new DockerTimeout('inspect', 10));
    watch.doubt(new DockerTimeout('inspect', 10));
    await until('asked');
    await sleep(20);
    assert.deepEqual(log, ['connect', 'first', 'asked']);
    faults.silent = 1;
    watch.doubt(new DockerTimeout('inspect', 10));
    await until('first', 2);
    assert.deepEqual(log.slice(3), ['asked', 'lost', 'connect', 'first']);
  });

  it('doubts nothing while it looks from the start', async (t) => {
    const { watch, log, streams, slow, until } = harness(t);
    const listing = Promise.withResolvers<void>();
    slow.compare = listing.promise;
    const starting = watch.start();
    await until('first');
    watch.doubt(new Error('refused'));
    watch.doubt(new DockerTimeout('inspect', 10));
    listing.resolve();
    await starting;
    assert.deepEqual(log, ['connect', 'first']);
    assert.equal(streams[0]?.destroyed, false);
  });

  it('lets a comparison end when the connection is lost during it, and does not wait for it', async (t) => {
    const { watch, log, streams, slow, until } = harness(t, 20);
    await watch.start();
    slow.compare = new Promise(() => {});
    await until('compare');
    assert.deepEqual([slow.ending?.aborted], [false]);
    const { ending } = slow;
    slow.compare = Promise.resolve();
    streams[0]?.end();
    await until('first', 2);
    assert.equal(ending?.aborted, true);
    assert.deepEqual(log.slice(0, 6), ['connect', 'first', 'compare', 'lost', 'connect', 'first']);
  });

  it('compares now and then, and takes a list that fails for a loss', async (t) => {
    const { watch, faults, until } = harness(t, 20);
    await watch.start();
    await until('compare', 2);
    faults.compare = 1;
    await until('lost');
    await until('first', 2);
  });

  it('gives up a stream whose document never ends', async (t) => {
    const { watch, streams, until } = harness(t);
    await watch.start();
    streams[0]?.write(Buffer.alloc(1024 * 1024 + 1, 'x'));
    await until('lost');
  });

  it('stays quiet after it was closed', async (t) => {
    const { watch, log, streams } = harness(t);
    await watch.start();
    watch.close();
    streams[0]?.write(line('c9'));
    await sleep(20);
    assert.deepEqual(log, ['connect', 'first']);
  });
});
