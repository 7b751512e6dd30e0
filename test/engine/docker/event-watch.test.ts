import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventWatch } from '../../../src/engine/docker/event-watch.ts';

const line = (containerId: string) =>
  `${JSON.stringify({ Action: 'start', Actor: { ID: containerId, Attributes: {} }, timeNano: 1e15 })}\n`;

/** A watch on streams made by the test; `log` has what happened, in order. */
function harness(t: TestContext, resyncMs = 60_000) {
  const log: string[] = [];
  const streams: PassThrough[] = [];
  const faults = { connect: 0, compare: 0 };
  const watch = new EventWatch(
    {
      connect: async () => {
        log.push('connect');
        if (faults.connect-- > 0) throw new Error('refused');
        const stream = new PassThrough();
        streams.push(stream);
        return stream;
      },
      compare: async (first) => {
        log.push(first ? 'first' : 'compare');
        if (faults.compare-- > 0) throw new Error('no list');
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
  return { watch, log, streams, faults, until };
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

  it('reports a loss once however often it fails to come back, then lists again', async (t) => {
    const { watch, log, streams, faults, until } = harness(t);
    await watch.start();
    faults.connect = 2;
    streams[0]?.end();
    await until('first', 2);
    assert.deepEqual(log, ['connect', 'first', 'lost', 'connect', 'connect', 'connect', 'first']);
  });

  it('looks again from the start when a call found the engine unreachable', async (t) => {
    const { watch, log, until } = harness(t);
    await watch.start();
    watch.doubt(new Error('timeout'));
    await until('first', 2);
    assert.deepEqual(log, ['connect', 'first', 'lost', 'connect', 'first']);
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
