import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArchiveIndex, type StoredEntry } from '../../../src/storage/archive/archive-index.ts';
import { type PackedEntry, planUpload } from '../../../src/storage/archive/upload-plan.ts';

const MiB = 1024 * 1024;
const LEAST_PIECE_BYTES = 5 * MiB;
const CHANGE_BYTES = 4_096;

/** An archive of so many files of one size: `f0`, `f1`, … */
function archiveOf(files: number, fileBytes: number): ArchiveIndex {
  const entries = new Map<string, StoredEntry>();
  for (let index = 0; index < files; index++) {
    const at = { from: index * fileBytes, to: (index + 1) * fileBytes };
    entries.set(`f${index}`, { kind: 'file', mode: 0o644, size: fileBytes, digest: '', at, older: [] });
  }
  return new ArchiveIndex(entries, files * fileBytes);
}

function changed(index: ArchiveIndex, name: string, mode = 0o644): ReturnType<typeof planUpload> {
  const packed: PackedEntry = { kind: 'file', mode, size: 1, digest: '', at: { offset: 0, length: CHANGE_BYTES } };
  return planUpload(index, { packed: new Map([[name, packed]]), removed: new Set() }, LEAST_PIECE_BYTES);
}

function copiesOf({ index }: { readonly index: ArchiveIndex }): number {
  return [...index.entries.values()].reduce((sum, { older }) => sum + older.length, 0);
}

for (const totalMiB of [50, 91, 95, 99, 150]) {
  test(`a change of the first file of ${totalMiB} MiB takes nothing away: all that is there is kept in one piece`, () => {
    const index = archiveOf(100, (totalMiB * MiB) / 100);
    const { segments } = changed(index, 'f0');
    assert.deepEqual(segments, [
      { from: 'object', range: { from: 0, to: index.endOffset } },
      { from: 'spool', range: { from: 0, to: CHANGE_BYTES } },
    ]);
  });
}

for (const [liveMiB, mostMiB] of [
  [80, 90],
  [95, 98],
  [99.5, 100],
] as const) {
  test(`an archive of ${liveMiB} MiB never grows above ${mostMiB} by what was overridden, and is not tidied all the time`, () => {
    let index = archiveOf(10_000, Math.floor((liveMiB * MiB) / 10_000));
    let tidied = 0;
    let largest = 0;
    for (let turn = 0; turn < 400; turn++) {
      const next = changed(index, `f${(turn * 7) % 10_000}`);
      if (copiesOf(next) === 0) tidied += 1;
      index = next.index;
      largest = Math.max(largest, index.endOffset ?? 0);
    }
    assert.ok(largest < mostMiB * MiB, `${largest}`);
    assert.ok(tidied < 50, `${tidied} times`);
  });
}

test('a file whose mode changes is cut out: who extracts both copies would give it the mode of the first', () => {
  const index = archiveOf(100, MiB);
  const next = changed(index, 'f50', 0o600);
  assert.deepEqual(next.index.entries.get('f50')?.older, []);
  assert.equal(next.index.endOffset, 99 * MiB + CHANGE_BYTES);
});

test('of a few files only a few copies are kept, for each costs the time to extract it', () => {
  let index = archiveOf(10, MiB);
  let most = 0;
  for (let turn = 0; turn < 500; turn++) {
    const next = changed(index, 'f3');
    index = next.index;
    most = Math.max(most, copiesOf(next));
  }
  assert.ok(most > 10 && most <= 64, `${most}`);
});
