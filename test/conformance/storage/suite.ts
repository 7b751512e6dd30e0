import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import {
  bodyOf,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  StoreError,
  type WriteCondition,
} from '../../../src/storage/object-store.ts';
import { probeStore } from '../../../src/storage/probe.ts';
import { signalsKept } from '../../signals-kept.ts';
import { bytesOf, chunked, sha256, someBytes, trouble } from './bytes.ts';

export interface StoreTraits {
  /** A sentence why the suite cannot run here, or false. */
  readonly skip: string | false;
}

export interface StoreHarness {
  /** Another one on the same objects, as another process would have it. Closed by the harness. */
  openStore(): ObjectStore;
  cleanup(): Promise<void>;
}

const MiB = 1024 * 1024;
const BUCKET = 'bot-state';

/** The port's contract (src/storage/object-store.ts), the same for every store. */
export function storeSuite(name: string, traits: StoreTraits, makeHarness: () => Promise<StoreHarness>): void {
  describe(`${name} object store`, { skip: traits.skip }, () => {
    let harness: StoreHarness;
    let store: ObjectStore;

    before(async () => {
      harness = await makeHarness();
      store = harness.openStore();
      await store.createBucket(BUCKET);
    });
    after(async () => {
      await harness?.cleanup();
    });

    const newPlace = (end = 'state.tar.gz'): ObjectPlace => ({ bucket: BUCKET, key: `${randomUUID()}/${end}` });

    async function write(place: ObjectPlace, bytes: Buffer | string, condition: WriteCondition = null) {
      const body = bodyOf(Buffer.from(bytes));
      return await store.write(place, body, { condition, contentType: 'text/plain' });
    }

    const read = async (place: ObjectPlace) => (await bytesOf(await store.read(place))).toString();

    async function keysBelow(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const { key } of store.list(BUCKET, prefix)) keys.push(key);
      return keys;
    }

    it('knows whether a bucket exists, and making it again is no error', async () => {
      assert.equal(await store.bucketExists(BUCKET), true);
      assert.equal(await store.bucketExists('no-such-bucket'), false);
      await store.createBucket(BUCKET);
    });

    it('answers null for an object or bucket that is not there', async () => {
      const nowhere = { bucket: 'no-such-bucket', key: 'a' };
      for (const place of [newPlace(), nowhere]) {
        assert.equal(await store.head(place), null);
        assert.equal(await store.read(place), null);
      }
      await assert.rejects(write(nowhere, 'a'), trouble('missing'));
      const listed: unknown[] = [];
      for await (const object of store.list('no-such-bucket', '')) listed.push(object);
      assert.deepEqual(listed, []);
    });

    it('gives back what was written, its size and when', async () => {
      const place = newPlace();
      const began = Date.now();
      const etag = await write(place, 'hello');
      const content = await store.read(place);
      assert.equal((await bytesOf(content)).toString(), 'hello');
      assert.equal(content?.info.size, 5);
      assert.equal(content?.info.etag, etag);
      assert.doesNotMatch(etag, /"/);
      assert.ok(Math.abs((content?.info.modifiedAt ?? 0) - began) < 60_000);
      assert.deepEqual(await store.head(place), content?.info);
    });

    it('keeps an empty object', async () => {
      const place = newPlace();
      await write(place, '');
      assert.equal((await store.head(place))?.size, 0);
      assert.equal(await read(place), '');
    });

    it('streams 20 MB in and out', async () => {
      const place = newPlace();
      const bytes = someBytes(20 * 1000 * 1000);
      await store.write(place, chunked(bytes, 100_001), { condition: null, contentType: 'application/gzip' });
      assert.equal(sha256(await bytesOf(await store.read(place))), sha256(bytes));
    });

    it('keeps metadata of the most that is allowed, and drops it with the next version', async () => {
      const place = newPlace();
      const metadata = { epoch: '17', nonce: 'x'.repeat(1_900), sentence: 'a "quoted" \\ one; with=signs, and more' };
      await store.write(place, bodyOf(Buffer.from('a')), { condition: null, contentType: 'text/plain', metadata });
      assert.deepEqual((await store.head(place))?.metadata, metadata);
      assert.deepEqual((await store.read(place).then(ended))?.info.metadata, metadata);
      await write(place, 'b');
      assert.deepEqual((await store.head(place))?.metadata, {});
    });

    it('refuses metadata that not every store keeps unchanged', async () => {
      const badOnes = [{ Upper: 'a' }, { a: 'ü' }, { a: 'b\r\nc: d' }, { a: ' b' }, { a: 'x'.repeat(3_000) }];
      for (const metadata of badOnes) {
        const options = { condition: null, contentType: 'text/plain', metadata };
        await assert.rejects(store.write(newPlace(), bodyOf(Buffer.from('a')), options), trouble('refused'));
      }
    });

    it('reads ranges, and says how large the whole is', async () => {
      const place = newPlace();
      const etag = await write(place, '0123456789');
      const range = async (from: number, to: number) => {
        const content = await store.read(place, { range: { from, to }, ifMatch: etag });
        assert.equal(content?.info.size, 10);
        return (await bytesOf(content)).toString();
      };
      assert.equal(await range(0, 1), '0');
      assert.equal(await range(3, 7), '3456');
      assert.equal(await range(9, 10), '9');
      assert.equal(await range(8, 1_000), '89');
      for (const [from, to] of [
        [5, 5],
        [6, 2],
        [10, 12],
        [-3, 2],
      ] as const) {
        await assert.rejects(store.read(place, { range: { from, to } }), trouble('refused'));
      }
    });

    it('reads only the version that was asked for', async () => {
      const place = newPlace();
      const first = await write(place, 'first');
      await write(place, 'second');
      await assert.rejects(store.read(place, { ifMatch: first }), trouble('changed'));
      assert.equal(await store.read(newPlace(), { ifMatch: first }), null);
    });

    it('writes only over the version that was named', async () => {
      const place = newPlace();
      const first = await write(place, 'first');
      const second = await write(place, 'second', { ifMatch: first });
      assert.notEqual(first, second);
      await assert.rejects(write(place, 'third', { ifMatch: first }), trouble('changed'));
      assert.equal(await read(place), 'second');
      await assert.rejects(write(newPlace(), 'a', { ifMatch: first }), trouble('missing'));
    });

    it('writes only where nothing is when that was asked', async () => {
      const place = newPlace();
      await write(place, 'first', { ifAbsent: true });
      await assert.rejects(write(place, 'second', { ifAbsent: true }), trouble('changed'));
      assert.equal(await read(place), 'first');
      await store.remove(place);
      await write(place, 'third', { ifAbsent: true });
      assert.equal(await read(place), 'third');
    });

    it('lets exactly one of several writers win', async () => {
      const stores = [store, harness.openStore(), harness.openStore()];
      for (let round = 0; round < 10; round += 1) {
        const place = newPlace();
        const etag = round % 2 === 0 ? null : await write(place, 'before');
        const condition: WriteCondition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
        const writers = Array.from({ length: 6 }, (_, i) => `writer ${i}`);
        const results = await Promise.allSettled(
          writers.map((text, i) =>
            stores[i % stores.length]?.write(place, bodyOf(Buffer.from(text)), {
              condition,
              contentType: 'text/plain',
            }),
          ),
        );
        const winners = writers.filter((_, i) => results[i]?.status === 'fulfilled');
        assert.equal(winners.length, 1, `round ${round}`);
        assert.equal(await read(place), winners[0]);
        for (const result of results) if (result.status === 'rejected') assert.ok(trouble('changed')(result.reason));
      }
    });

    describe('rewrite', () => {
      const kept = (from: number, to: number): Piece => ({ kind: 'kept', range: { from, to } });
      const fresh = (bytes: Buffer): Piece => ({ kind: 'new', body: chunked(bytes, 65_537) });
      const options = { contentType: 'application/gzip', metadata: { seq: '2' } };
      const base = someBytes(13 * MiB + 77);

      async function baseObject() {
        const place = newPlace();
        const etag = await store.write(place, chunked(base, MiB), { condition: null, contentType: 'application/gzip' });
        return { place, etag };
      }

      it('joins kept ranges, also unaligned ones, with new bytes', async () => {
        const { place, etag } = await baseObject();
        const tail = someBytes(12_345, 2);
        const middle = someBytes(6 * MiB + 3, 3);
        const from = 3;
        const pieces = [kept(from, from + 5 * MiB), fresh(middle), kept(7 * MiB + 1, base.length), fresh(tail)];
        const next = await store.rewrite(place, etag, pieces, options);
        const expected = Buffer.concat([base.subarray(3, 3 + 5 * MiB), middle, base.subarray(7 * MiB + 1), tail]);
        const content = await store.read(place);
        assert.equal(content?.info.etag, next);
        assert.equal(content?.info.size, expected.length);
        assert.deepEqual(content?.info.metadata, { seq: '2' });
        assert.equal(sha256(await bytesOf(content)), sha256(expected));
      });

      it('can go on from what a rewrite made', async () => {
        const { place, etag } = await baseObject();
        const [a, b] = [someBytes(100, 4), someBytes(200, 5)];
        const first = await store.rewrite(place, etag, [kept(0, base.length), fresh(a)], options);
        const second = await store.rewrite(place, first, [kept(0, base.length + 50), fresh(b)], options);
        assert.notEqual(first, second);
        const expected = Buffer.concat([base, a.subarray(0, 50), b]);
        assert.equal(sha256(await bytesOf(await store.read(place))), sha256(expected));
      });

      it('refuses a version that is no longer current, with kept pieces and without', async () => {
        const { place, etag } = await baseObject();
        const next = await write(place, 'by another');
        for (const pieces of [[kept(0, 100)], [fresh(someBytes(100))]]) {
          await assert.rejects(store.rewrite(place, etag, pieces, options), trouble('changed'));
        }
        assert.equal(await read(place), 'by another');
        assert.equal((await store.head(place))?.etag, next);
      });

      it('refuses when the version is replaced in the middle', async () => {
        const { place, etag } = await baseObject();
        let replaced = false;
        const meddling: Piece = {
          kind: 'new',
          body: {
            size: 4,
            async *read() {
              if (!replaced) await write(place, 'by another');
              replaced = true;
              yield Buffer.from('late');
            },
          },
        };
        await assert.rejects(store.rewrite(place, etag, [meddling], options), trouble('changed'));
        assert.equal(await read(place), 'by another');
      });

      it('refuses an object that is not there', async () => {
        const { etag } = await baseObject();
        for (const piece of [kept(0, 10), fresh(someBytes(10))]) {
          await assert.rejects(store.rewrite(newPlace(), etag, [piece], options), trouble('missing'));
        }
      });

      it('refuses no pieces, empty kept ones, and such as lie outside', async () => {
        const { place, etag } = await baseObject();
        for (const pieces of [[], [kept(5, 5)], [kept(base.length - 5, base.length + 5)]]) {
          await assert.rejects(store.rewrite(place, etag, pieces, options), trouble('refused'));
        }
        assert.equal((await store.head(place))?.etag, etag);
      });

      it('leaves the version before when new bytes cannot be read', async () => {
        const { place, etag } = await baseObject();
        for (const body of brokenBodies(100)) {
          const pieces: Piece[] = [kept(0, 6 * MiB), { kind: 'new', body }];
          await assert.rejects(store.rewrite(place, etag, pieces, options), trouble('refused'));
        }
        assert.equal((await store.head(place))?.etag, etag);
        assert.equal(sha256(await bytesOf(await store.read(place))), sha256(base));
      });
    });

    it('keeps keys apart, however odd they are', async () => {
      const root = randomUUID();
      const segments = 'seg ment/'.repeat(90);
      const odd = [
        'with blank',
        'plus+plus',
        'per%cent%2F%41',
        'ünïcødé/日本語/🚀',
        'a&b=c;d,e@f$g!h\'i(j)k*l"m<n>o#p?q[r]s{t}u|v^w`x~y\\z',
        'UPPER',
        'upper',
        `${segments}${'x'.repeat(900 - root.length - 1 - segments.length)}`,
        'y'.repeat(200),
        'y'.repeat(75),
        'y'.repeat(76),
        '.hidden',
        '%object',
        '%object%object',
      ];
      for (const end of odd) await write({ bucket: BUCKET, key: `${root}/${end}` }, `content of ${end}`);
      for (const end of odd) assert.equal(await read({ bucket: BUCKET, key: `${root}/${end}` }), `content of ${end}`);
      const inOrder = odd.map((end) => `${root}/${end}`).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await keysBelow(`${root}/`), inOrder);
      for (const end of odd) await store.remove({ bucket: BUCKET, key: `${root}/${end}` });
      assert.deepEqual(await keysBelow(`${root}/`), []);
    });

    it('keeps a key apart from one that goes on behind it', async () => {
      const root = randomUUID();
      for (const end of ['deep', 'deep/er']) await write({ bucket: BUCKET, key: `${root}/${end}` }, end);
      for (const end of ['deep', 'deep/er']) assert.equal(await read({ bucket: BUCKET, key: `${root}/${end}` }), end);
      await store.remove({ bucket: BUCKET, key: `${root}/deep` });
      assert.equal(await read({ bucket: BUCKET, key: `${root}/deep/er` }), 'deep/er');
    });

    it('keeps keys that look like paths, or refuses them, and lets none out of its bucket', async () => {
      await store.createBucket('neighbour');
      for (const key of [
        '../neighbour/a',
        'x/../../neighbour/a',
        '..',
        '.',
        `/${randomUUID()}`,
        'a//b',
        'a/./b',
        'end/',
      ]) {
        const place = { bucket: BUCKET, key };
        const written = await write(place, key).catch((error: unknown) => {
          assert.ok(trouble('refused')(error));
          return null;
        });
        if (written !== null) assert.equal(await read(place), key);
        assert.equal(await store.head({ bucket: 'neighbour', key: 'a' }), null);
        if (written !== null) await store.remove(place);
      }
    });

    it('refuses what is no key and no bucket', async () => {
      for (const key of ['', 'x'.repeat(1_025), 'lone \ud800 surrogate']) {
        await assert.rejects(write({ bucket: BUCKET, key }, 'a'), trouble('refused'));
      }
      for (const bucket of ['', '..', 'a/b', 'UPPER']) {
        await assert.rejects(write({ bucket, key: 'a' }, 'a'), trouble('refused'));
      }
    });

    it('lists 1,200 keys in order, with their sizes, and only those of the prefix', async () => {
      const root = randomUUID();
      const names = Array.from({ length: 1_200 }, (_, i) => `${root}/k/${(i * 7_919) % 1_200}`);
      for (let at = 0; at < names.length; at += 40) {
        await Promise.all(
          names.slice(at, at + 40).map((key) => write({ bucket: BUCKET, key }, 'x'.repeat(key.length))),
        );
      }
      await write({ bucket: BUCKET, key: `${root}/other` }, 'a');
      const listed: string[] = [];
      for await (const object of store.list(BUCKET, `${root}/k/`)) {
        assert.equal(object.size, object.key.length);
        assert.ok(Math.abs(object.modifiedAt - Date.now()) < 600_000);
        listed.push(object.key);
      }
      assert.deepEqual(listed, names.sort());
      assert.deepEqual(
        await keysBelow(`${root}/k/11`),
        names.filter((key) => key.startsWith(`${root}/k/11`)),
      );
      for await (const object of store.list(BUCKET, `${root}/`)) {
        assert.ok(object.key);
        break;
      }
      assert.equal(await read({ bucket: BUCKET, key: `${root}/other` }), 'a', 'a listing that was left has no effect');
    });

    it('removes, and removing again is no error', async () => {
      const place = newPlace();
      await write(place, 'a');
      await store.remove(place);
      assert.equal(await store.head(place), null);
      await store.remove(place);
      await store.remove({ bucket: 'no-such-bucket', key: 'a' });
    });

    it('lets a reader finish the version it began while that is replaced', async () => {
      const place = newPlace();
      const bytes = someBytes(8 * MiB, 6);
      await store.write(place, chunked(bytes, MiB), { condition: null, contentType: 'text/plain' });
      const content = await store.read(place);
      assert.ok(content);
      const chunks: Buffer[] = [];
      let writing: Promise<string> | null = null;
      for await (const chunk of content.body) {
        // Not awaited here: MinIO lets a writer wait for the readers before it.
        writing ??= write(place, 'next');
        chunks.push(chunk);
      }
      assert.equal(sha256(Buffer.concat(chunks)), sha256(bytes));
      await writing;
      assert.equal(await read(place), 'next');
    });

    it('never shows a reader half a version', async () => {
      const place = newPlace();
      const versions = [someBytes(300_000, 7), someBytes(400_000, 8)] as const;
      const known = new Set(versions.map(sha256));
      await write(place, versions[0]);
      let writing = true;
      const writer = (async () => {
        for (let i = 0; i < 20; i += 1) await write(place, versions[i % 2 === 0 ? 1 : 0]);
        writing = false;
      })();
      let reads = 0;
      for (; writing || reads < 5; reads += 1) assert.ok(known.has(sha256(await bytesOf(await store.read(place)))));
      await writer;
    });

    it('serves other calls while bodies are left in the middle', async () => {
      const place = newPlace();
      await store.write(place, bodyOf(someBytes(2 * MiB)), { condition: null, contentType: 'text/plain' });
      for (let i = 0; i < 10; i += 1) await store.read(place).then(ended);
      for (let i = 0; i < 10; i += 1) {
        const content = await store.read(place);
        assert.ok(content);
        for await (const chunk of content.body) {
          assert.ok(chunk.length > 0);
          break;
        }
      }
      assert.equal((await store.head(place))?.size, 2 * MiB);
    });

    it('leaves the version before when the bytes to write cannot be read', async () => {
      const place = newPlace();
      const etag = await write(place, 'before');
      const nothing = newPlace();
      for (const body of brokenBodies(300_000)) {
        const options = { condition: null, contentType: 'text/plain' };
        await assert.rejects(store.write(place, body, options), trouble('refused'));
        await assert.rejects(store.write(nothing, body, options), trouble('refused'));
      }
      assert.equal((await store.head(place))?.etag, etag);
      assert.equal(await read(place), 'before');
      assert.equal(await store.head(nothing), null);
    });

    it('stores a body that changes while it is sent as it was first read, or not at all', async () => {
      const first = Buffer.concat([someBytes(150_000), someBytes(150_000)]);
      const changes = [[someBytes(150_000)], [someBytes(150_000), someBytes(150_000, 99)]];
      for (const later of changes) {
        const place = newPlace();
        const options = { condition: null, contentType: 'text/plain' };
        const written = await store.write(place, changingBody(300_000, later), options).catch((error: unknown) => {
          assert.ok(trouble('refused')(error));
          return null;
        });
        if (written === null) assert.equal(await store.head(place), null);
        else assert.equal(sha256(await bytesOf(await store.read(place))), sha256(first));
      }
    });

    it('ends a call when its signal says so, and nothing becomes current', async () => {
      const place = newPlace();
      const before = await write(place, someBytes(4 * MiB));
      const gone = AbortSignal.abort();
      await assert.rejects(store.head(place, gone), trouble('unreachable'));
      await assert.rejects(store.read(place, { signal: gone }), trouble('unreachable'));
      await assert.rejects(store.remove(place, gone), trouble('unreachable'));
      const ending = new AbortController();
      const body = {
        size: 4 * MiB,
        async *read() {
          for (let i = 0; i < 4; i += 1) {
            yield someBytes(MiB, i);
            if (i === 2) ending.abort();
          }
        },
      };
      const options = { condition: null, contentType: 'text/plain', signal: ending.signal };
      await assert.rejects(store.write(place, body, options), trouble('unreachable'));
      assert.equal((await store.head(place))?.etag, before);
      const reading = new AbortController();
      const content = await store.read(place, { signal: reading.signal });
      await assert.rejects(async () => {
        for await (const _ of content?.body ?? []) reading.abort();
      }, trouble('unreachable'));
    });

    it('leaves nothing with a signal that lives longer than a call, whatever came of the call', async () => {
      const { signal } = new AbortController();
      const place = newPlace();
      const options = { contentType: 'text/plain', signal };
      const base = someBytes(5 * MiB);
      const kept: Piece = { kind: 'kept', range: { from: 0, to: base.length } };
      let etag = await store.write(place, bodyOf(base), { ...options, condition: null });
      const callAll = async () => {
        etag = await store.rewrite(place, etag, [kept, { kind: 'new', body: bodyOf(someBytes(10)) }], options);
        await store.head(place, signal);
        await bytesOf(await store.read(place, { signal }));
        assert.equal(await store.read(newPlace(), { signal }), null);
        const again = store.write(place, bodyOf(base), { ...options, condition: { ifMatch: 'other' } });
        await assert.rejects(again, trouble('changed'));
        await assert.rejects(store.rewrite(place, 'other', [kept], options), trouble('changed'));
      };
      await callAll();
      const before = await signalsKept();
      for (let i = 0; i < 10; i += 1) await callAll();
      assert.equal(getEventListeners(signal, 'abort').length, 0);
      const more = (await signalsKept()) - before;
      assert.ok(more < 10, `${more} signals are kept`);
    });

    it('names what it was about in its errors, in one line', async () => {
      const place = { bucket: BUCKET, key: `${randomUUID()}/two\nlines` };
      await assert.rejects(write(place, 'a', { ifMatch: 'x' }), (error) => {
        assert.ok(error instanceof StoreError);
        assert.match(error.message, /^put bot-state\/[0-9a-f-]+\/two\?lines: ./);
        return true;
      });
    });

    it('does what the probe looks for, and keeps nothing of the probe', async () => {
      assert.deepEqual(await probeStore(store, BUCKET), { conditionalWrites: true, copies: true });
      assert.deepEqual(await keysBelow('.the0-probe/'), []);
      await assert.rejects(probeStore(store, 'no-such-bucket'), trouble('missing'));
    });
  });
}

/** Bodies that end early, go on too long, or throw. */
function brokenBodies(size: number) {
  const half = someBytes(size / 2);
  return [
    { size, read: () => [half] },
    { size, read: () => [half, half, half] },
    {
      size,
      *read() {
        yield half;
        throw new Error('the disk is gone');
      },
    },
  ];
}

/** Whole when it is read the first time, something else from then on. */
function changingBody(size: number, later: readonly Buffer[]) {
  const half = someBytes(size / 2);
  let readings = 0;
  return {
    size,
    *read() {
      readings += 1;
      yield* readings === 1 ? [half, half] : later;
    },
  };
}

async function ended<Content extends { readonly body: AsyncIterable<Buffer> } | null>(
  content: Content,
): Promise<Content> {
  await content?.body[Symbol.asyncIterator]().return?.();
  return content;
}
