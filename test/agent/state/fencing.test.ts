import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RESTORING } from '../../../src/agent/state/restore.ts';
import { bodyOf, StoreError } from '../../../src/storage/object-store.ts';
import { plainTar, type Thing } from '../../storage/archive/build-archive.ts';
import { content, PLACE, type StateFixture, stateFixture } from './state-fixture.ts';

/** As the API and the Go runtime write it. */
async function putPlain({ store }: StateFixture, things: readonly Thing[]): Promise<void> {
  await store.createBucket(PLACE.bucket);
  await store.write(PLACE, bodyOf(gzipSync(plainTar(things))), { condition: null, contentType: 'application/gzip' });
}

function names(list: readonly { readonly name: string }[]): string[] {
  return list.map(({ name }) => name);
}

const BROKEN = new StoreError('unreachable', 'the connection broke');

test('a state that does not exist is a first run; its bucket is made when there is something to store', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  assert.deepEqual(await sync.restore(), { kind: 'first-run' });
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  writeFileSync(join(directory, 'a'), 'x');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['a']);
});

test('what a restore that was cut short has left is no part of a first run', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  writeFileSync(join(directory, RESTORING), '');
  writeFileSync(join(directory, 'half'), 'x');
  const sync = fixture.sync(directory);
  assert.deepEqual(await sync.restore(), { kind: 'first-run' });
  assert.deepEqual(readdirSync(directory), []);
});

test('what is unchanged is not uploaded again, also after a restart', async (t) => {
  const fixture = stateFixture(t);
  const first = fixture.directory();
  const writer = fixture.sync(first);
  await writer.restore();
  writeFileSync(join(first, 'a'), 'x');
  await writer.sync(null);
  assert.deepEqual(await writer.sync(null), { kind: 'unchanged' });

  const second = fixture.directory();
  const next = fixture.sync(second, { epoch: 2_000 });
  const restored = await next.restore();
  assert.ok(restored.kind === 'restored');
  assert.deepEqual([...restored.index.entries.keys()], ['a']);
  const before = { ...fixture.store.traffic };
  assert.deepEqual(await next.sync(null), { kind: 'unchanged' });
  assert.deepEqual(fixture.store.traffic, before);
});

test('every upload changes the ETag, even to a content that was there before', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  const etags = new Set<string | undefined>();
  for (const text of ['x', 'yy', 'x', 'yy']) {
    writeFileSync(join(directory, 'a'), text);
    await sync.sync(null);
    etags.add((await fixture.store.head(PLACE))?.etag);
  }
  assert.equal(etags.size, 4);
});

test('a later incarnation ends an earlier one for good', async (t) => {
  const fixture = stateFixture(t);
  const [oldDirectory, newDirectory] = [fixture.directory(), fixture.directory()];
  const old = fixture.sync(oldDirectory, { epoch: 1 });
  writeFileSync(join(oldDirectory, 'a'), 'old');
  await old.sync(null);
  const next = fixture.sync(newDirectory, { epoch: 2 });
  await next.restore();
  writeFileSync(join(newDirectory, 'a'), 'newer');
  await next.sync(null);

  writeFileSync(join(oldDirectory, 'a'), 'stale');
  assert.deepEqual(await old.sync(null), { kind: 'superseded', epoch: 2 });
  assert.deepEqual(await old.sync(null), { kind: 'superseded', epoch: 2 });
  assert.deepEqual(await fixture.sync(fixture.directory(), { epoch: 1 }).restore(), { kind: 'superseded', epoch: 2 });
  writeFileSync(join(newDirectory, 'a'), 'newest');
  assert.equal((await next.sync(null)).kind, 'uploaded');
});

