import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ArchiveIndex } from '../../storage/archive/archive-index.ts';
import { type Stamp, stampOfMetadata } from '../../storage/archive/stamp.ts';
import { type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import { type RetryPolicy, retryRead } from '../../storage/retry.ts';
import { errorCodeOf, messageOf } from '../agent-error.ts';
import { discardUnfinished, holdsState, restoreInto, StateUnreadable } from './restore.ts';
import type { StateLimits } from './state-limits.ts';

/** What became of a bot's stored state before its start. */
export type Restored =
  /** Nothing is stored. */
  | { readonly kind: 'first-run' }
  | { readonly kind: 'restored'; readonly etag: string; readonly seq: number; readonly index: ArchiveIndex }
  /** The directory held a state already: that one stands. */
  | { readonly kind: 'kept' }
  /** A later incarnation has stored its state: this one must not run. */
  | { readonly kind: 'superseded'; readonly epoch: number };

export interface RestoreOptions {
  readonly store: ObjectStore;
  /** `<botId>/state.tar.gz` in the state bucket (contract 4.1). */
  readonly place: ObjectPlace;
  /** The incarnation that is about to start. */
  readonly epoch: number;
  /** The state directory. */
  readonly directory: string;
  /** Outside of it; remembers which incarnation has used the directory last. Null: nobody does. */
  readonly sessionFile: string | null;
  readonly limits: StateLimits;
  /** For a store that is busy or cannot be reached; null: one try. */
  readonly retry: RetryPolicy | null;
}

/**
 * Before a bot starts: brings its state into the directory, if that holds none, or only one that a later incarnation has
 * stored a newer version of meanwhile (elsewhere).
 * @throws StateUnreadable: a state exists and cannot be had, so the bot must not start
 */
export async function restoreState(options: RestoreOptions, signal?: AbortSignal): Promise<Restored> {
  const { directory, sessionFile, epoch, retry } = options;
  try {
    mkdirSync(directory, { recursive: true });
    const isHeld = holdsState(directory);
    const lastHere = isHeld && sessionFile !== null ? readSession(sessionFile) : null;
    // Without a note there is nothing to compare with.
    const once = () => (isHeld && lastHere === null ? KEPT : bring(options, lastHere, signal));
    const restored = await (retry === null ? once() : retryRead(async () => once(), retry, signal));
    if (sessionFile !== null && restored.kind !== 'superseded') writeSession(sessionFile, epoch);
    return restored;
  } catch (error) {
    if (error instanceof StateUnreadable) throw error;
    const code = error instanceof StoreError ? error.trouble : errorCodeOf(error);
    throw new StateUnreadable(code, `the stored state cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

const KEPT: Restored = { kind: 'kept' };

/** @param lastHere the incarnation whose state is in the directory; null: there is none */
async function bring(options: RestoreOptions, lastHere: number | null, signal?: AbortSignal): Promise<Restored> {
  const { store, place, epoch, directory, limits } = options;
  if (lastHere !== null) {
    const info = await store.head(place, signal);
    const stamp = info === null ? null : stampOfMetadata(info.metadata);
    if (stamp === null || stamp.epoch <= lastHere) return KEPT;
  }
  const content = await store.read(place, signal === undefined ? {} : { signal });
  if (content === null) {
    if (lastHere !== null) return KEPT;
    discardUnfinished(directory);
    return { kind: 'first-run' };
  }
  const { etag, metadata } = content.info;
  const stamp: Stamp | null = stampOfMetadata(metadata);
  if (stamp !== null && stamp.epoch > epoch) {
    await content.body[Symbol.asyncIterator]().return?.();
    return { kind: 'superseded', epoch: stamp.epoch };
  }
  const { index } = await restoreInto(directory, content.body, limits);
  return { kind: 'restored', etag, seq: stamp?.seq ?? 0, index };
}

const SESSION = /^the0-session-1 (\d{1,15})\n$/;

/** Which incarnation's state a directory holds. Null: there is no note, or none that can be read. */
export function readSession(path: string): number | null {
  try {
    const found = SESSION.exec(readFileSync(path, 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The state in the directory belongs to this incarnation from now on. @throws what the file system throws */
function writeSession(path: string, epoch: number): void {
  const draft = `${path}.new`;
  writeFileSync(draft, `the0-session-1 ${epoch}\n`);
  renameSync(draft, path);
}
