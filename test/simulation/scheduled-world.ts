import { createBehavior } from '../../actors/behavior.ts';
import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotEffect, BotStatus } from '../../actors/effect.ts';
import type { BotMemory, BotMessage } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import { describeReason } from '../../actors/reason.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Shard } from '../../src/kernel/shard.ts';
import type { VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { LedgerExecutor } from '../../src/supervisor/ledger-executor.ts';
import { RunGate } from '../../src/supervisor/run-gate.ts';
import { aBot } from '../desired/a-bot.ts';
import { EventChannel } from './event-channel.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeExecutor } from './fake-executor.ts';
import type { FakeLedger } from './fake-ledger.ts';
import { Questions } from './questions.ts';
import type { Random } from './random.ts';
import type { RunLog } from './run-log.ts';
import { SIMULATED_SETTINGS } from './simulate.ts';
import { simulatedShard } from './simulated-shard.ts';
import { watchful } from './watchful-behavior.ts';

/** A clock that can be set, as people and NTP set that of a host; time itself goes on. */
export class SettableClock implements Clock {
  readonly #base: VirtualClock;
  #aheadMs = 0;

  constructor(base: VirtualClock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#aheadMs;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    return this.#base.schedule(delayMs, callback);
  }

  defer(callback: () => void): void {
    this.#base.defer(callback);
  }

  set(aheadMs: number): void {
    this.#aheadMs = aheadMs;
  }
}

export interface RuntimeOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: FakeLedger;
  readonly log: RunLog;
  /** Of all runtimes: what is desired. */
  readonly desired: ReadonlyMap<string, BotSpec>;
}

/** One runtime with an engine of its own, as the supervisor joins them, and a ledger that it shares with others. */
export class ScheduledRuntime {
  readonly engine: FakeEngine;
  readonly events: EventChannel;
  readonly #options: RuntimeOptions;
  readonly #questions = new Questions();
  readonly #memories = new Map<string, BotMemory>();
  #executor: FakeExecutor;
  #ledger: LedgerExecutor;
  #shard: Shard<BotMessage>;
  #epoch = 0;
  gate: RunGate;

