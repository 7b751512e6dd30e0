import { randomUUID } from 'node:crypto';
import {
  bodyOf,
  type ObjectPlace,
  type ObjectStore,
  type Piece,
  StoreError,
  type WriteCondition,
} from './object-store.ts';
import { type RetryPolicy, retryRead } from './retry.ts';

export interface StoreAbilities {
  /** Writes and rewrites heed their condition. Without it two writers can overwrite each other unnoticed. */
  readonly conditionalWrites: boolean;
  /** Parts of an object can be copied inside the store, and only of the version that was named. */
  readonly copies: boolean;
}

/** No bot has such an id. */
export const PROBE_PREFIX = '.the0-probe/';

const FIRST = Buffer.from('first version');
const SECOND = Buffer.from('second version');
/** Removing has no other effect when it is done twice. */
const REMOVAL: RetryPolicy = { attempts: 3, firstPauseMs: 200, longestPauseMs: 1_000, random: Math.random };
const CONTENT = { contentType: 'application/octet-stream' };

/**
 * Finds out by trying what the store can do, on a small object of its own that is removed afterwards: some stores ignore
 * conditions without a word.
 *
 * @param bucket must exist
 * @throws StoreError when the store cannot be used at all (`missing`, `denied`, `unreachable`, `busy`, `full`)
 */
export async function probeStore(store: ObjectStore, bucket: string, signal?: AbortSignal): Promise<StoreAbilities> {
  const place = { bucket, key: `${PROBE_PREFIX}${randomUUID()}` };
  const options = { ...CONTENT, ...(signal === undefined ? {} : { signal }) };
  const write = (bytes: Buffer, condition: WriteCondition) =>
    store.write(place, bodyOf(bytes), { ...options, condition });
  const tryOut = async (): Promise<StoreAbilities> => {
    const stale = await write(FIRST, null);
    const current = await write(SECOND, null);
    const rewrite = (etag: string, pieces: readonly Piece[]) => store.rewrite(place, etag, pieces, options);
    const kept: Piece = { kind: 'kept', range: { from: 2, to: SECOND.length } };
    const conditionalWrites =
      (await isRefused(() => write(FIRST, { ifAbsent: true }))) &&
      (await isRefused(() => write(FIRST, { ifMatch: stale }))) &&
      (await isRefused(() => rewrite(stale, [{ kind: 'new', body: bodyOf(FIRST) }]))) &&
      (await works(() => write(SECOND, { ifMatch: current })));
    // Whatever was let through above: from here on it is known again what is there.
    const known = await write(SECOND, null);
    const copies =
      (await isRefused(() => rewrite(stale, [kept]))) &&
      (await works(() => rewrite(known, [kept]))) &&
      (await bytesOf(store, place, signal)).equals(SECOND.subarray(2));
    return { conditionalWrites, copies };
  };
  // Also when the signal has come.
  const remove = () => retryRead(() => store.remove(place), REMOVAL);
  let abilities: StoreAbilities;
  try {
    abilities = await tryOut();
  } catch (error) {
    // What went wrong first says more. An object that stays belongs to no bot, and the clean-up takes it like all such.
    await remove().catch(() => undefined);
    throw error;
  }
  await remove();
  return abilities;
}

/** The store says that another version is current. */
async function isRefused(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return false;
  } catch (error) {
    if (error instanceof StoreError && error.trouble === 'changed') return true;
    return cannot(error);
  }
}

async function works(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.trouble === 'changed') return false;
    return cannot(error);
  }
}

/** What the store does not know it refuses; any other trouble says nothing about its abilities. */
function cannot(error: unknown): false {
  if (error instanceof StoreError && error.trouble === 'refused') return false;
  throw error;
}

async function bytesOf(store: ObjectStore, place: ObjectPlace, signal: AbortSignal | undefined): Promise<Buffer> {
  const content = await store.read(place, signal === undefined ? {} : { signal });
  const chunks: Buffer[] = [];
  if (content !== null) for await (const chunk of content.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
