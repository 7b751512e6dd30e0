import { randomUUID } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import { databaseOf } from './collections.ts';
import { cannot } from './mongo-error.ts';

/**
 * What all processes on this MongoDB have in common, made by the first of them: their containers are known by it, whichever
 * of them made one and wherever its own files are by now.
 * @throws MongoTroubleError
 */
export async function deploymentId(client: MongoClient): Promise<string> {
  const place = databaseOf(client, 'realtime').collection<{ _id: string; id: string }>('the0_deployment');
  try {
    await place.updateOne({ _id: 'deployment' }, { $setOnInsert: { id: randomUUID() } }, { upsert: true });
    const found = await place.findOne({ _id: 'deployment' });
    if (typeof found?.id !== 'string' || found.id === '') throw new Error('it holds no id');
    return found.id;
  } catch (error) {
    throw cannot('tell the id of this deployment', error);
  }
}
