import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import type { StateNotice } from '../../../src/agent/state/state-notice.ts';
import { StateSync, type StateSyncOptions } from '../../../src/agent/state/state-sync.ts';
import type { PieceLimits } from '../../../src/storage/object-store.ts';
import { type Listed, listTree } from '../../storage/archive/other-readers.ts';
import { MemoryObjectStore } from '../../storage/memory-object-store.ts';

export const PLACE = { bucket: 'bot-state', key: 'bot-1/state.tar.gz' };
/** As S3, only smaller, so that a few kilobytes show what millions would. */
export const SMALL_PIECES: PieceLimits = { minPieceBytes: 4_096, maxPieceBytes: 1_000_000, mostPieces: 40 };

/** A store, and directories for as many agents as a test wants. */
export interface StateFixture {
  readonly store: MemoryObjectStore;
  readonly notices: StateNotice[];
  directory(): string;
  sync(directory: string, differences?: Partial<StateSyncOptions>): StateSync;
  /** What a new container would start with. */
  restored(): Promise<Listed[]>;
}

export function stateFixture(t: TestContext, pieces: PieceLimits = SMALL_PIECES, parent = tmpdir()): StateFixture {
  const root = mkdtempSync(join(parent, 'the0-state-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const spoolDirectory = join(root, 'spool');
  mkdirSync(spoolDirectory);
  const store = new MemoryObjectStore(pieces);
  const notices: StateNotice[] = [];
  let directories = 0;
  let writers = 0;

  const directory = () => {
    const made = join(root, `state-${++directories}`);
    mkdirSync(made);
    return made;
  };
  const sync = (stateDirectory: string, differences: Partial<StateSyncOptions> = {}) =>
    new StateSync({
      store,
      place: PLACE,
      epoch: 1_000,
      writer: `w${++writers}`,
      directory: stateDirectory,
      spoolDirectory,
      limits: DEFAULT_STATE_LIMITS,
      fencing: true,
      pids: () => [],
      onNotice: (notice) => notices.push(notice),
      now: Date.now,
      ...differences,
    });
  const restored = async () => {
    const fresh = directory();
    await sync(fresh, { epoch: Number.MAX_SAFE_INTEGER }).restore();
    return listTree(fresh);
  };
  return { store, notices, directory, sync, restored };
}

/** Without the times of directories and links, which nobody promises. */
export function content(list: readonly Listed[]): unknown[] {
  return list.map(({ name, type, mode, target, sha256 }) => ({
    name,
    type,
    mode: type === '2' ? 0 : mode,
    target,
    sha256,
  }));
}
