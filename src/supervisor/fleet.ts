import type { BotKind } from '../../actors/bot-spec.ts';
import type { BotEffect, BotStatus } from '../../actors/effect.ts';
import type { BotMemory, BotMessage, InFlightEffect } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { Envelope, Lane } from '../kernel/behavior.ts';
import type { Clock } from '../kernel/clock.ts';
import { desireMessage, introduction, type ShapeRevisionOf, type SpecAdditions } from './bot-messages.ts';
import { lastKnownStatus } from './last-known-status.ts';
import { Roster, type RosterEntry } from './roster.ts';
import { type MakeShard, ShardPool, type ShardReplacement } from './shard-pool.ts';

/**
 * All bots with the way to their actors: sees to it that each bot of the roster has one, wherever shards and actors die.
 *
 *    enrol ──► introduce ──► shard: actor ──► effects
 *                 ▲                  │
 *                 └── shard replaced, actor lost, desired again while ending
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #roster = new Roster();
  readonly #pool: ShardPool;
  readonly #keptElsewhere = new Map<BotKind, string>();
  /** Bots whose actors are made anew soon. */
  readonly #lost = new Set<string>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#pool = new ShardPool({
      make: options.makeShard,
      clock: options.clock,
      replacement: options.shardReplacement,
      offerAgainMs: options.offerAgainMs,
      listener: {
        effects: (batch) => {
          for (const { effect } of batch) options.effect(effect);
        },
        replaced: (shardId, cause) => this.#shardReplaced(shardId, cause),
        renew: (envelope) => this.#renew(envelope),
        lost: (botId, error) => this.#actorLost(botId, error),
      },
    });
  }

  get size(): number {
    return this.#roster.size;
  }

  get troubles(): string[] {
    return this.#pool.troubles;
  }

  get(botId: string): RosterEntry | undefined {
    return this.#roster.get(botId);
  }

  [Symbol.iterator](): Iterator<RosterEntry> {
    return this.#roster[Symbol.iterator]();
  }

  /** @throws when one of the shards cannot be started; to be stopped then */
  async start(shards: number): Promise<void> {
    await this.#pool.start(Array.from({ length: shards }, (_, index) => `shard-${index}`));
  }

  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  /** A bot becomes known. */
  enrol(
    botId: string,
    definition: BotDefinition | null,
    removal: RosterEntry['removal'],
    observation: Observation | null,
  ): void {
    const shardId = this.#pool.place(botId);
    const entry: RosterEntry = { botId, definition, removal, observation, lastTransition: null, shardId };
    this.#roster.add(entry);
    this.introduce(entry);
  }

  /** What is desired of a known bot changes. */
  desire(entry: RosterEntry, definition: BotDefinition | null, removal: RosterEntry['removal']): void {
    entry.definition = definition;
    entry.removal = removal;
    this.tellDesire(entry);
  }

  /** The bot's actor has ended, and nobody desires the bot. */
  strike(botId: string): void {
    this.#roster.delete(botId);
  }

  /**
   * Makes an actor and gives it all there is to know: for a new bot, and when the actor before was lost. Nothing else makes
   * one, so that there is none of which the roster does not know.
   */
  introduce(entry: RosterEntry): void {
    const { botId, observation, shardId } = entry;
    const { memoryOf, inFlight } = this.#options;
    const message = introduction(entry, this.#additions, memoryOf(botId), inFlight(botId));
    this.#pool.post(shardId, { to: botId, lane: 'user', message, spawn: true });
    if (observation !== null) this.tell(entry, { kind: 'observed', observation }, 'observation');
  }

  tell(entry: RosterEntry, message: BotMessage, lane: Lane = 'user'): void {
    this.#pool.post(entry.shardId, { to: entry.botId, lane, message });
  }

  tellDesire(entry: RosterEntry): void {
    this.tell(entry, desireMessage(entry, this.#additions));
  }

  /** Who keeps the bots of this kind on another engine, in a sentence, so that nothing of them may run on this one; null: nobody does. */
  keepElsewhere(kind: BotKind, sentence: string | null): void {
    if ((this.#keptElsewhere.get(kind) ?? null) === sentence) return;
    if (sentence === null) this.#keptElsewhere.delete(kind);
    else this.#keptElsewhere.set(kind, sentence);
    for (const entry of this.#roster) if (entry.definition?.kind === kind) this.tellDesire(entry);
  }

  get #additions(): SpecAdditions {
    return { shapeRevisionOf: this.#options.shapeRevisionOf, keptElsewhere: this.#keptElsewhere };
  }

  /** Status of all bots, sorted by id; of a bot whose actor cannot be asked just now, the last that is known. */
  async list(): Promise<BotStatus[]> {
    const snapshots = await Promise.allSettled(this.#pool.all.map((shard) => shard.snapshot(null)));
    const live = new Map<string, BotStatus>();
    for (const snapshot of snapshots) {
      if (snapshot.status === 'rejected') continue; // Its shard died or is too busy; what is known stands in.
      for (const status of snapshot.value) if (isStatus(status)) live.set(status.id, status);
    }
    const now = this.#options.clock.now();
    return [...this.#roster]
      .map((entry) => live.get(entry.botId) ?? lastKnownStatus(entry, this.#options.shapeRevisionOf, now))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** For fault tests: ends a shard as a crash would. */
  killShard(shardId: string): void {
    this.#pool.get(shardId)?.kill();
  }

  #shardReplaced(shardId: string, cause: Error): void {
    this.#options.onFault(`Shard ${shardId} died (${cause.message}) and was replaced; no bot was touched.`, 'shard');
    for (const entry of this.#roster.onShard(shardId)) this.introduce(entry);
    this.#options.replaced(shardId);
  }

  #actorLost(botId: string, error: Error | undefined): void {
    if (this.#lost.has(botId) || this.get(botId) === undefined) return;
    this.#lost.add(botId);
    const why = error === undefined ? '' : ` (${error.message})`;
    const sentence = `The actor of bot ${botId} failed${why} and is made anew; the bot itself was not touched.`;
    this.#options.onFault(sentence, 'actor');
    this.#options.clock.schedule(this.#options.lostActorPauseMs, () => {
      this.#lost.delete(botId);
      const entry = this.get(botId);
      if (entry !== undefined) this.introduce(entry);
    });
  }

  /** What is desired may have changed since the message was sent. */
  #renew(envelope: Envelope<BotMessage>): Envelope<BotMessage> {
    const { message, to } = envelope;
    const entry = message.kind === 'desired' || message.kind === 'removed' ? this.get(to) : undefined;
    return entry === undefined ? envelope : { ...envelope, message: desireMessage(entry, this.#additions) };
  }
}

export interface FleetOptions {
  readonly clock: Clock;
  readonly makeShard: MakeShard;
  readonly shardReplacement: ShardReplacement;
  /** How soon what a shard had no room for is offered to it again; milliseconds. */
  readonly offerAgainMs: number;
  /** An actor that is lost is made anew after this; one that is lost at once again must not become a loop. */
  readonly lostActorPauseMs: number;
  /** See the engine's port. */
  readonly shapeRevisionOf: ShapeRevisionOf;
  /** What the journal remembers of a bot. */
  memoryOf(botId: string): BotMemory | undefined;
  /** What the engine is doing for a bot. */
  inFlight(botId: string): InFlightEffect | undefined;
  /** An actor asks for something. */
  effect(effect: BotEffect): void;
  /** The bots of this shard have new actors. */
  replaced(shardId: string): void;
  /** A shard or an actor failed and is replaced; in a sentence. */
  onFault(sentence: string, replaced: 'shard' | 'actor'): void;
}

/** What actors give as their snapshot crosses threads as plain data. */
function isStatus(value: unknown): value is BotStatus {
  return typeof value === 'object' && value !== null && 'id' in value && 'state' in value && 'reason' in value;
}
