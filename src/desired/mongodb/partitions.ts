import { type Db, type Document, Int32 } from 'mongodb';

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
  const partitions = database.collection<Partition>('partitions');
  const room = { bot_count: { $lt: PARTITION_SIZE } };
  const found = await partitions.findOneAndUpdate(room, { $inc: { bot_count: 1 } }, { returnDocument: 'after' });
  if (found !== null) return Number(found._id);
  const next = await database
    .collection<Counter>('counters')
    .findOneAndUpdate({ _id: 'partition_id' }, { $inc: { seq: 1 } }, { upsert: true, returnDocument: 'after' });
  const number = Number(next?.seq ?? 1);
  await database.collection('partitions').insertOne({ _id: new Int32(number), bot_count: new Int32(1) } as Document);
  return number;
}

/** Gives back one place for each of these. */
export async function releasePartitions(database: Db, segments: readonly unknown[]): Promise<void> {
  const partitions = database.collection<Partition>('partitions');
  for (const segment of segments) {
    if (typeof segment === 'number') await partitions.updateOne({ _id: segment }, { $inc: { bot_count: -1 } });
  }
}
