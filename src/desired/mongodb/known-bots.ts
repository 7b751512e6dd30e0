import type { Document, MongoClient } from 'mongodb';
import { botsOf, collectionName } from './collections.ts';
import { cannot } from './mongo-error.ts';

const KINDS = ['realtime', 'scheduled'] as const;

/**
 * The ids of all bots in both collections, enabled or not, whatever else is wrong with their documents. From the primary: a
 * copy that lags does not know the newest.
 * @throws MongoTroubleError when not all of them could be read
 */
export async function knownBotIds(client: MongoClient): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const kind of KINDS) {
    const cursor = botsOf(client, kind).find({}, { projection: { id: 1 }, readPreference: 'primary' });
    try {
      for await (const document of cursor) for (const id of idsIn(document)) ids.add(id);
    } catch (error) {
      throw cannot(`read the ids in ${collectionName(kind)}`, error);
    } finally {
      await cursor.close().catch(() => {
        // The connection is gone already.
      });
    }
  }
  return ids;
}

/** Under each name that a bot may have (contract 2.6), of whatever type: what is in doubt is known. */
function idsIn({ id, _id }: Document): string[] {
  const isNamedByKey = typeof _id === 'string' || id === undefined || id === null;
  return [id, isNamedByKey ? _id : null].filter((value) => value !== undefined && value !== null).map(String);
}