  constructor(options: RuntimeOptions) {
    const { clock, random, log } = options;
    this.#options = options;
    this.events = new EventChannel({ clock, random, stampsOnArrival: false, deliver: (it) => this.#observed(it) });
    this.engine = new FakeEngine({
      clock,
      random,
      tracksInPlace: true,
      onEvent: (observation) => this.events.send(observation),
      onViolation: (text) => log.violated(text),
    });
    this.gate = new RunGate(3);
    this.#executor = this.#makeExecutor();
    this.#ledger = this.#makeLedger();
    this.#shard = this.#makeShard();
    this.#introduceAll();
  }

  get executorFaults() {
    return this.#executor.faults;
  }

  tellDesired(spec: BotSpec): void {
    this.#shard.post({ to: spec.id, lane: 'user', message: { kind: 'desired', spec } });
  }

  command(botId: string, verb: 'restart' | 'reset'): void {
    this.#shard.post({ to: botId, lane: 'user', message: { kind: 'command', verb } });
  }

  killShard(): void {
    this.#options.log.note(`${this.#options.name}: shard dies`);
    this.#shard.kill();
    this.#shard = this.#makeShard();
    this.#introduceAll();
  }

  restart(): void {
    this.#options.log.note(`${this.#options.name}: restarts`);
    this.#shard.kill();
    this.#executor.close();
    this.#ledger.close();
    this.#epoch += 1;
    this.events.reconnect();
    this.gate = new RunGate(3);
    this.engine.forgetWhatWasTold();
    const { faults } = this.#executor;
    this.#executor = this.#makeExecutor();
    Object.assign(this.#executor.faults, faults);
    this.#ledger = this.#makeLedger();
    this.#shard = this.#makeShard();
    this.#introduceAll();
  }

  list(): void {
    for (const botId of this.#options.desired.keys()) {
      if (this.#executor.inFlight(botId) === undefined) this.#observed(this.engine.observe(botId));
    }
  }

  statuses(settle: () => void): Map<string, BotStatus> {
    const asked = this.#questions.ask(this.#options.desired.keys(), (botId, message) =>
      this.#shard.post({ to: botId, lane: 'user', message }),
    );
    settle();
    return asked;
  }

  #introduceAll(): void {
    for (const spec of this.#options.desired.values()) {
      const memory = this.#memories.get(spec.id);
      const inFlight = this.#executor.inFlight(spec.id);
      const more = { ...(memory === undefined ? {} : { memory }), ...(inFlight === undefined ? {} : { inFlight }) };
      this.#shard.post({ to: spec.id, lane: 'user', message: { kind: 'desired', spec, ...more }, spawn: true });
      this.#observed(this.engine.observe(spec.id));
    }
  }

  #makeShard(): Shard<BotMessage> {
    const { clock, random, log, name } = this.#options;
    return simulatedShard({
      clock,
      behavior: watchful(createBehavior(SIMULATED_SETTINGS), {
        longestTimerMs: 60_000,
        onViolation: (text) => log.violated(`${name}: ${text}`),
        fails: () => false,
      }),
      messagesPerActorTurn: random.between(1, 8),
      onEffect: (effect) => this.#effect(effect),
      onViolation: (text) => log.violated(`${name}: ${text}`),
    });
  }

  #makeExecutor(): FakeExecutor {
    const { clock, random, desired } = this.#options;
    const epoch = this.#epoch;
    return new FakeExecutor({
      clock,
      random,
      engine: this.engine,
      definitionOf: (botId) => desired.get(botId) ?? null,
      answer: (botId, message) => {
        if (epoch !== this.#epoch) return;
        if (message.kind === 'effect-done') {
          this.engine.told(message.observation);
          this.#noteRun(message.observation);
        }
        this.#tell(botId, message);
      },
    });
  }

  #makeLedger(): LedgerExecutor {
    const { clock, ledger, name } = this.#options;
    const epoch = this.#epoch;
    return new LedgerExecutor({
      ledger: ledger.of(name),
      gate: this.gate,
      clock,
      callDeadlineMs: 1_500,
      calls: 16,
      definitionOf: (botId) => this.#definitionOf(botId),
      answer: (botId, message) => {
        if (epoch === this.#epoch) this.#tell(botId, message);
      },
    });
  }

  #definitionOf(botId: string): BotDefinition | null {
    const spec = this.#options.desired.get(botId);
    return spec === undefined ? null : aBot(botId, { kind: spec.kind, enabled: spec.enabled });
  }

  #tell(to: string, message: BotMessage): void {
    this.#options.log.note(`  ${this.#options.name} → ${to} ${JSON.stringify(message)}`);
    this.#shard.post({ to, lane: 'system', message });
  }

  #observed(observation: Observation): void {
    this.#noteRun(observation);
    this.#shard.post({ to: observation.botId, lane: 'observation', message: { kind: 'observed', observation } });
  }

  #noteRun({ botId, container }: Observation): void {
    if (container?.occurrence !== undefined && container.phase === 'running') this.gate.hold(botId);
    else if (container?.phase !== 'created') this.gate.release(botId);
  }

  #effect(effect: BotEffect): void {
    const { log, name } = this.#options;
    switch (effect.kind) {
      case 'start':
        if (effect.occurrence === undefined) log.violated(`${name}: a start of ${effect.botId} without an occurrence`);
        log.note(`  ${name} ← ${JSON.stringify(effect)}`);
        this.gate.hold(effect.botId);
        this.#executor.execute(effect);
        break;
      case 'stop':
      case 'remove':
      case 'inspect':
        log.note(`  ${name} ← ${JSON.stringify(effect)}`);
        this.#executor.execute(effect);
        break;
      case 'ledger':
        log.note(`  ${name} ← ${JSON.stringify(effect)}`);
        this.#ledger.execute(effect);
        break;
      case 'record':
        log.note(`  ${name} ${effect.botId}: ${effect.from} → ${effect.to}, ${describeReason(effect.reason).text}`);
        this.#memories.set(effect.botId, effect.memory);
        break;
      case 'answer':
        this.#questions.answered(effect.askId, effect.status);
        break;
      case 'route':
        if (effect.route !== null) log.violated(`${name}: a route to a run of ${effect.botId}`);
        break;
      case 'ended':
        log.violated(`${name}: ${effect.botId} ended`);
        break;
      case 'timer':
      case 'cancel-timer':
        log.violated(`${effect.kind} left the shard`);
    }
  }
}
