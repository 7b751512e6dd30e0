import type { BotEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { Envelope, Undelivered } from '../kernel/behavior.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Shard, ShardEffect, ShardListener } from '../kernel/shard.ts';
import { Outbox } from './outbox.ts';
import { placeBot } from './placement.ts';

export type BotShard = Shard<BotMessage>;
export type MakeShard = (id: string, listener: ShardListener<BotMessage, BotEffect>) => Promise<BotShard>;

export interface ShardPoolListener {
  effects(batch: readonly ShardEffect<BotEffect>[]): void;
  /** A shard lives again under the same id, empty: its bots need new actors. */
  replaced(shardId: string, cause: Error): void;
  /** What is to be said now in place of a message that found a full mailbox; there may be newer to say. */
  renew(envelope: Envelope<BotMessage>): Envelope<BotMessage>;
  /** This actor failed beyond recovery and was forgotten by its shard. */
  lost(botId: string, error: Error | undefined): void;
}

/** How shards that die are replaced; milliseconds. */
export interface ShardReplacement {
  /** Pause before a second replacement in a row, doubling up to `cap`. */
  readonly first: number;
  readonly cap: number;
  /** A shard that lived this long since its last death counts as never having died. */
  readonly forgivenMs: number;
}

/**
 * The life of the shards, and the way to each:
 *
 *    starting ──► alive ── dies ──► replacing: at once, then with growing pauses ──► alive
 *                   └── stop ──► ended
 */
export class ShardPool {
  readonly #make: MakeShard;
  readonly #clock: Clock;
  readonly #listener: ShardPoolListener;
  readonly #replacement: ShardReplacement;
  readonly #offerAgainMs: number;
  readonly #slots = new Map<string, Slot>();
  #closing = false;

  constructor(options: {
    make: MakeShard;
    clock: Clock;
    listener: ShardPoolListener;
    replacement: ShardReplacement;
    /** See `Outbox`. */
    offerAgainMs: number;
  }) {
    this.#make = options.make;
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#replacement = options.replacement;
    this.#offerAgainMs = options.offerAgainMs;
  }

  /** @throws when one of the first shards cannot be started; the others are left for {@link stop} */
  async start(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#slots.set(id, this.#newSlot(id));
    const outcomes = await Promise.allSettled([...this.#slots.values()].map((slot) => this.#startShard(slot)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  place(botId: string): string {
    return placeBot(botId, [...this.#slots.keys()]);
  }

  post(shardId: string, envelope: Envelope<BotMessage>): void {
    this.#slots.get(shardId)?.outbox.post(envelope);
  }

  get(shardId: string): BotShard | null {
    return this.#slots.get(shardId)?.shard ?? null;
  }

  get all(): BotShard[] {
    return [...this.#slots.values()].flatMap(({ shard }) => shard ?? []);
  }

  /** Shards that cannot be started again, in sentences. */
  get troubles(): string[] {
    return [...this.#slots.values()].flatMap(({ trouble }) => trouble ?? []);
  }

  /** Ends all shards, after what they were given is handled; nothing is posted any more. */
  async stop(): Promise<void> {
    this.#closing = true;
    for (const { outbox } of this.#slots.values()) outbox.close();
    await Promise.allSettled(this.all.map((shard) => shard.stop()));
  }

  #newSlot(id: string): Slot {
    const outbox = new Outbox(this.#clock, () => this.get(id), this.#offerAgainMs);
    return { id, outbox, shard: null, trouble: null, deaths: 0, diedAt: 0 };
  }

  async #startShard(slot: Slot): Promise<void> {
    const shard = await this.#make(slot.id, {
      effects: (batch) => this.#listener.effects(batch),
      undelivered: (batch) => this.#undelivered(slot, batch),
      dead: (error) => this.#died(slot, error),
    });
    slot.shard = shard;
    // It came to life too late to be stopped with the others.
    if (this.#closing) await shard.stop();
  }

  #died(slot: Slot, cause: Error): void {
    slot.shard = null;
    const now = this.#clock.now();
    const { first, cap, forgivenMs } = this.#replacement;
    if (now - slot.diedAt >= forgivenMs) slot.deaths = 0;
    slot.diedAt = now;
    const pauseMs = slot.deaths === 0 ? 0 : Math.min(first * 2 ** (slot.deaths - 1), cap);
    slot.deaths += 1;
    this.#clock.schedule(pauseMs, () => void this.#replace(slot, cause));
  }

  async #replace(slot: Slot, cause: Error): Promise<void> {
    if (this.#closing) return;
    try {
      await this.#startShard(slot);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      slot.trouble = `Shard ${slot.id} died and cannot be started again; its bots go on, but nobody governs them: ${why}`;
      this.#died(slot, cause);
      return;
    }
    if (this.#closing) return;
    slot.trouble = null;
    // Introductions go first: a command to an actor that does not exist yet would be lost.
    const commands = slot.outbox.takeCommands();
    this.#listener.replaced(slot.id, cause);
    for (const envelope of commands) slot.outbox.post(envelope);
  }

  #undelivered(slot: Slot, batch: readonly Undelivered<BotMessage>[]): void {
    for (const { envelope, cause, error } of batch) {
      switch (cause) {
        case 'mailbox-full':
          slot.outbox.postLater(this.#listener.renew(envelope));
          break;
        case 'no-such-actor':
          break; // It has ended, and said so before.
        case 'actor-lost':
        case 'unusable':
          this.#listener.lost(envelope.to, error);
          break;
      }
    }
  }
}

interface Slot {
  readonly id: string;
  readonly outbox: Outbox;
  /** Null while it is being started or replaced. */
  shard: BotShard | null;
  /** Why it cannot be started again, in a sentence. */
  trouble: string | null;
  /** Deaths in a row. */
  deaths: number;
  diedAt: number;
}
