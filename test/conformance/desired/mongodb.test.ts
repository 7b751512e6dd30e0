import { after } from 'node:test';
import type { MongoClient } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { MongoSource } from '../../../src/desired/mongodb/mongo-source.ts';
import { botDocument, MONGO_LIMITS, SOURCE_OPTIONS } from '../../desired/mongodb/bot-documents.ts';
import { type MongoServer, needsMongo, startMongo } from '../../services/mongodb.ts';
import { type DesiredHarness, desiredStateConformance } from './suite.ts';

let server: MongoServer | null = null;
const usable = async () => {
  server ??= await startMongo();
  return server;
};

after(async () => {
  await server?.remove();
});

desiredStateConformance('mongodb', needsMongo(), async (): Promise<DesiredHarness> => {
  const { uri } = await usable();
  const writer = await connectMongo(uri, MONGO_LIMITS);
  const reader = await connectMongo(uri, { ...MONGO_LIMITS, waitMs: 3_000 });
  await writer.db('bot_runner').dropDatabase();
  const bots = botsOf(writer, 'realtime');
  const clients: MongoClient[] = [writer, reader];
  const write = (id: string, document: Record<string, unknown>) => bots.replaceOne({ id }, document, { upsert: true });
  return {
    open: () => new MongoSource(reader, null, SOURCE_OPTIONS),
    put: async (id, { config = {}, enabled = true }) => void (await write(id, botDocument(id, config, { enabled }))),
    putBroken: async (id) => void (await write(id, { id, config: {}, custom: 'broken' })),
    remove: async (id) => void (await bots.deleteOne({ id })),
    makeUnreadable: async () => {
      await server?.remove();
      server = null;
    },
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
});
