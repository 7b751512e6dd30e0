import { type Collection, type Document, Long, type MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';

/**
 * Words of this folder: each kind of bot has a *collection* in a database of its own (contract 2.1); a bot is one
 * *document* there. Beside them lie collections of ours, whose names begin with `the0_`.
 */
const PLACES: Readonly<Record<BotKind, readonly [database: string, collection: string]>> = {
  realtime: ['bot_runner', 'bots'],
  scheduled: ['bot_scheduler', 'bot_schedules'],
};

export function databaseOf(client: MongoClient, kind: BotKind) {
  return client.db(PLACES[kind][0]);
}

export function botsOf(client: MongoClient, kind: BotKind): Collection<Document> {
  return databaseOf(client, kind).collection(PLACES[kind][1]);
}

/** `bot_runner.bots`, as people know it. */
export function collectionName(kind: BotKind): string {
  return PLACES[kind].join('.');
}

/** Documents of one bot. An id may also stand in `_id`, as a text (contract 2.6). */
export function withBotId(botId: string): Document {
  return { $or: [{ id: botId }, { _id: botId }] };
}

/** What stands in a document in the place of the bot's id. */
export function botIdIn(document: Document): unknown {
  return document['id'] ?? (typeof document['_id'] === 'string' ? document['_id'] : undefined);
}

/** A whole number as MongoDB's 64 bit integer. */
export function int64(value: number): Long {
  return Long.fromNumber(value);
}
