import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotEffect, BotStatus, RecordEffect } from '../../actors/effect.ts';
import type { BotMessage, CommandMessage } from '../../actors/message.ts';
import { mergeObservations, type Observation } from '../../actors/observation.ts';
import type { Route } from '../../actors/route.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { DesiredState } from '../desired/desired-state.ts';
import { absent, type ContainerEngine } from '../engine/container-engine.ts';
import type { Lane } from '../kernel/behavior.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ShardEffect } from '../kernel/shard.ts';
import { Asks } from './asks.ts';
import { Executor } from './executor.ts';
import type { Journal } from './journal.ts';
import { Roster, type RosterEntry } from './roster.ts';
import { type MakeShard, ShardPool } from './shard-pool.ts';
import { StartGate } from './start-gate.ts';

/**
 * Joins desired state, engine and actors; decides nothing about a bot.
 *
 *    desired ──► roster ──► shard (actors) ──► effects ──► executor ──► engine
 *                  ▲           ▲                  └──► journal, routes      │
 *                  └───────────┴──────────── observations ◄─────────────────┘
 *
 * Follow "crash → restart" here: the engine's `observed` → {@link Supervisor.observed} → the bot's actor
 * (`actors/realtime-bot.ts`) → a `start` effect → {@link Executor.execute} → the engine's `start`.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #roster = new Roster();
  readonly #pool: ShardPool;
  readonly #executor: Executor;
  readonly #asks: Asks;
  /** What the engine's first list found, until the desired state says whose it is. */
  readonly #found = new Map<string, Observation>();
  readonly #ended = new Map<string, () => void>();
  #engineListed = false;
  #desiredSynced = false;
  #engineTrouble: string | null = null;
  #desiredTrouble: string | null = null;
  #shardTrouble: string | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#asks = new Asks(options.clock, options.openQuestions);
    this.#executor = new Executor({
      engine: options.engine,
      gate: new StartGate(options.floodStarts, options.liveStarts),
      definitionOf: (botId) => this.#roster.get(botId)?.definition ?? null,
      answer: (botId, message) => this.#answered(botId, message),
    });
    this.#pool = new ShardPool({
      make: options.makeShard,
      clock: options.clock,
      replacePauseMs: options.shardReplacePauseMs,
      listener: {
        effects: (batch) => this.#effects(batch),
        replaced: (shardId, cause) => this.#shardReplaced(shardId, cause),
        trouble: (sentence) => {
          this.#shardTrouble = sentence;
        },
      },
    });
  }

  /**
   * Engine first, then desired state: when the first bot is desired, it is known what already runs.
   * @throws EngineError when the engine cannot be reached; the desired state's error when it cannot be read
   */
  async start(): Promise<void> {
    await this.#pool.start(Array.from({ length: this.#options.shards }, (_, index) => `shard-${index}`));
    await this.#options.engine.watch({
      observed: (observation) => this.observed(observation),
      listed: (present) => this.#listed(present),
      lost: (error) => {
        this.#engineTrouble = error.message;
      },
    });
    await this.#options.desired.start({
      changed: (definition) => this.#desired(definition),
      removed: (botId) => this.#undesired(botId, 'deleted'),
      synced: () => this.#synced(),
      trouble: (error) => {
        this.#desiredTrouble = error.message;
      },
    });
  }

  /** Leaves every bot as it is and stops governing. What the engine's `close` does to containers is the engine's. */
  async close(): Promise<void> {
    await this.#options.desired.close();
    await this.#pool.stop();
    await this.#options.engine.close();
  }

  /**
   * Stops and removes every bot's container.
   * @returns the bots that did not stop within `deadlineMs`
   */
  async stopAll(deadlineMs: number): Promise<{ readonly stopped: number; readonly failed: readonly string[] }> {
    await this.#options.desired.close();
    const all = [...this.#roster];
    const ends = all.map((entry) => new Promise<void>((resolve) => this.#ended.set(entry.botId, resolve)));
    for (const entry of all) this.#undesired(entry.botId, 'shutdown');
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#options.clock.schedule(deadlineMs, resolve);
    });
    await Promise.race([Promise.all(ends), deadline]);
    cancel();
    const failed = [...this.#ended.keys()];
    return { stopped: all.length - failed.length, failed };
  }

  // What is desired

  #desired(definition: BotDefinition): void {
    this.#desiredTrouble = null;
    const { id } = definition;
    const entry = this.#roster.get(id);
    if (entry !== undefined) {
      entry.definition = definition;
      entry.removal = null;
      this.#tell(entry, { kind: 'desired', spec: this.#specOf(definition) }, 'user', true);
      return;
    }
    this.#enrol({ botId: id, definition, removal: null, observation: this.#takeFound(id), shardId: this.#pool.place(id) });
  }

  #undesired(botId: string, cause: 'deleted' | 'shutdown'): void {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    entry.definition = null;
    entry.removal = cause;
    this.#tell(entry, { kind: 'removed', cause, botId });
  }

  /** Whatever runs and is not desired by now gets an actor that ends it after a grace. */
  #synced(): void {
    this.#desiredSynced = true;
    for (const [botId, observation] of this.#found) this.#enrolUnknown(botId, observation);
    this.#found.clear();
  }

  // What is observed

  /** The engine saw something of a bot. */
  observed(observation: Observation): void {
    const { botId } = observation;
    const entry = this.#roster.get(botId);
    if (entry !== undefined) {
      entry.observation = observation;
      this.#tell(entry, { kind: 'observed', observation }, 'observation');
    } else if (this.#desiredSynced) {
      if (observation.container !== null) this.#enrolUnknown(botId, observation);
    } else {
      const older = this.#found.get(botId);
      this.#found.set(botId, older === undefined ? observation : mergeObservations(older, observation));
    }
  }

  #listed(present: ReadonlySet<string>): void {
    this.#engineListed = true;
    this.#engineTrouble = null;
    const now = this.#options.clock.now();
    for (const entry of this.#roster) {
      // What is being started may be too young for the list; its own answer is on the way.
      if (!present.has(entry.botId) && this.#executor.inFlight(entry.botId) === undefined) {
        this.observed(absent(entry.botId, now));
      }
      this.#tell(entry, { kind: 'dependency', name: 'engine', available: true });
    }
  }

  #takeFound(botId: string): Observation | null {
    const found = this.#found.get(botId);
    this.#found.delete(botId);
    if (found !== undefined) return found;
    return this.#engineListed ? absent(botId, this.#options.clock.now()) : null;
  }

  #enrolUnknown(botId: string, observation: Observation): void {
    this.#enrol({ botId, definition: null, removal: 'unknown', observation, shardId: this.#pool.place(botId) });
  }

  // Actors

  #enrol(entry: RosterEntry): void {
    this.#roster.add(entry);
    this.#introduce(entry);
  }

  /** Gives a new actor all there is to know: for a new bot, and after its shard was replaced. */
  #introduce(entry: RosterEntry): void {
    const { botId, definition, removal, observation } = entry;
    const memory = this.#options.journal.memoryOf(botId);
    const inFlight = this.#executor.inFlight(botId);
    const message: BotMessage =
      definition === null
        ? { kind: 'removed', cause: removal ?? 'deleted', botId }
        : { kind: 'desired', spec: this.#specOf(definition), ...(memory === undefined ? {} : { memory }) };
    this.#tell(entry, inFlight === undefined ? message : { ...message, inFlight }, 'user', true);
    if (observation !== null) this.#tell(entry, { kind: 'observed', observation }, 'observation');
  }

  #shardReplaced(shardId: string, cause: Error): void {
    this.#shardTrouble = null;
    this.#options.onShardReplaced?.(shardId, cause);
    for (const entry of this.#roster.onShard(shardId)) this.#introduce(entry);
  }

  #tell(entry: RosterEntry, message: BotMessage, lane: Lane = 'user', spawn = false): void {
    this.#pool.post(entry.shardId, { to: entry.botId, lane, message, spawn });
  }

  #answered(botId: string, message: BotMessage): void {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    if (message.kind === 'effect-done') entry.observation = message.observation;
    this.#tell(entry, message, 'system');
  }

  #effects(batch: readonly ShardEffect<BotEffect>[]): void {
    for (const { effect } of batch) this.#effect(effect);
  }

  #effect(effect: BotEffect): void {
    switch (effect.kind) {
      case 'start':
      case 'stop':
      case 'remove':
      case 'inspect':
        this.#executor.execute(effect);
        break;
      case 'route':
        this.#options.setRoute(effect.botId, effect.route);
        break;
      case 'record':
        this.#options.journal.append(effect);
        this.#options.onTransition(effect);
        break;
      case 'answer':
        this.#asks.answered(effect.askId, effect.status);
        break;
      case 'ended':
        this.#actorEnded(effect.botId);
        break;
      case 'timer':
      case 'cancel-timer':
        break; // The kernel keeps these; they do not leave the shard.
    }
  }

  #actorEnded(botId: string): void {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    if (entry.definition !== null) {
      // Desired again while the old actor was ending.
      this.#introduce(entry);
      return;
    }
    this.#roster.delete(botId);
    if (entry.removal === 'deleted') this.#options.journal.forget(botId);
    this.#ended.get(botId)?.();
    this.#ended.delete(botId);
  }

  #specOf(definition: BotDefinition): BotSpec {
    const { id, kind, enabled, runtime, entrypoint, queryEntrypoint, specRevision, problem } = definition;
    const { shapeRevision } = this.#options.engine;
    return { id, kind, enabled, runtime, entrypoint, queryEntrypoint, specRevision, shapeRevision, problem };
  }

  // What outsiders may see and do

  get size(): number {
    return this.#roster.size;
  }

  definitionOf(botId: string): BotDefinition | null {
    return this.#roster.get(botId)?.definition ?? null;
  }

  knows(botId: string): boolean {
    return this.#roster.get(botId) !== undefined;
  }

  /** Status of all bots, sorted by id. Bots on a shard that is being replaced are missing for that moment. */
  async list(): Promise<BotStatus[]> {
    const snapshots = await Promise.allSettled(this.#pool.all.map((shard) => shard.snapshot(null)));
    return snapshots
      .flatMap((result) => (result.status === 'fulfilled' ? (result.value as BotStatus[]) : []))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @returns null when the bot is not known, or its actor does not answer in time */
  async ask(botId: string, deadlineMs: number): Promise<BotStatus | null> {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return null;
    return await this.#asks.ask((askId) => this.#tell(entry, { kind: 'question', askId }), deadlineMs);
  }

  /** @returns false when the bot is not known */
  command(botId: string, verb: CommandMessage['verb']): boolean {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return false;
    this.#tell(entry, { kind: 'command', verb });
    return true;
  }

  get troubles(): string[] {
    return [this.#engineTrouble, this.#desiredTrouble, this.#shardTrouble, this.#options.journal.trouble].filter(
      (sentence) => sentence !== null,
    );
  }

  /** For fault tests: ends a shard as a crash would. */
  killShard(shardId: string): void {
    this.#pool.get(shardId)?.kill();
  }
}

export interface SupervisorOptions {
  readonly engine: ContainerEngine;
  readonly desired: DesiredState;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly makeShard: MakeShard;
  /** How many shards; at least 1. */
  readonly shards: number;
  readonly shardReplacePauseMs: { readonly first: number; readonly cap: number };
  /** Starts at a time during a flood of first starts, and how many live ones may run besides. */
  readonly floodStarts: number;
  readonly liveStarts: number;
  /** Questions to actors waiting for an answer at a time. */
  readonly openQuestions: number;
  setRoute(botId: string, route: Route | null): void;
  /** Every transition of every bot, in order per bot. */
  onTransition(record: RecordEffect): void;
  onShardReplaced?(shardId: string, cause: Error): void;
}
