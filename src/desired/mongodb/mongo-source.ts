import type { MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { within } from '../../within.ts';
import type { DesiredState, DesiredStateListener } from '../desired-state.ts';
import type { EventFeed } from '../event-feed.ts';
import { type ServiceState, USABLE, unusable } from '../service-state.ts';
import { ToldTroubles } from '../told-troubles.ts';
import { CollectionSource, type CollectionSourceOptions } from './collection-source.ts';
import { createIndexes } from './indexes.ts';
import { Looks, type LooksOptions } from './looks.ts';
import { cannot, MongoTroubleError } from './mongo-error.ts';

/** Whoever is told to end does not wait longer for a MongoDB that does not answer. */
const CLOSE_MS = 3_000;

export interface MongoSourceOptions extends CollectionSourceOptions, LooksOptions {
  /** Which kinds of bots; each is a collection. */
  readonly kinds: readonly BotKind[];
  /** Whether indexes may be made; false for one who only looks. */
  readonly createIndexes: boolean;
  /** How long a deletion is remembered; longer than events are kept. */
  readonly tombstoneMs: number;
}

/**
 * The desired state in MongoDB (contract 2). It learns of changes from the server's change streams, from the feed's events
 * and, slowly, by reading everything again. When MongoDB is down nothing changes: what was delivered stays desired.
 */
export class MongoSource implements DesiredState {
  readonly #client: MongoClient;
  readonly #feed: EventFeed | null;
  readonly #options: MongoSourceOptions;
  readonly #collections = new Map<BotKind, CollectionSource>();
  readonly #looks: Looks;
  #listener: DesiredStateListener | null = null;

  /** @param feed writes lifecycle events into the same MongoDB; started and closed by this */
  constructor(client: MongoClient, feed: EventFeed | null, options: MongoSourceOptions) {
    this.#client = client;
    this.#feed = feed;
    this.#options = options;
    const all = () => [...this.#collections.values()];
    this.#looks = new Looks(
      async (botIds) => void (await Promise.all(all().map((collection) => collection.look(botIds)))),
      (botId) => all().some((collection) => collection.has(botId)),
      options,
    );
  }

  async start(listener: DesiredStateListener): Promise<void> {
    this.#listener = listener;
    const troubles = new ToldTroubles(
      (error) => this.#listener?.trouble(error),
      (error) => this.#listener?.troubleOver(error),
    );
    await this.#ping();
    for (const kind of this.#options.kinds) {
      if (this.#options.createIndexes) {
        for (const trouble of await createIndexes(this.#client, kind, this.#options.tombstoneMs)) {
          troubles.tell(trouble.message, trouble);
        }
      }
      const told = { changed: this.#changed(kind, troubles), removed: this.#removed(kind, troubles) };
      this.#collections.set(kind, new CollectionSource(kind, this.#client, told, troubles, this.#options));
    }
    // Before anything is read: old events that wait must not be delivered one by one.
    await this.#feed?.start({
      applied: (botId) => this.hint(botId),
      trouble: (error) => this.#listener?.trouble(error),
    });
    try {
      for (const collection of this.#collections.values()) await collection.start();
    } catch (error) {
      throw cannot('be read', error);
    }
    this.#listener?.synced();
  }

  async close(): Promise<void> {
    this.#listener = null;
    await within(this.#closeParts(), CLOSE_MS);
  }

  async #closeParts(): Promise<void> {
    await this.#feed?.close();
    await Promise.all([...this.#collections.values()].map((collection) => collection.close()));
  }

  /** Somebody knows that this bot's document was written: it is read at once. Never waits for it. */
  hint(botId: string): void {
    for (const collection of this.#collections.values()) collection.hint(botId);
  }

  async look(botId: string): Promise<void> {
    await this.#looks.look(botId);
  }

  /** Whether MongoDB could be read when it was asked last. */
  state(): ServiceState {
    if (this.#collections.size === 0) return unusable('MongoDB was not asked yet');
    for (const collection of this.#collections.values()) {
      const state = collection.state();
      if (!state.usable) return state;
    }
    return USABLE;
  }

  async #ping(): Promise<void> {
    try {
      await this.#client.db('admin').command({ ping: 1 });
    } catch (error) {
      throw cannot('be reached', error);
    }
  }

  /** An id that both collections have is the realtime bot's, as it is for queries (contract 8.2). */
  #changed(kind: BotKind, troubles: ToldTroubles): DesiredStateListener['changed'] {
    return (definition) => {
      const [realtime, scheduled] = [this.#collections.get('realtime'), this.#collections.get('scheduled')];
      if (realtime?.has(definition.id) === true && scheduled?.has(definition.id) === true) {
        troubles.tell(`both ${definition.id}`, inBoth(definition.id));
        if (kind === 'scheduled') return;
      }
      this.#listener?.changed(definition);
    };
  }

  #removed(kind: BotKind, troubles: ToldTroubles): DesiredStateListener['removed'] {
    return (botId) => {
      troubles.mended(`both ${botId}`);
      const scheduled = this.#collections.get('scheduled');
      if (kind === 'scheduled') {
        if (this.#collections.get('realtime')?.has(botId) !== true) this.#listener?.removed(botId);
        return;
      }
      this.#listener?.removed(botId);
      if (scheduled?.has(botId) !== true) return;
      scheduled.forget(botId);
      scheduled.hint(botId);
    };
  }
}

function inBoth(id: string): MongoTroubleError {
  return new MongoTroubleError(
    'bot-id-in-both-kinds',
    `the id ${id} is that of a realtime bot and of a scheduled bot; the realtime bot counts`,
    'Give each bot an id of its own.',
  );
}
