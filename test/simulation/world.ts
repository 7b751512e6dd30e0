import type { BotBehavior } from '../../actors/behavior.ts';
import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotEffect, BotStatus, EngineEffect, StartEffect } from '../../actors/effect.ts';
import type { BotMemory, BotMessage } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import { describeReason } from '../../actors/reason.ts';
import type { Route } from '../../actors/route.ts';
import type { Lane } from '../../src/kernel/behavior.ts';
import type { Shard } from '../../src/kernel/shard.ts';
import type { VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { desireOf, type Entry } from './entry.ts';
import { EventChannel } from './event-channel.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeExecutor } from './fake-executor.ts';
import { Questions } from './questions.ts';
import type { Random } from './random.ts';
import type { RunLog } from './run-log.ts';
import { simulatedShard } from './simulated-shard.ts';
import { objectionToStart } from './start-check.ts';

/**
 * One runtime with its engine on a virtual clock: the real kernel and the real actors, and around them what the supervisor
 * does, with everything in between late, lost, repeated and out of order as far as the faults say.
 */
export class World {
  readonly engine: FakeEngine;
  readonly log: RunLog;
  /** What is desired, and stays so when the runtime is restarted. */
  readonly desired = new Map<string, BotSpec>();
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #behavior: BotBehavior;
  readonly #events: EventChannel;
  #executor: FakeExecutor;
  #shard: Shard<BotMessage>;
  #epoch = 0;
  #roster = new Map<string, Entry>();
  #routes = new Map<string, Route>();
  #memories = new Map<string, BotMemory>();
  readonly #questions = new Questions();
  /** Engine effects given so far, by bot. */
  readonly asked = new Map<string, number>();

  constructor(options: {
    clock: VirtualClock;
    random: Random;
    behavior: (world: World) => BotBehavior;
    log: RunLog;
    tracksInPlace: boolean;
    stampsOnArrival: boolean;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.log = options.log;
    this.#behavior = options.behavior(this);
    this.#events = new EventChannel({ ...options, deliver: (observation) => this.#observed(observation) });
    this.engine = new FakeEngine({
      clock: this.#clock,
      random: this.#random,
      tracksInPlace: options.tracksInPlace,
      onEvent: (observation) => this.#events.send(observation),
      onViolation: (text) => this.log.violated(text),
    });
    this.#executor = this.#makeExecutor();
    this.#shard = this.#makeShard();
  }

  get eventFaults() {
    return this.#events.faults;
  }

  get executorFaults() {
    return this.#executor.faults;
  }

  get routes(): ReadonlyMap<string, Route> {
    return this.#routes;
  }

  knows(botId: string): boolean {
    return this.#roster.has(botId);
  }

  // What people and the desired state do

  desire(spec: BotSpec): void {
    this.log.note(
      `desire ${spec.id} ${spec.specRevision} enabled=${spec.enabled} problem=${spec.problem?.code ?? '-'}`,
    );
    this.desired.set(spec.id, spec);
    const entry = this.#roster.get(spec.id);
    if (entry === undefined) {
      this.#enrol(spec.id, spec, this.engine.reachable ? this.engine.observe(spec.id) : null);
      return;
    }
    entry.spec = spec;
    entry.desiredAt = this.#clock.now();
    this.#tell(spec.id, { kind: 'desired', spec }, 'user', true);
  }

  delete(botId: string): void {
    this.log.note(`delete ${botId}`);
    this.desired.delete(botId);
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    entry.spec = null;
    entry.removal = 'deleted';
    entry.desiredAt = this.#clock.now();
    this.#tell(botId, { kind: 'removed', cause: 'deleted', botId });
  }

  command(botId: string, verb: 'restart' | 'reset'): void {
    this.log.note(`${verb} ${botId}`);
    if (verb === 'reset') this.#tellDesired(botId);
    this.#tell(botId, { kind: 'command', verb });
  }

  /** The engine is listed in full, as after a reconnect and every few minutes. */
  list(): void {
    if (!this.engine.reachable) return;
    const found = this.engine.list();
    const present = new Set(found.map((observation) => observation.botId));
    for (const observation of found) this.#observed(observation);
    for (const botId of this.#roster.keys()) {
      if (!present.has(botId) && this.#executor.inFlight(botId) === undefined) {
        this.#observed({ botId, container: null, lastExit: null, at: this.#clock.now() });
      }
      this.#tell(botId, { kind: 'dependency', name: 'engine', available: true });
    }
  }

  /** A shard thread dies: its actors are made anew from what the supervisor knows. */
  killShard(): void {
    this.log.note('shard dies');
    this.#shard.kill();
    this.#shard = this.#makeShard();
    for (const [botId, entry] of this.#roster) {
      // What an actor had been told may have died with it.
      this.engine.forgetWhatWasTold(botId);
      this.#introduce(botId, entry);
    }
  }

  /** The runtime is killed and started again; of the journal's last lines some may be missing. */
  restartRuntime(journal: ReadonlyMap<string, BotMemory>): void {
    this.log.note('runtime restarts');
    this.#shard.kill();
    this.#executor.close();
    this.#epoch += 1;
    this.#events.reconnect();
    this.#memories = new Map(journal);
    this.#routes.clear();
    this.#roster = new Map();
    this.engine.forgetWhatWasTold();
    const faults = this.#executor.faults;
    this.#executor = this.#makeExecutor();
    Object.assign(this.#executor.faults, faults);
    this.#shard = this.#makeShard();
    const reachable = this.engine.reachable;
    for (const [botId, spec] of this.desired) this.#enrol(botId, spec, reachable ? this.engine.observe(botId) : null);
    if (!reachable) return;
    for (const observation of this.engine.list()) {
      if (!this.#roster.has(observation.botId)) this.#enrol(observation.botId, null, observation);
    }
  }

  journal(): Map<string, BotMemory> {
    return new Map(this.#memories);
  }

  /** Asks every actor how it is; the answers are there once what is due now has run. */
  statuses(): Map<string, BotStatus> {
    const statuses = this.#questions.ask(this.#roster.keys(), (botId, message) => this.#tell(botId, message));
    this.#clock.advance(0);
    return statuses;
  }

  // The supervisor

  #makeShard(): Shard<BotMessage> {
    return simulatedShard({
      clock: this.#clock,
      behavior: this.#behavior,
      messagesPerActorTurn: this.#random.between(1, 8),
      onEffect: (effect) => this.#effect(effect),
      onViolation: (text) => this.log.violated(text),
    });
  }

  #makeExecutor(): FakeExecutor {
    const epoch = this.#epoch;
    return new FakeExecutor({
      clock: this.#clock,
      random: this.#random,
      engine: this.engine,
      definitionOf: (botId) => this.#roster.get(botId)?.spec ?? null,
      answer: (botId, message) => {
        if (epoch === this.#epoch) this.#answered(botId, message);
      },
    });
  }

  #enrol(botId: string, spec: BotSpec | null, observation: Observation | null): void {
    const removal = spec === null ? 'unknown' : 'deleted';
    const entry: Entry = { spec, removal, observation, desiredAt: this.#clock.now() };
    this.#roster.set(botId, entry);
    this.#introduce(botId, entry);
  }

  #introduce(botId: string, entry: Entry): void {
    const memory = this.#memories.get(botId);
    const inFlight = this.#executor.inFlight(botId);
    this.#tell(botId, desireOf(botId, entry, { memory, inFlight }), 'user', true);
    const { observation } = entry;
    if (observation !== null) this.#tell(botId, { kind: 'observed', observation }, 'observation');
  }

  #tell(to: string, message: BotMessage, lane: Lane = 'user', spawn = false): void {
    if (message.kind !== 'question') this.log.note(`  → ${to} ${textOf(message)}`);
    this.#shard.post({ to, lane, message, spawn });
  }

  #tellDesired(botId: string): void {
    const entry = this.#roster.get(botId);
    if (entry !== undefined) this.#tell(botId, desireOf(botId, entry));
  }

  #answered(botId: string, message: BotMessage): void {
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    if (message.kind === 'effect-done') {
      entry.observation = message.observation;
      // With something else already asked for, it comes too late to be heeded.
      if (this.#executor.inFlight(botId) === undefined) this.engine.told(message.observation);
    }
    this.#tell(botId, message, 'system');
  }

  #observed(observation: Observation): void {
    if (!this.engine.reachable) return;
    const { botId } = observation;
    const entry = this.#roster.get(botId);
    if (entry !== undefined) {
      entry.observation = observation;
      this.#tell(botId, { kind: 'observed', observation }, 'observation');
    } else if (observation.container !== null) this.#enrol(botId, null, observation);
  }

  #effect(effect: BotEffect): void {
    switch (effect.kind) {
      case 'start':
        this.#start(effect);
        break;
      case 'stop':
      case 'remove':
      case 'inspect':
        this.#ask(effect);
        break;
      case 'route':
        if (effect.route === null) this.#routes.delete(effect.botId);
        else this.#routes.set(effect.botId, effect.route);
        break;
      case 'record':
        this.log.note(`  ${effect.botId}: ${effect.from} → ${effect.to}, ${describeReason(effect.reason).text}`);
        this.#memories.set(effect.botId, effect.memory);
        // The message that made it fail may have been what is desired.
        if (effect.reason.code === 'actor-failed' && effect.reason.facts['exhausted'] !== true)
          this.#tellDesired(effect.botId);
        break;
      case 'answer':
        this.#questions.answered(effect.askId, effect.status);
        break;
      case 'ended':
        this.#ended(effect.botId);
        break;
      case 'timer':
      case 'cancel-timer':
        this.log.violated(`${effect.kind} left the shard`);
    }
  }

  #start(effect: StartEffect): void {
    const { botId, specRevision } = effect;
    const objection = objectionToStart(this.#roster.get(botId), specRevision, this.#clock.now());
    if (objection !== null) this.log.violated(`start of ${botId}, but ${objection}`);
    this.#ask(effect);
  }

  #ask(effect: EngineEffect): void {
    this.log.note(`  ← ${JSON.stringify(effect)}`);
    this.asked.set(effect.botId, (this.asked.get(effect.botId) ?? 0) + 1);
    if (!this.#roster.has(effect.botId)) this.log.violated(`${effect.kind} for ${effect.botId}, which has ended`);
    this.#executor.execute(effect);
  }

  #ended(botId: string): void {
    this.log.note(`  ${botId} ended`);
    const entry = this.#roster.get(botId);
    if (entry === undefined) return;
    if (entry.spec !== null) {
      this.#introduce(botId, entry);
      return;
    }
    this.#roster.delete(botId);
    if (entry.removal === 'deleted') this.#memories.delete(botId);
    if (this.#routes.has(botId)) this.log.violated(`${botId} ended and still has a route`);
  }
}

function textOf(message: BotMessage): string {
  return message.kind === 'desired' ? `desired ${message.spec.specRevision}` : JSON.stringify(message);
}
