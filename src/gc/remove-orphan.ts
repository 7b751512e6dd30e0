import type { Buckets, ObjectStore } from '../storage/object-store.ts';
import { logsOf, stateOf } from './stored-names.ts';
import type { Orphan } from './sweep-report.ts';

export interface RemovalOptions {
  readonly store: ObjectStore;
  readonly buckets: Buckets;
  /** What was written after this moment keeps an orphan; milliseconds since 1970. */
  readonly writtenBefore: number;
  readonly signal: AbortSignal | undefined;
}

export interface Removed {
  readonly objects: number;
  readonly bytes: number;
  /** Sentences of what could not be removed. */
  readonly failures: readonly unknown[];
}

/**
 * Logs first and the state last: as long as anything is left, the next sweep finds the orphan again. Null: somebody has
 * written to it since it was listed, and nothing was removed.
 * @throws StoreError when it cannot be looked at
 */
export async function removeOrphan({ botId }: Orphan, options: RemovalOptions): Promise<Removed | null> {
  const { store, buckets, writtenBefore, signal } = options;
  const statePlace = { bucket: buckets.state, key: stateOf(botId) };
  const state = await store.head(statePlace, signal);
  if (state !== null && state.modifiedAt > writtenBefore) return null;
  for await (const { modifiedAt } of store.list(buckets.logs, logsOf(botId), signal)) {
    if (modifiedAt > writtenBefore) return null;
  }
  const failures: unknown[] = [];
  let [objects, bytes] = [0, 0];
  const remove = async (place: { bucket: string; key: string }, size: number) => {
    try {
      await store.remove(place, signal);
      objects += 1;
      bytes += size;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error);
    }
  };
  for await (const { key, size } of store.list(buckets.logs, logsOf(botId), signal)) {
    await remove({ bucket: buckets.logs, key }, size);
  }
  // With some of its logs left it must be found again.
  if (state !== null && failures.length === 0) await remove(statePlace, state.size);
  return { objects, bytes, failures };
}
