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
  trouble(sentence: string): void;
}

/**
 * The life of the shards: starts them, replaces one that dies (at once, then with growing pauses), and carries messages to
 * them.
 */
export class ShardPool {
  readonly #make: MakeShard;
  readonly #clock: Clock;
  readonly #listener: ShardPoolListener;
  readonly #replacePauseMs: { readonly first: number; readonly cap: number };
  readonly #shards = new Map<string, BotShard | null>();
  readonly #outboxes = new Map<string, Outbox>();
  readonly #deaths = new Map<string, { count: number; at: number }>();
  #closing = false;

  constructor(options: {
    make: MakeShard;
    clock: Clock;
    listener: ShardPoolListener;
    /** Pause before a second replacement in a row, and the longest pause. */
    replacePauseMs: { readonly first: number; readonly cap: number };
  }) {
    this.#make = options.make;
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#replacePauseMs = options.replacePauseMs;
  }

  /** @throws when one of the first shards cannot be started */
  async start(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#startShard(id)));
  }

  place(botId: string): string {
    return placeBot(botId, [...this.#shards.keys()]);
  }

  post(shardId: string, envelope: Envelope<BotMessage>): void {
    this.#outboxOf(shardId).post(envelope);
  }

  get(shardId: string): BotShard | null {
    return this.#shards.get(shardId) ?? null;
  }

  get all(): BotShard[] {
    return [...this.#shards.values()].filter((shard) => shard !== null);
  }

  async stop(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.all.map((shard) => shard.stop()));
  }

  async #startShard(id: string): Promise<void> {
    const shard = await this.#make(id, {
      effects: (batch) => this.#listener.effects(batch),
      undelivered: (batch) => this.#undelivered(id, batch),
      dead: (error) => this.#replace(id, error),
    });
    this.#shards.set(id, shard);
  }

  #replace(id: string, cause: Error): void {
    if (this.#closing) return;
    this.#shards.set(id, null);
    this.#outboxOf(id).clear();
    const now = this.#clock.now();
    const earlier = this.#deaths.get(id);
    const count = earlier !== undefined && now - earlier.at < 60_000 ? earlier.count + 1 : 0;
    this.#deaths.set(id, { count, at: now });
    const pauseMs =
      count === 0 ? 0 : Math.min(this.#replacePauseMs.first * 2 ** (count - 1), this.#replacePauseMs.cap);
    this.#clock.schedule(pauseMs, () => {
      if (this.#closing) return;
      this.#startShard(id).then(
        () => this.#listener.replaced(id, cause),
        (error: unknown) => {
          this.#listener.trouble(`Shard ${id} cannot be started again: ${String(error)}`);
          this.#replace(id, cause);
        },
      );
    });
  }

  /** A full mailbox takes the message later; a bot that is gone needs it no more. */
  #undelivered(id: string, batch: readonly Undelivered<BotMessage>[]): void {
    for (const { envelope, cause } of batch) {
      if (cause === 'mailbox-full') this.#outboxOf(id).postLater(envelope);
    }
  }

  #outboxOf(id: string): Outbox {
    let outbox = this.#outboxes.get(id);
    if (outbox === undefined) {
      outbox = new Outbox(this.#clock, () => this.#shards.get(id) ?? null);
      this.#outboxes.set(id, outbox);
    }
    return outbox;
  }
}
