import { createBehavior } from '../../actors/behavior.ts';
import type { BotActorState } from '../../actors/bot-actor-state.ts';
import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotEffect, BotStatus } from '../../actors/effect.ts';
import type {
  BotMemory,
  BotMessage,
  CommandMessage,
  EngineEffectKind,
  EngineFailure,
  TimerName,
} from '../../actors/message.ts';
import type { ContainerFacts, ExitFacts, Observation } from '../../actors/observation.ts';
import type { BotActorSettings } from '../../actors/settings.ts';
import { ACTOR_SETTINGS } from './actor-settings.ts';

export const SETTINGS: BotActorSettings = ACTOR_SETTINGS;

export const SPEC: BotSpec = {
  id: 'ema',
  kind: 'realtime',
  enabled: true,
  runtime: 'python3.11',
  entrypoint: 'main.py',
  queryEntrypoint: 'query.py',
  schedule: null,
  specRevision: 'r1',
  shapeRevision: 's1',
  problem: null,
};

export const T0 = 1_700_000_000_000;

/** One actor: feeds it messages and keeps what it asked for. */
export class Driver {
  now = T0;
  state: BotActorState;
  /** Of the last message. */
  effects: readonly BotEffect[] = [];
  /** Of all messages so far, as `from → to: code`. */
  readonly transitions: string[] = [];
  readonly #behavior = createBehavior(SETTINGS);

  constructor() {
    this.state = this.#behavior.initial(SPEC.id);
  }

  tell(message: BotMessage): this {
    return this.#take(this.#behavior.receive(this.state, message, this.now));
  }

  fail(exhausted: boolean): this {
    return this.#take(this.#behavior.recover(this.state, new Error('boom'), this.now, exhausted));
  }

  #take({ state, effects }: { state: BotActorState; effects: readonly BotEffect[] }): this {
    this.state = state;
    this.effects = effects;
    for (const effect of effects) {
      if (effect.kind === 'record') this.transitions.push(`${effect.from} → ${effect.to}: ${effect.reason.code}`);
    }
    return this;
  }

  desired(change: Partial<BotSpec> = {}, memory?: BotMemory): this {
    return this.tell({ kind: 'desired', spec: { ...SPEC, ...change }, ...(memory === undefined ? {} : { memory }) });
  }

  removed(cause: 'deleted' | 'unknown' | 'shutdown' = 'deleted'): this {
    return this.tell({ kind: 'removed', cause, botId: SPEC.id });
  }

  observed(container: ContainerFacts | null, lastExit: ExitFacts | null = null): this {
    return this.tell({ kind: 'observed', observation: this.observation(container, lastExit) });
  }

  /** What a first look finds: reported, and confirmed if the actor asks. */
  found(container: ContainerFacts | null, lastExit: ExitFacts | null = null): this {
    this.observed(container, lastExit);
    return this.state.inFlight?.effect === 'inspect' ? this.done(container, lastExit) : this;
  }

  /** Answers the effect in flight. */
  done(container: ContainerFacts | null, lastExit: ExitFacts | null = null): this {
    return this.tell({ kind: 'effect-done', ...this.#asked(), observation: this.observation(container, lastExit) });
  }

  failed(code: EngineFailure['code'], facts: EngineFailure['facts'] = {}): this {
    return this.tell({ kind: 'effect-failed', ...this.#asked(), failure: { code, facts } });
  }

  timer(name: TimerName): this {
    return this.tell({
      kind: 'timer',
      name,
      incarnation: this.state.inFlight?.incarnation ?? this.state.lastIncarnation,
    });
  }

  command(verb: CommandMessage['verb']): this {
    return this.tell({ kind: 'command', verb });
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  /** A bot that was started and runs. */
  static running(): Driver {
    const bot = new Driver().desired().observed(null);
    return bot.pass(100).done(bot.container());
  }

  #asked(): { effect: EngineEffectKind; incarnation: number } {
    const { inFlight } = this.state;
    if (inFlight === null) throw new Error('nothing was asked of the engine');
    return { effect: inFlight.effect, incarnation: inFlight.incarnation };
  }

  observation(container: ContainerFacts | null, lastExit: ExitFacts | null = null): Observation {
    return { botId: SPEC.id, container, lastExit, at: this.now };
  }

  /** A container of the current start. */
  container(change: Partial<ContainerFacts> = {}): ContainerFacts {
    const phase = change.phase ?? 'running';
    return {
      containerId: 'c1',
      incarnation: this.state.incarnation,
      specRevision: 'r1',
      shapeRevision: 's1',
      phase,
      paused: false,
      endpoint: phase === 'running' ? { host: '10.0.0.2', port: 9476 } : null,
      ...change,
    };
  }

  exit(change: Partial<ExitFacts> = {}): ExitFacts {
    const { now, state } = this;
    return {
      incarnation: state.incarnation,
      code: 1,
      signal: null,
      outOfMemory: false,
      lastWords: null,
      at: now,
      ...change,
    };
  }

  /** Ends by itself, as the engine reports it. */
  crash(change: Partial<ExitFacts> = {}): this {
    if (this.now === this.state.knownUntil) this.pass(1);
    return this.observed(this.container({ phase: 'exited' }), this.exit(change));
  }

  /** The effects of the last message of one kind. */
  of<Kind extends BotEffect['kind']>(kind: Kind): (BotEffect & { kind: Kind })[] {
    return this.effects.filter((effect): effect is BotEffect & { kind: Kind } => effect.kind === kind);
  }

  /** The engine effects of the last message, in short. */
  get asked(): string[] {
    return this.effects.flatMap((effect) => {
      switch (effect.kind) {
        case 'start':
          return [effect.inPlace === null ? 'start' : `start ${effect.inPlace} again`];
        case 'stop':
        case 'remove':
          return [`${effect.kind} ${effect.containerId}`];
        case 'inspect':
          return ['inspect'];
        default:
          return [];
      }
    });
  }

  get status(): BotStatus {
    return this.#behavior.snapshot(this.state, this.now);
  }

  /** `state/code of the reason`. */
  get is(): string {
    const { state, reason } = this.status;
    return `${state}/${reason.code}`;
  }

  /** Which timers are wanted, as the state says. */
  get timers(): string[] {
    const { retryAt, graceUntil, inFlight } = this.state;
    return [
      ...(retryAt > 0 ? ['retry'] : []),
      ...(graceUntil > 0 ? ['grace'] : []),
      ...(inFlight !== null ? ['deadline'] : []),
    ];
  }
}
