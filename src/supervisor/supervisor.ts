import type { BotKind } from '../../actors/bot-spec.ts';
import type { BotStatus } from '../../actors/effect.ts';
import type { CommandMessage } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { absent } from '../engine/container-engine.ts';
import { Asks } from './asks.ts';
import { BotSource } from './bot-source.ts';
import { Effects } from './effects.ts';
import { Endings } from './endings.ts';
import { Fleet } from './fleet.ts';
import { FoundContainers } from './found-containers.ts';
import { noteObservation } from './roster.ts';
import type { SupervisorOptions } from './supervisor-options.ts';

/**
 * Joins desired state, engine and actors; decides nothing about a bot.
 *
 *    desired ──► roster ──► shard (actors) ──► effects ──► executor ──► engine
 *                  ▲           ▲                  └──► journal, routes      │
 *                  └───────────┴──────────── observations ◄─────────────────┘
 *
 * Follow "crash → restart" here, through five files: the engine's `observed` → {@link Supervisor.observed} → the bot's actor
 * (`actors/realtime-bot.ts`) → a `start` effect → {@link Effects.carryOut} → `Executor.execute` → the engine's `start`.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #source: BotSource;
  readonly #fleet: Fleet;
  readonly #effects: Effects;
  readonly #asks: Asks;
  readonly #found = new FoundContainers();
  readonly #endings = new Endings();
  #starting: Promise<void> | null = null;
  #stopping: ReturnType<Supervisor['stopAll']> | null = null;
  #closing: Promise<void> | null = null;
  #engineListed = false;
  #engineTrouble: string | null = null;

  constructor(options: SupervisorOptions) {
    const { clock, engine } = options;
    this.#options = options;
    this.#source = new BotSource(options.desired, (error) => options.onDesiredTrouble?.(error));
    this.#asks = new Asks(clock, options.openQuestions, (botId, askId) => {
      const entry = this.#fleet.get(botId);
      if (entry !== undefined) this.#fleet.tell(entry, { kind: 'question', askId });
    });
    this.#fleet = new Fleet({
      ...options,
      shapeRevisionOf: (definition) => engine.shapeRevisionOf(definition),
      memoryOf: (botId) => options.journal.memoryOf(botId),
      inFlight: (botId) => this.#effects.inFlight(botId),
      effect: (effect) => this.#effects.carryOut(effect),
      replaced: (shardId) => this.#asks.askAgain((botId) => this.#fleet.get(botId)?.shardId === shardId),
    });
    this.#effects = new Effects(options, this.#fleet, {
      observed: (observation) => this.observed(observation),
      answered: (askId, status) => this.#asks.answered(askId, status),
      ended: (botId) => this.#endings.ended(botId),
    });
  }

  /**
   * Engine first, then desired state: when the first bot is desired, it is known what already runs.
   * @throws EngineError when the engine cannot be reached; the desired state's error when it cannot be read. To be closed then.
   */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    await this.#fleet.start(this.#options.shards);
    await this.#options.engine.watch({
      observed: (observation) => this.observed(observation),
      listed: (present) => this.#listed(present),
      lost: (error) => {
        this.#engineTrouble = error.message;
      },
    });
    await this.#source.start({
      changed: (definition) => this.#desired(definition),
      removed: (botId) => this.#undesired(botId, 'deleted'),
      synced: () => this.#synced(),
    });
  }

  /**
   * Leaves every bot as it is and stops governing. What the engine's `close` does to containers is the engine's.
   * @throws the first error of a part that could not be closed; the others are closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { engine, ledger } = this.#options;
    this.#effects.close();
    this.#asks.close();
    const failures: unknown[] = [];
    for (const part of [
      () => this.#source.close(),
      () => this.#fleet.stop(),
      () => engine.close(),
      async () => await ledger?.close(),
    ]) {
      await part().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Stops and removes every bot's container. Called again, it gives the same outcome. Called while the start is under way,
   * it waits for that: until then it is not known what runs.
   * @returns the bots that did not stop within `deadlineMs`
   */
  stopAll(deadlineMs: number): Promise<{ readonly stopped: number; readonly failed: readonly string[] }> {
    this.#stopping ??= this.#stopAll(deadlineMs);
    return this.#stopping;
  }

  async #stopAll(deadlineMs: number): Promise<{ readonly stopped: number; readonly failed: readonly string[] }> {
    // That it failed is told to whoever asked for the start.
    await this.#starting?.catch(() => {});
    await this.#source.close().catch((error: unknown) => this.#source.noteTrouble(error));
    const botIds = [...this.#fleet].map(({ botId }) => botId);
    const ends = this.#endings.await(botIds, deadlineMs, this.#options.clock);
    for (const botId of botIds) this.#undesired(botId, 'shutdown');
    const failed = await ends;
    return { stopped: botIds.length - failed.length, failed };
  }

  // What is desired

  #desired(definition: BotDefinition): void {
    const { id } = definition;
    const entry = this.#fleet.get(id);
    if (entry === undefined) this.#fleet.enrol(id, definition, null, this.#takeFound(id));
    else this.#fleet.desire(entry, definition, null);
  }

  /**
   * Another runtime keeps the bots of this kind on another engine, so what is found of them on this one is ended, each with that
   * reason; they stay known. It must be permitted by then. May be called before `start`.
   * @param sentence who does; null: nobody, and what is desired runs here again
   */
  keepElsewhere(kind: BotKind, sentence: string | null): void {
    this.#fleet.keepElsewhere(kind, sentence);
  }

  #undesired(botId: string, cause: 'deleted' | 'shutdown'): void {
    const entry = this.#fleet.get(botId);
    if (entry !== undefined) this.#fleet.desire(entry, null, cause);
  }

  /** Whatever runs and is not desired by now gets an actor that ends it after a grace. */
  #synced(): void {
    for (const observation of this.#found.takeAll()) this.#enrolUnknown(observation);
    this.#options.journal.forgetAllBut((botId) => this.knows(botId));
  }

  // What is observed

  /** The engine saw something of a bot. */
  observed(observation: Observation): void {
    const { botId } = observation;
    this.#effects.noteRun(observation);
    const entry = this.#fleet.get(botId);
    if (entry !== undefined) {
      noteObservation(entry, observation, this.#options.clock.now());
      this.#fleet.tell(entry, { kind: 'observed', observation }, 'observation');
    } else if (this.#source.isSynced) {
      this.#enrolUnknown(observation);
    } else {
      this.#found.note(observation);
    }
  }

  #listed(present: ReadonlySet<string>): void {
    this.#engineListed = true;
    this.#engineTrouble = null;
    const now = this.#options.clock.now();
    for (const entry of this.#fleet) {
      // What is being started may be too young for the list; its own answer is on the way.
      if (!present.has(entry.botId) && this.#effects.inFlight(entry.botId) === undefined) {
        this.observed(absent(entry.botId, now));
      }
    }
    this.engineIsBack();
  }

  /** Whoever waits for the engine tries again now. */
  engineIsBack(): void {
    for (const entry of this.#fleet) this.#fleet.tell(entry, { kind: 'dependency', name: 'engine', available: true });
  }

  #takeFound(botId: string): Observation | null {
    const found = this.#found.take(botId);
    if (found !== undefined) return found;
    return this.#engineListed ? absent(botId, this.#options.clock.now()) : null;
  }

  #enrolUnknown(observation: Observation): void {
    if (observation.container !== null) this.#fleet.enrol(observation.botId, null, 'unknown', observation);
  }

  // What outsiders may see and do

  get size(): number {
    return this.#fleet.size;
  }

  /** Whether the engine may have a container of a bot, as far as is known, or be about to make one. */
  get mayHaveContainers(): boolean {
    if (!this.#engineListed || this.#found.size > 0) return true;
    return [...this.#fleet].some(({ botId, observation }) => {
      return (observation?.container ?? null) !== null || this.#effects.startingRevision(botId) !== null;
    });
  }

  /** Resolves when all bots are known that there were at the start: who is not known then is none. */
  get allKnown(): Promise<void> {
    return this.#source.allKnown;
  }

  /** All bots are being stopped, so none is desired any more. */
  get isStoppingAll(): boolean {
    return this.#stopping !== null;
  }

  definitionOf(botId: string): BotDefinition | null {
    return this.#fleet.get(botId)?.definition ?? null;
  }

  /** What the bot's container was made from, and what it is being started with: nothing of these may be taken away. */
  revisionsInUse(botId: string): ReadonlySet<string> {
    const revisions = new Set<string>();
    const observed = this.#fleet.get(botId)?.observation?.container?.specRevision;
    if (observed !== undefined) revisions.add(observed);
    const starting = this.#effects.startingRevision(botId);
    if (starting !== null) revisions.add(starting);
    return revisions;
  }

  knows(botId: string): boolean {
    return this.#fleet.get(botId) !== undefined;
  }

  /** Status of all bots, sorted by id; of a bot whose actor cannot be asked just now, the last that is known. */
  async list(): Promise<BotStatus[]> {
    return (await this.#fleet.list()).map((status) => this.#effects.withQueue(status));
  }

  /** @returns null when the bot is not known, or its actor does not answer in time */
  async ask(botId: string, deadlineMs: number): Promise<BotStatus | null> {
    const status = this.knows(botId) ? await this.#asks.ask(botId, deadlineMs) : null;
    return status && this.#effects.withQueue(status);
  }

  /** @returns false when the bot is not known */
  command(botId: string, verb: CommandMessage['verb']): boolean {
    const entry = this.#fleet.get(botId);
    if (entry === undefined) return false;
    // An actor that gave up may have missed what is desired.
    if (verb === 'reset') this.#fleet.tellDesire(entry);
    this.#fleet.tell(entry, { kind: 'command', verb });
    return true;
  }

  get troubles(): string[] {
    const { journal } = this.#options;
    return [this.#engineTrouble, ...this.#source.troubles, ...this.#fleet.troubles, journal.trouble].filter(
      (sentence) => sentence !== null,
    );
  }

  /** Those of them that the source of the bots has, the latest last. */
  get desiredTroubles(): ReadonlySet<string> {
    return this.#source.troubles;
  }

  /** What lies where bots come from and is none, by name; in sentences. */
  get ignored(): ReadonlyMap<string, string> {
    return this.#source.ignored;
  }

  /** For fault tests: ends a shard as a crash would. */
  killShard(shardId: string): void {
    this.#fleet.killShard(shardId);
  }
}
