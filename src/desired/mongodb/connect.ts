import { MongoClient } from 'mongodb';
import { cannot, MongoTroubleError } from './mongo-error.ts';

export interface MongoLimits {
  /** How long an operation, also the first one, waits for a server and for a free connection. */
  readonly waitMs: number;
  /** How long a server may be silent in the middle of an operation. */
  readonly silenceMs: number;
  /** Connections at most. */
  readonly connections: number;
}

/**
 * One client for everything that uses the same MongoDB. Whoever asks for it closes it. Reconnects by itself for ever.
 * @throws MongoTroubleError when the address is no good or no server answers in time
 */
export async function connectMongo(uri: string, limits: MongoLimits): Promise<MongoClient> {
  let client: MongoClient;
  try {
    client = new MongoClient(uri, {
      appName: 'the0-runtime',
      serverSelectionTimeoutMS: limits.waitMs,
      connectTimeoutMS: limits.waitMs,
      waitQueueTimeoutMS: limits.waitMs,
      socketTimeoutMS: limits.silenceMs,
      maxPoolSize: limits.connections,
    });
  } catch {
    // Without the cause: its message may quote the address, and that may hold a password.
    throw new MongoTroubleError(
      'mongodb-address',
      'the address of MongoDB cannot be used',
      'It must look like mongodb://host:27017 (setting mongo-uri, MONGO_URI).',
    );
  }
  try {
    await client.connect();
    await client.db('admin').command({ ping: 1 });
    return client;
  } catch (error) {
    await client.close();
    // Without what may be secret in the address.
    throw cannot(`be reached at ${client.options.hosts.join(', ')}`, error);
  }
}
