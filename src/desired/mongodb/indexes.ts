import type { Collection, MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { botsOf, collectionName, databaseOf } from './collections.ts';
import { isDuplicate, isNotThere, MongoTroubleError, meaningOf } from './mongo-error.ts';

/** Where the deletions are kept; see `event-writer.ts`. */
export const TOMBSTONES = 'the0_tombstones';

/**
 * Makes the indexes without which each event and each look at a bot reads the whole collection. The one on `id` is unique,
 * unless there are duplicates already.
 * @param tombstoneMs how long a deletion is remembered
 * @returns what could not be made; everything works without it, only slower
 */
export async function createIndexes(client: MongoClient, kind: BotKind, tombstoneMs: number): Promise<Error[]> {
  const bots = botsOf(client, kind);
  const made = [
    attempt(kind, 'on id', async () => {
      // Documents without an id are allowed to be many.
      const partial = { partialFilterExpression: { id: { $gt: '' } } };
      try {
        await bots.createIndex({ id: 1 }, { name: 'the0_id_unique', unique: true, ...partial });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        await bots.createIndex({ id: 1 }, { name: 'the0_id' });
        return duplicates(kind);
      }
      return null;
    }),
    attempt(kind, 'for deletions', async () => {
      await expireAfter(databaseOf(client, kind).collection(TOMBSTONES), Math.ceil(tombstoneMs / 1000));
      return null;
    }),
  ];
  if (kind === 'scheduled') {
    const create = async () => {
      await bots.createIndex({ next_execution_time: 1 }, { name: 'the0_next_execution_time' });
      return null;
    };
    made.push(attempt(kind, 'on next_execution_time', create));
  }
  return (await Promise.all(made)).filter((trouble) => trouble !== null);
}

/** An index that is there with another age is made anew: that works everywhere, and it is small. */
async function expireAfter(tombstones: Collection, expireAfterSeconds: number): Promise<void> {
  const name = 'the0_expiry';
  try {
    const there = (await tombstones.indexes()).find((index) => index.name === name);
    if (there !== undefined && there.expireAfterSeconds !== expireAfterSeconds) await tombstones.dropIndex(name);
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
  await tombstones.createIndex({ deletedAt: 1 }, { name, expireAfterSeconds });
}

async function attempt(kind: BotKind, what: string, create: () => Promise<Error | null>): Promise<Error | null> {
  try {
    return await create();
  } catch (error) {
    return new MongoTroubleError(
      'mongodb-index',
      `an index ${what} of ${collectionName(kind)} could not be made (${meaningOf(error)})`,
      'The runtime works without it, but reads whole collections. May its user create indexes?',
      { cause: error },
    );
  }
}

function duplicates(kind: BotKind): MongoTroubleError {
  return new MongoTroubleError(
    'mongodb-index',
    `${collectionName(kind)} holds several documents with one id, so ids are not kept unique there`,
    'Remove the duplicates; the next start of the runtime makes the unique index.',
  );
}
