import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { DesiredState } from '../../../src/desired/desired-state.ts';
import { RecordingListener } from '../../desired/recording-listener.ts';

/** A place from which an adapter of the port reads, and how a bot comes into it. */
export interface DesiredHarness {
  /** A new source over the same place; made anew as a restart does. */
  open(): DesiredState;
  put(id: string, bot: { readonly config?: Record<string, unknown>; readonly enabled?: boolean }): Promise<void>;
  /** Something under this id that cannot be used, but can be shown. */
  putBroken(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** What the port says of a source that cannot be read at all. */
  makeUnreadable(): Promise<void>;
  close(): Promise<void>;
}

/** What the port promises, for each of its adapters. */
export function desiredStateConformance(
  name: string,
  options: { skip: string | false },
  create: () => Promise<DesiredHarness>,
): void {
  describe(`desired state: ${name}`, options, () => {
    let harness: DesiredHarness;
    let sources: DesiredState[];

    beforeEach(async () => {
      sources = [];
      harness = await create();
    });
    afterEach(async () => {
      await Promise.all(sources.map((source) => source.close()));
      await harness.close();
    });

    async function start(): Promise<{ source: DesiredState; listener: RecordingListener }> {
      const source = harness.open();
      sources.push(source);
      const listener = new RecordingListener();
      await source.start(listener);
      return { source, listener };
    }

    test('delivers what there is, broken ones too, and then says that this was all', async () => {
      await harness.put('a', {});
      await harness.putBroken('broken');
      await harness.put('off', { enabled: false });
      const { listener } = await start();
      assert.equal(listener.told.at(-1), 'synced');
      assert.deepEqual(listener.told.slice(0, -1).sort(), ['changed a', 'changed broken', 'changed off']);
      assert.equal(listener.bot('a').problem, null);
      assert.equal(listener.bot('broken').problem?.code, 'spec-invalid');
      assert.deepEqual([listener.bot('a').enabled, listener.bot('off').enabled], [true, false]);
    });

    test('of an empty place it only says that this was all', async () => {
      assert.deepEqual((await start()).listener.told, ['synced']);
    });

    test('goes on with what comes, changes and goes', async () => {
      await harness.put('a', { config: { n: 1 } });
      const { listener } = await start();
      const first = listener.bot('a').specRevision;
      await harness.put('b', {});
      await listener.until('the new bot', () => listener.bots.has('b'));
      await harness.put('a', { config: { n: 2 } });
      await listener.until('the new config', () => listener.bot('a').config['n'] === 2);
      assert.notEqual(listener.bot('a').specRevision, first);
      await harness.remove('b');
      await listener.until('the removal', () => !listener.bots.has('b'));
      assert.equal(listener.told.filter((told) => told === 'synced').length, 1);
    });

    test('a bot that breaks is told with its problem, and again when it was mended', async () => {
      await harness.put('a', {});
      const { listener } = await start();
      await harness.putBroken('a');
      await listener.until('the problem', () => listener.bot('a').problem !== null);
      await harness.put('a', {});
      await listener.until('the cure', () => listener.bot('a').problem === null);
      assert.ok(!listener.told.includes('removed a'));
    });

    test('the same bot has the same revision after a restart', async () => {
      await harness.put('a', { config: { n: 1, list: [1, { x: null }] } });
      const first = await start();
      await first.source.close();
      const second = await start();
      assert.equal(second.listener.bot('a').specRevision, first.listener.bot('a').specRevision);
    });

    test('nothing is told after it was closed', async () => {
      await harness.put('a', {});
      const { source, listener } = await start();
      await harness.put('a', { config: { n: 2 } });
      await source.close();
      const told = listener.told.length;
      await harness.put('b', {});
      const other = await start();
      assert.ok(other.listener.bots.has('b'));
      assert.equal(listener.told.length, told);
    });

    test('a place that cannot be read at all is an error with what to do', async () => {
      await harness.makeUnreadable();
      await assert.rejects(start(), (error) => {
        assert.ok(error instanceof Error && 'hint' in error && typeof error.hint === 'string' && error.hint !== '');
        return true;
      });
    });
  });
}
