import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FilesystemObjectStore } from '../../src/storage/filesystem/object-store.ts';
import { type ObjectPlace, type ObjectStore, StoreError, type WriteOptions } from '../../src/storage/object-store.ts';
import { probeStore } from '../../src/storage/probe.ts';

const BUCKET = 'bot-state';

/** A real store, with some of its methods replaced. */
async function storeWith(t: TestContext, change: (store: ObjectStore) => Partial<ObjectStore>): Promise<ObjectStore> {
  const root = await mkdtemp(join(tmpdir(), 'the0-probe-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = new FilesystemObjectStore(root);
  await store.createBucket(BUCKET);
  const changed = change(store);
  return {
    pieces: store.pieces,
    head: (place, signal) => store.head(place, signal),
    read: (place, options) => store.read(place, options),
    write: (place, body, options) => store.write(place, body, options),
    rewrite: (place, etag, pieces, options) => store.rewrite(place, etag, pieces, options),
    remove: (place, signal) => store.remove(place, signal),
    list: (bucket, prefix, signal) => store.list(bucket, prefix, signal),
    bucketExists: (bucket, signal) => store.bucketExists(bucket, signal),
    createBucket: (bucket, signal) => store.createBucket(bucket, signal),
    close: () => store.close(),
    ...changed,
  };
}

const currentEtag = async (store: ObjectStore, place: ObjectPlace) => (await store.head(place))?.etag ?? '';

describe('the probe of a store', () => {
  it('finds what a good store can', async (t) => {
    const store = await storeWith(t, () => ({}));
    assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: true, copies: true });
  });

  it('notices that conditions of writes are ignored', async (t) => {
    for (const ignored of ['ifMatch', 'ifAbsent']) {
      const store = await storeWith(t, (real) => ({
        write: (place, body, options: WriteOptions) => {
          const heeded = options.condition !== null && !(ignored in options.condition);
          return real.write(place, body, { ...options, condition: heeded ? options.condition : null });
        },
      }));
      assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: false, copies: true });
    }
  });

  it('notices that rewrites go over another version', async (t) => {
    const store = await storeWith(t, (real) => ({
      rewrite: async (place, _etag, pieces, options) =>
        real.rewrite(place, await currentEtag(real, place), pieces, options),
    }));
    assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: false, copies: false });
  });

  it('notices that ranges are not heeded in copies', async (t) => {
    const store = await storeWith(t, (real) => ({
      rewrite: async (place, etag, pieces, options) => {
        const size = (await real.head(place))?.size ?? 0;
        const all = pieces.map((piece) => (piece.kind === 'kept' ? { ...piece, range: { from: 0, to: size } } : piece));
        return await real.rewrite(place, etag, all, options);
      },
    }));
    assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: true, copies: false });
  });

  it('takes a refusal as "cannot"', async (t) => {
    const store = await storeWith(t, () => ({
      rewrite: async () => {
        throw new StoreError('refused', '501 NotImplemented');
      },
    }));
    assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: false, copies: false });
  });

  it('says nothing about a store that is busy, and removes its object', async (t) => {
    const store = await storeWith(t, () => ({
      rewrite: async () => {
        throw new StoreError('busy', '503');
      },
    }));
    await assert.rejects(probeStore(store, BUCKET), /503/);
    for await (const object of store.list(BUCKET, '')) assert.fail(`${object.key} is left`);
  });

  it('says what went wrong first, not that its object could not be removed either', async (t) => {
    const store = await storeWith(t, () => ({
      rewrite: async () => {
        throw new StoreError('busy', 'the cause');
      },
      remove: async () => {
        throw new StoreError('unreachable', 'what followed');
      },
    }));
    await assert.rejects(probeStore(store, BUCKET), /the cause/);
  });

  it('tries again to remove its object from a store that is busy', async (t) => {
    let refusals = 1;
    const store = await storeWith(t, (real) => ({
      remove: async (place, signal) => {
        refusals -= 1;
        if (refusals >= 0) throw new StoreError('busy', '503');
        await real.remove(place, signal);
      },
    }));
    assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: true, copies: true });
    for await (const object of store.list(BUCKET, '')) assert.fail(`${object.key} is left`);
  });
});
