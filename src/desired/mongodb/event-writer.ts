import { type Document, Int32, type MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';
import {
  type EventOutcome,
  EventRefused,
  type EventStore,
  type NotedPlace,
  type ReachedPlace,
} from '../event-store.ts';
import { type BotContent, comparePlaces, type LifecycleEvent, type StreamPlace } from '../lifecycle-event.ts';
import { botsOf, databaseOf, int64, withBotId } from './collections.ts';
import { TOMBSTONES } from './indexes.ts';
import { cannot, isDuplicate, isRefusedForEver, meaningOf } from './mongo-error.ts';
import { NEVER_DUE, type NextRun } from './next-run.ts';
import { claimPartition, releasePartition } from './partitions.ts';
import { earlierThan, isEarlier, isWholeNumber, notedIn, placeIn, stored, storedStream } from './stored-places.ts';

/** Somebody else may write the same document in between; more often than this is no coincidence. */
const TRIES = 5;
const FEEDS = 'the0_feeds';

interface Keyed extends Document {
  readonly _id: string;
}

/**
 * Writes lifecycle events as the Go runtime does (contract 2.5). Each document carries the place of the last event that
 * was written into it (`the0.epoch`, `the0.seq`), each deletion leaves a *tombstone* with its place: an event that is not
 * later changes nothing, so a creation that comes late does not bring a deleted bot back.
 */
export class EventWriter implements EventStore {
  readonly #client: MongoClient;
  readonly #nextRun: NextRun;
  readonly #now: () => number;

  /** @param now ms since 1970 */
  constructor(client: MongoClient, nextRun: NextRun, now: () => number = Date.now) {
    this.#client = client;
    this.#nextRun = nextRun;
    this.#now = now;
  }

  async apply(event: LifecycleEvent): Promise<EventOutcome> {
    try {
      const due = event.change === 'deleted' ? null : this.#dueOf(event.kind, event.content);
      for (let tries = 0; tries < TRIES; tries += 1) {
        const outcome =
          event.change === 'deleted'
            ? await this.#delete(event)
            : await this.#write(event, event.change, event.content, due);
        if (outcome !== null) return outcome;
      }
      // Of this one document only: the events of other bots must not wait for it.
      throw new EventRefused(
        'the document of the bot is changed by somebody else all the time, or its field `the0` holds what cannot be compared',
      );
    } catch (error) {
      if (error instanceof EventRefused) throw error;
      if (!isRefusedForEver(error)) throw cannot('store a lifecycle event', error);
      throw new EventRefused(`MongoDB does not take its content (${meaningOf(error)})`);
    }
  }

  async appliedUpTo(kind: BotKind): Promise<NotedPlace | null> {
    const found = await databaseOf(this.#client, kind).collection<Keyed>(FEEDS).findOne({ _id: 'lifecycle' });
    return notedIn(found);
  }

  async saveAppliedUpTo(kind: BotKind, place: ReachedPlace): Promise<void> {
    await this.#putIfLater(kind, FEEDS, 'lifecycle', place, { at: this.#nowDate(), stream: storedStream(place) });
  }

  /** @returns null when somebody else was faster, and it must be looked at again */
  async #write(
    { kind, botId, place }: LifecycleEvent,
    change: 'created' | 'updated',
    { config, custom }: BotContent,
    due: Due | null,
  ): Promise<EventOutcome | null> {
    const bots = botsOf(this.#client, kind);
    const projection = { segment_id: 1, next_execution_time: 1, 'config.schedule': 1, the0: 1 };
    // At the same time: a deletion in between is noticed below, by the condition of the update or the second look.
    const [deletedAt, found] = await Promise.all([
      place === null ? null : this.#deletedAfter(kind, botId, place),
      // The first of duplicates, as everywhere.
      bots.findOne(withBotId(botId), { projection, sort: { _id: 1 } }),
    ]);
    if (deletedAt !== null) return 'outdated';
    if (found === null) {
      if (!(await this.#create(kind, botId, { config, custom }, place, due))) return null;
      return await this.#unlessDeleted(kind, botId, place);
    }
    if (place !== null && !isEarlier(found, place)) return 'outdated';
    const update: Document = place === null ? {} : { the0: stored(place) };
    if (change === 'updated') {
      update['config'] = config;
      update['custom'] = custom;
      if (due !== null && (due.schedule !== scheduleIn(found) || !isWholeNumber(found['next_execution_time']))) {
        update['next_execution_time'] = int64(due.at);
      }
    }
    if (Object.keys(update).length === 0) return 'unchanged';
    const { matchedCount } = await bots.updateOne({ _id: found['_id'], ...earlierThan(place) }, { $set: update });
    if (matchedCount === 0) return null;
    return change === 'updated' ? 'applied' : 'unchanged';
  }

  async #create(
    kind: BotKind,
    botId: string,
    content: BotContent,
    place: StreamPlace | null,
    due: Due | null,
  ): Promise<boolean> {
    const database = databaseOf(this.#client, kind);
    const segment = await claimPartition(database);
    const document = {
      id: botId,
      ...(due === null ? {} : { next_execution_time: int64(due.at) }),
      segment_id: new Int32(segment),
      config: content.config,
      custom: content.custom,
      ...(place === null ? {} : { the0: stored(place) }),
    };
    let isNew = false;
    try {
      const options = { upsert: true };
      const { upsertedCount } = await botsOf(this.#client, kind).updateOne(
        { id: botId },
        { $setOnInsert: document },
        options,
      );
      isNew = upsertedCount > 0;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    } finally {
      if (!isNew) await releasePartition(database, segment);
    }
    return isNew;
  }

  /** @returns null when some of it was not earlier any more, and it must be looked at again */
  async #delete({ kind, botId, place }: LifecycleEvent): Promise<EventOutcome | null> {
    const bots = botsOf(this.#client, kind);
    if (place !== null) await this.#putIfLater(kind, TOMBSTONES, botId, place, { deletedAt: this.#nowDate() });
    const documents = await bots
      .find(withBotId(botId), { projection: { segment_id: 1, the0: 1 } })
      .limit(100)
      .toArray();
    if (documents.length === 0) return 'unchanged';
    const old = documents.filter((document) => place === null || isEarlier(document, place));
    if (old.length === 0) return 'outdated';
    let isLeft = false;
    for (const { _id, segment_id } of old) {
      const { deletedCount } = await bots.deleteOne({ _id, ...earlierThan(place) });
      if (deletedCount > 0) await releasePartition(databaseOf(this.#client, kind), segment_id);
      else isLeft = true;
    }
    return isLeft ? null : 'applied';
  }

  async #putIfLater(kind: BotKind, collection: string, key: string, place: StreamPlace, more: Document): Promise<void> {
    const documents = databaseOf(this.#client, kind).collection<Keyed>(collection);
    const change = { $set: { ...stored(place), ...more } };
    try {
      const earlier: Document = { _id: key, ...earlierThan(place, '') };
      await documents.updateOne(earlier, change, { upsert: true });
    } catch (error) {
      // There is a later one already.
      if (!isDuplicate(error)) throw error;
    }
  }

  #nowDate(): Date {
    return new Date(this.#now());
  }

  /** A deletion leaves its tombstone first: one that did not find the document just made is seen now, and done again. */
  async #unlessDeleted(kind: BotKind, botId: string, place: StreamPlace | null): Promise<EventOutcome> {
    const deletedAt = place === null ? null : await this.#deletedAfter(kind, botId, place);
    if (deletedAt === null) return 'applied';
    await this.#delete({ change: 'deleted', kind, botId, place: deletedAt });
    return 'outdated';
  }

  /** Where a deletion stands that is not earlier than this place; null: there is none. */
  async #deletedAfter(kind: BotKind, botId: string, place: StreamPlace): Promise<StreamPlace | null> {
    const stone = await databaseOf(this.#client, kind).collection<Keyed>(TOMBSTONES).findOne({ _id: botId });
    const deleted = placeIn(stone);
    return deleted !== null && comparePlaces(deleted, place) >= 0 ? deleted : null;
  }

  /** @throws EventRefused */
  #dueOf(kind: BotKind, { config }: BotContent): Due | null {
    if (kind === 'realtime') return null;
    const schedule = config?.['schedule'];
    if (typeof schedule !== 'string' || schedule === '') {
      throw new EventRefused('config.schedule is missing or not a text, so it can never be due');
    }
    const run = this.#nextRun(schedule, Math.floor(this.#now() / 1000));
    if ('problem' in run) throw new EventRefused(`config.schedule cannot be used: ${run.problem}`);
    return { schedule, at: run.next ?? NEVER_DUE };
  }
}

interface Due {
  readonly schedule: string;
  /** Unix seconds. */
  readonly at: number;
}

function scheduleIn(document: Document): unknown {
  const config: unknown = document['config'];
  return typeof config === 'object' && config !== null && 'schedule' in config ? config.schedule : undefined;
}