test('a later incarnation wins over an upload that its predecessor still made', async (t) => {
  const fixture = stateFixture(t);
  const [oldDirectory, newDirectory] = [fixture.directory(), fixture.directory()];
  const old = fixture.sync(oldDirectory, { epoch: 1 });
  writeFileSync(join(oldDirectory, 'a'), 'old');
  await old.sync(null);
  const next = fixture.sync(newDirectory, { epoch: 2 });
  await next.restore();
  writeFileSync(join(oldDirectory, 'late'), 'late');
  await old.sync(null);

  writeFileSync(join(newDirectory, 'b'), 'new');
  assert.equal((await next.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['a', 'b']);
});

for (const operation of ['write', 'rewrite']) {
  test(`a reply that got lost (${operation}) is found to have been a success`, async (t) => {
    const fixture = stateFixture(t);
    const directory = fixture.directory();
    const sync = fixture.sync(directory);
    if (operation === 'rewrite') {
      for (let index = 0; index < 100; index++) writeFileSync(join(directory, `f${index}`), `${index}`);
      await sync.sync(null);
    }
    writeFileSync(join(directory, 'a'), 'x');
    fixture.store.failNext(1, BROKEN, { operation, when: 'after' });
    await assert.rejects(sync.sync(null), { trouble: 'unreachable' });
    const { bytesUp } = fixture.store.traffic;
    assert.equal((await sync.sync(null)).kind, 'uploaded');
    assert.equal(fixture.store.traffic.bytesUp, bytesUp, 'nothing was uploaded a second time');
    writeFileSync(join(directory, 'b'), 'y');
    await sync.sync(null);
    assert.ok(names(await fixture.restored()).includes('a'));
    assert.ok(names(await fixture.restored()).includes('b'));
  });

  test(`an upload that failed before it had its effect (${operation}) is made again`, async (t) => {
    const fixture = stateFixture(t);
    const directory = fixture.directory();
    const sync = fixture.sync(directory);
    if (operation === 'rewrite') {
      for (let index = 0; index < 100; index++) writeFileSync(join(directory, `f${index}`), `${index}`);
      await sync.sync(null);
      rmSync(join(directory, 'f50'));
    }
    writeFileSync(join(directory, 'a'), 'x');
    fixture.store.failNext(1, BROKEN, { operation });
    await assert.rejects(sync.sync(null), { trouble: 'unreachable' });
    assert.equal((await sync.sync(null)).kind, 'uploaded');
    const found = names(await fixture.restored());
    assert.ok(found.includes('a') && !found.includes('f50'));
  });
}

test('an upload that arrives after all, behind a later one, is noticed', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  writeFileSync(join(directory, 'a'), '1');
  await sync.sync(null);
  const early = fixture.store.bytesOf(PLACE);
  const metadata = (await fixture.store.head(PLACE))?.metadata ?? {};
  writeFileSync(join(directory, 'b'), '2');
  await sync.sync(null);
  await fixture.store.write(PLACE, bodyOf(early), { condition: null, contentType: 'application/gzip', metadata });
  writeFileSync(join(directory, 'c'), '3');
  await sync.sync(null);
  assert.deepEqual(names(await fixture.restored()), ['a', 'b', 'c']);
});

test('a plain archive, as the API or the Go runtime writes it, is restored, and replaced at the next real change', async (t) => {
  const fixture = stateFixture(t);
  await putPlain(fixture, [
    { name: '.the0-state', directory: true },
    { name: '.the0-state/a.json', content: '1' },
  ]);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  assert.equal((await sync.restore()).kind, 'restored');
  assert.equal(readFileSync(join(directory, '.the0-state/a.json'), 'utf8'), '1');
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  writeFileSync(join(directory, '.the0-state/b.json'), '2');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['.the0-state', '.the0-state/a.json', '.the0-state/b.json']);
  assert.deepEqual(fixture.notices, []);
});

test('what another program changes meanwhile gives way to the local state, with a notice', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), name);
  await sync.sync(null);
  await putPlain(fixture, [{ name: 'theirs', content: 'x' }]);
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  writeFileSync(join(directory, 'c'), 'c');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['a', 'b', 'c']);
  assert.deepEqual(
    fixture.notices.map(({ code }) => code),
    ['overwrote-foreign'],
  );
});

test('a state that was deleted in the store is stored again, whole, at the next real change', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), name);
  await sync.sync(null);
  await fixture.store.remove(PLACE);
  writeFileSync(join(directory, 'c'), 'c');
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['a', 'b', 'c']);
});

