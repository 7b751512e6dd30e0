import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { PieceLimits } from '../../../src/storage/object-store.ts';
import { Random } from '../../simulation/random.ts';
import { extractWithTar, listTree, listWithGo } from '../../storage/archive/other-readers.ts';
import { content, PLACE, SMALL_PIECES, type StateFixture, stateFixture } from './state-fixture.ts';

const S3_PIECES: PieceLimits = { minPieceBytes: 5 * 1024 * 1024, maxPieceBytes: 5 * 1024 ** 3, mostPieces: 10_000 };

/** Whole numbers from 0. */
function randomOf(seed: number): (below: number) => number {
  const random = new Random(seed);
  return (below) => random.between(0, below - 1);
}

/** One thing that a bot may do to its state. */
function change(root: string, random: (below: number) => number, nth: number): void {
  const directories = ['', 'a', 'a/b', 'c', '.the0-state'];
  const directory = directories[random(directories.length)] ?? '';
  const name = join(root, directory, `f${random(12)}`);
  const bytes = Buffer.alloc(random(4) === 0 ? random(9_000) : random(300));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random(256);
  mkdirSync(dirname(name), { recursive: true });
  switch (random(14)) {
    case 0:
      rmSync(name, { recursive: true, force: true });
      break;
    case 1:
      if (directory !== '') rmSync(join(root, directory), { recursive: true, force: true });
      break;
    case 2:
      if (existsSync(name)) chmodSync(name, [0o644, 0o600, 0o444, 0o755][random(4)] ?? 0o644);
      break;
    case 3:
      if (directory !== '') chmodSync(join(root, directory), [0o755, 0o700, 0o750][random(3)] ?? 0o755);
      break;
    case 4:
      rmSync(name, { recursive: true, force: true });
      mkdirSync(name);
      break;
    case 5:
      rmSync(name, { recursive: true, force: true });
      symlinkSync(`f${random(12)}`, name);
      break;
    case 6:
      if (existsSync(name)) {
        const target = join(root, `moved-${random(5)}-${nth % 7}`);
        rmSync(target, { recursive: true, force: true });
        renameSync(name, target);
      }
      break;
    case 7:
      if (existsSync(name)) utimesSync(name, 1, random(1_000_000));
      break;
    default:
      rmSync(name, { recursive: true, force: true });
      writeFileSync(`${name}.tmp`, bytes);
      renameSync(`${name}.tmp`, name);
  }
}

async function freshSize(fixture: StateFixture, directory: string): Promise<number> {
  const place = { ...PLACE, key: 'fresh/state.tar.gz' };
  await fixture.store.remove(place);
  await fixture.sync(directory, { place }).sync(null);
  return fixture.store.bytesOf(place).length;
}

// At once: each mostly waits for the clock of the file system to move on.
describe('random changes', { concurrency: true }, () => {
  for (const [what, pieces, ballast, syncs] of [
    ['pieces can be small', SMALL_PIECES, 60, 400],
    ['pieces can be small, and the state is', SMALL_PIECES, 0, 200],
    ['pieces are as on S3', S3_PIECES, 0, 100],
  ] as const) {
    test(`after ${syncs} syncs of random changes the stored state is the directory, and no archive was too large (${what})`, async (t) => {
      const fixture = stateFixture(t, pieces);
      const random = randomOf(syncs + ballast + pieces.minPieceBytes);
      const directory = fixture.directory();
      const sync = fixture.sync(directory);
      for (let index = 0; index < ballast; index++) {
        writeFileSync(join(directory, `ballast${index}`), Buffer.alloc(2_000, String(random(1_000_000_000))));
      }
      await sync.restore();
      for (let nth = 0; nth < syncs; nth++) {
        for (let changes = random(4); changes >= 0; changes--) change(directory, random, nth);
        await sync.sync(null);
        if (nth % 100 !== 99) continue;
        const expected = content(listTree(directory));
        const archive = fixture.store.bytesOf(PLACE);
        assert.deepEqual(content(await fixture.restored()), expected, `after ${nth + 1} syncs`);
        const withTar = extractWithTar(archive);
        if (withTar !== null) assert.deepEqual(content(withTar), expected);
        assert.notEqual(listWithGo(archive)?.length, 0);
        const fresh = await freshSize(fixture, directory);
        assert.ok(archive.length <= 2 * fresh, `${archive.length} bytes, and a fresh archive has ${fresh}`);
      }
    });
  }
});
