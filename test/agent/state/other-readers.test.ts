import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { readArchive } from '../../../src/storage/archive/read-archive.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { needsMinio, startMinio } from '../../services/minio.ts';
import { chunked, NO_LIMITS } from '../../storage/archive/build-archive.ts';
import { extractors } from '../../storage/archive/extractors.ts';
import { type Listed, listTree } from '../../storage/archive/other-readers.ts';
import { beginState, changeState } from './busy-bot.ts';
import { content, PLACE, stateFixture } from './state-fixture.ts';

const TURNS = 30;
const TURNS_PER_CHECK = 10;
const REQUIRED = process.env['THE0_REQUIRE_SERVICES'] === '1';

const readers = extractors();

/** Other readers see the archive after the first sync, and after many. @param fewestCopies of which the last one counts */
async function followABot(t: TestContext, store: ObjectStore | null, ballastBytes: number): Promise<void> {
  const fixture = stateFixture(t);
  const used = store ?? fixture.store;
  const directory = fixture.directory();
  const sync = fixture.sync(directory, { store: used });
  await sync.restore();
  beginState(directory, ballastBytes, randomBytes);
  let mostCopies = 0;
  for (let turn = 0; turn <= TURNS; turn++) {
    if (turn > 0) changeState(directory, turn);
    assert.equal((await sync.sync(null)).kind, 'uploaded');
    if (turn % TURNS_PER_CHECK !== 0) continue;
    const archive = await stored(used);
    mostCopies = Math.max(mostCopies, await copiesIn(archive));
    checkWithAll(archive, listTree(directory), `after ${turn} turns`);
  }
  assert.ok(mostCopies > 0, 'no archive held a name twice: nothing was shown');
}

function checkWithAll(archive: Buffer, expected: readonly Listed[], when: string): void {
  for (const reader of readers) {
    if ('missing' in reader) continue;
    const wanted = reader.makesLinks ? expected : expected.filter(({ type }) => type !== '2');
    assert.deepEqual(content(reader.extract(archive)), content(wanted), `${reader.name} ${when}`);
  }
}

async function stored(store: ObjectStore): Promise<Buffer> {
  const found = await store.read(PLACE);
  assert.ok(found !== null);
  return Buffer.concat(await Array.fromAsync(found.body));
}

async function copiesIn(archive: Buffer): Promise<number> {
  let entries = 0;
  const sink = { begin: () => (entries += 1), data() {}, end() {} };
  const { index } = await readArchive(chunked(archive), sink, NO_LIMITS);
  return entries - index.entries.size;
}

for (const reader of readers) {
  const skip = 'missing' in reader && !REQUIRED ? reader.missing : false;
  test(`${reader.name} is here`, { skip }, () => assert.ok(!('missing' in reader)));
}

test('what is stored of a bot that changes everything is what others extract, as a user who is not root', async (t) => {
  await followABot(t, null, 60_000);
});

describe('the same on a real store', needsMinio(), () => {
  test('where pieces are large, and kept ones lie before new ones', async (t) => {
    const minio = await startMinio();
    const store = openS3Store(minio.access);
    t.after(async () => {
      store.close();
      await minio.stop();
    });
    await followABot(t, store, 8 * 1024 * 1024);
  });
});