test('that the last file is deleted is stored, too', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  writeFileSync(join(directory, 'a'), 'a');
  await sync.sync(null);
  rmSync(join(directory, 'a'));
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(content(await fixture.restored()).length, 1);
  assert.deepEqual(names(await fixture.restored()), ['.the0-state']);
  assert.deepEqual(await sync.sync(null), { kind: 'unchanged' });
  writeFileSync(join(directory, 'a'), 'again');
  await sync.sync(null);
  assert.ok(names(await fixture.restored()).includes('a'));
});

test('that all is deleted holds against what another program wrote meanwhile', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const sync = fixture.sync(directory);
  writeFileSync(join(directory, 'a'), 'a');
  await sync.sync(null);
  await putPlain(fixture, [{ name: 'theirs', content: 'x' }]);
  rmSync(join(directory, 'a'));
  assert.equal((await sync.sync(null)).kind, 'uploaded');
  assert.deepEqual(names(await fixture.restored()), ['.the0-state']);
});

test('an agent that starts again beside a state directory in use keeps it, and uploads only what differs', async (t) => {
  const fixture = stateFixture(t);
  const directory = fixture.directory();
  const first = fixture.sync(directory);
  for (let index = 0; index < 100; index++) writeFileSync(join(directory, `f${index}`), `${index}`);
  await first.sync(null);
  writeFileSync(join(directory, 'f7'), 'newer than what is stored');
  rmSync(join(directory, 'f8'));
  const second = fixture.sync(directory);
  assert.deepEqual(await second.restore(), { kind: 'kept' });
  const before = fixture.store.traffic.bytesUp;
  assert.equal((await second.sync(null)).kind, 'uploaded');
  assert.ok(fixture.store.traffic.bytesUp - before < 10_000);
  const restored = await fixture.restored();
  assert.equal(restored.length, 99);
  assert.equal(restored.find(({ name }) => name === 'f7')?.size, 25);
});

test('a damaged archive keeps the bot from starting, and leaves nothing behind', async (t) => {
  const fixture = stateFixture(t);
  const source = fixture.directory();
  for (const name of ['a', 'b', 'c']) writeFileSync(join(source, name), name.repeat(1000));
  await fixture.sync(source).sync(null);
  const whole = fixture.store.bytesOf(PLACE);
  await fixture.store.write(PLACE, bodyOf(whole.subarray(0, -40)), { condition: null, contentType: '' });
  const directory = fixture.directory();
  await assert.rejects(fixture.sync(directory).restore(), { name: 'StateUnreadable', code: 'truncated' });
  assert.deepEqual(readdirSync(directory), []);
});

test('a store that does not answer keeps the bot from starting', async (t) => {
  const fixture = stateFixture(t);
  fixture.store.failNext(1, BROKEN, { operation: 'read' });
  await assert.rejects(fixture.sync(fixture.directory()).restore(), { name: 'StateUnreadable', code: 'unreachable' });
});

test('a restore that was killed half way is begun anew', async (t) => {
  const fixture = stateFixture(t);
  const source = fixture.directory();
  for (const name of ['a', 'b']) writeFileSync(join(source, name), name);
  await fixture.sync(source).sync(null);
  const directory = fixture.directory();
  writeFileSync(join(directory, '.the0-restoring'), '');
  writeFileSync(join(directory, 'a'), 'hal');
  assert.equal((await fixture.sync(directory, { epoch: 2_000 }).restore()).kind, 'restored');
  assert.deepEqual(readdirSync(directory), ['a', 'b']);
  assert.equal(readFileSync(join(directory, 'a'), 'utf8'), 'a');
});

test('a store without conditions: the version is compared before each write', async (t) => {
  const fixture = stateFixture(t);
  const [oldDirectory, newDirectory] = [fixture.directory(), fixture.directory()];
  const old = fixture.sync(oldDirectory, { epoch: 1, fencing: false });
  writeFileSync(join(oldDirectory, 'a'), 'old');
  await old.sync(null);
  const next = fixture.sync(newDirectory, { epoch: 2, fencing: false });
  await next.restore();
  writeFileSync(join(newDirectory, 'a'), 'newer');
  await next.sync(null);
  writeFileSync(join(oldDirectory, 'a'), 'stale');
  assert.equal((await old.sync(null)).kind, 'superseded');
});
