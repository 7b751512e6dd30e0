import { type Db, type Document, Int32 } from 'mongodb';
import { isDuplicate } from './mongo-error.ts';

/** Bots of one partition at most, as the Go runtime has it. */
const PARTITION_SIZE = 100;

interface Partition extends Document {
  readonly _id: number;
  readonly bot_count: number;
}

interface Counter extends Document {
  readonly _id: string;
  readonly seq: number;
}

/**
 * Bookkeeping that nothing reads any more, kept as the Go runtime keeps it (contract 2.5): each bot has a place in a
 * partition.
 * @returns the partition's number, from 1
 */
export async function claimPartition(database: Db): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await placeIn(database);
    } catch (error) {
      // Another one has just made the counter, or the partition: there is a place now.
      if (!isDuplicate(error) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

async function placeIn(database: Db): Promise<number> {
  const partitions = database.collection<Partition>('partitions');
  const room = { bot_count: { $lt: PARTITION_SIZE } };
  const found = await partitions.findOneAndUpdate(room, { $inc: { bot_count: 1 } }, { returnDocument: 'after' });
  if (found !== null) return Number(found._id);
  const options = { upsert: true, returnDocument: 'after' } as const;
  const next = await database
    .collection<Counter>('counters')
    .findOneAndUpdate({ _id: 'partition_id' }, { $inc: { seq: 1 } }, options);
  const number = Number(next?.seq ?? 1);
  await database.collection('partitions').insertOne({ _id: new Int32(number), bot_count: new Int32(1) } as Document);
  return number;
}

/** As many may come at once. */
const MOST_ATTEMPTS = 32;

/** Gives one place back. @param segment as it stands in the bot's document; nothing when it is no number */
export async function releasePartition(database: Db, segment: unknown): Promise<void> {
  if (typeof segment !== 'number') return;
  await database.collection<Partition>('partitions').updateOne({ _id: segment }, { $inc: { bot_count: -1 } });
}
