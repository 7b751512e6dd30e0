import type { EngineEffect } from '../../actors/effect.ts';
import type { BotMessage, EngineEffectKind, InFlightEffect } from '../../actors/message.ts';
import type { Incarnation, Observation } from '../../actors/observation.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { type FakeEngine, FakeEngineError } from './fake-engine.ts';
import type { Random } from './random.ts';

export interface ExecutorFaults {
  /** How likely an answer never comes. */
  loseAnswer: number;
  /** How likely an answer says `unreachable` although the engine did it. */
  falseUnreachable: number;
  /** How likely a call takes longer than its deadline. */
  late: number;
}

interface Definition {
  readonly specRevision: string;
  readonly shapeRevision: string;
}

/**
 * Carries out engine effects as the supervisor's executor does: one call per bot at a time, in the order asked; a start whose
 * definition is outdated when its turn comes is answered `superseded`.
 */
export class FakeExecutor {
  readonly faults: ExecutorFaults = { loseAnswer: 0, falseUnreachable: 0, late: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #engine: FakeEngine;
  readonly #definitionOf: (botId: string) => Definition | null;
  readonly #answer: (botId: string, message: BotMessage) => void;
  readonly #queues = new Map<string, EngineEffect[]>();
  #closed = false;

  constructor(options: {
    clock: Clock;
    random: Random;
    engine: FakeEngine;
    definitionOf: (botId: string) => Definition | null;
    answer: (botId: string, message: BotMessage) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#engine = options.engine;
    this.#definitionOf = options.definitionOf;
    this.#answer = options.answer;
  }

  /** The newest call that is not answered yet. */
  inFlight(botId: string): InFlightEffect | undefined {
    const last = this.#queues.get(botId)?.at(-1);
    return last === undefined ? undefined : { effect: last.kind, incarnation: last.incarnation };
  }

  execute(effect: EngineEffect): void {
    const queue = this.#queues.get(effect.botId);
    if (queue !== undefined) {
      queue.push(effect);
      return;
    }
    this.#queues.set(effect.botId, [effect]);
    this.#call(effect);
  }

  /** The runtime ends: what the engine is doing it goes on doing, but nobody hears of it. */
  close(): void {
    this.#closed = true;
  }

  #call(effect: EngineEffect): void {
    const late = this.#random.chance(this.faults.late) ? 8_000 : 0;
    this.#clock.schedule(this.#random.between(1, 30) + late, () => {
      const message = this.#carryOut(effect);
      this.#clock.schedule(this.#random.between(1, 30), () => this.#settle(effect, message));
    });
  }

  #carryOut(effect: EngineEffect): BotMessage {
    const { kind, incarnation } = effect;
    try {
      const observation = this.#do(effect);
      if (this.#random.chance(this.faults.falseUnreachable)) {
        return failed(kind, incarnation, { code: 'unreachable', facts: { detail: 'read ECONNRESET' } });
      }
      return { kind: 'effect-done', effect: kind, incarnation, observation };
    } catch (error) {
      if (!(error instanceof FakeEngineError)) throw error;
      return failed(kind, incarnation, error.failure);
    }
  }

  #do(effect: EngineEffect): Observation {
    switch (effect.kind) {
      case 'start': {
        // A start is two requests, and who is dead does not make the second.
        if (this.#closed && effect.occurrence !== undefined)
          throw new FakeEngineError({ code: 'superseded', facts: {} });
        if (effect.notAfter !== undefined && this.#clock.now() > effect.notAfter)
          throw new FakeEngineError({ code: 'superseded', facts: {} });
        const definition = this.#definitionOf(effect.botId);
        if (definition?.specRevision !== effect.specRevision) {
          throw new FakeEngineError({ code: 'superseded', facts: {} });
        }
        return this.#engine.start({ ...effect, shapeRevision: definition.shapeRevision, isLate: this.#closed });
      }
      case 'stop':
        return this.#engine.stop(effect.botId, effect.containerId);
      case 'remove':
        return this.#engine.remove(effect.botId, effect.containerId);
      case 'inspect':
        return this.#engine.inspect(effect.botId);
    }
  }

  #settle(effect: EngineEffect, message: BotMessage): void {
    const { botId } = effect;
    if (this.#closed) return;
    const queue = this.#queues.get(botId);
    queue?.shift();
    const next = queue?.[0];
    if (next === undefined) this.#queues.delete(botId);
    else this.#call(next);
    if (this.#random.chance(this.faults.loseAnswer)) return;
    this.#answer(botId, message);
  }
}

function failed(effect: EngineEffectKind, incarnation: Incarnation, failure: FakeEngineError['failure']): BotMessage {
  return { kind: 'effect-failed', effect, incarnation, failure };
}
