import type { EngineEffect } from '../../actors/effect.ts';
import type { BotMessage, EngineEffectKind, EngineFailure } from '../../actors/message.ts';
import type { Incarnation, Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { type ContainerEngine, EngineError } from '../engine/container-engine.ts';
import type { StartGate } from './start-gate.ts';

/**
 * Carries out what actors ask of the engine and answers each effect with exactly one message. It lives in the supervisor's
 * thread, so a dying shard loses no request in flight: the answer goes to whichever actor owns the bot by then.
 */
export class Executor {
  readonly #engine: ContainerEngine;
  readonly #gate: StartGate;
  readonly #definitionOf: (botId: string) => BotDefinition | null;
  readonly #answer: (botId: string, message: BotMessage) => void;
  readonly #inFlight = new Map<string, { effect: EngineEffectKind; incarnation: Incarnation }>();

  constructor(options: {
    engine: ContainerEngine;
    gate: StartGate;
    /** The newest definition of a bot, or null. */
    definitionOf: (botId: string) => BotDefinition | null;
    answer: (botId: string, message: BotMessage) => void;
  }) {
    this.#engine = options.engine;
    this.#gate = options.gate;
    this.#definitionOf = options.definitionOf;
    this.#answer = options.answer;
  }

  /** What a new actor of this bot must wait for. */
  inFlight(botId: string): { effect: EngineEffectKind; incarnation: Incarnation } | undefined {
    return this.#inFlight.get(botId);
  }

  execute(effect: EngineEffect): void {
    const { botId, kind, incarnation } = effect;
    const call = { effect: kind, incarnation };
    this.#inFlight.set(botId, call);
    this.#carryOut(effect).then(
      (observation) => {
        this.#settle(botId, call, { kind: 'effect-done', effect: kind, incarnation, observation });
      },
      (error: unknown) => {
        this.#settle(botId, call, { kind: 'effect-failed', effect: kind, incarnation, failure: failureOf(error) });
      },
    );
  }

  #settle(botId: string, call: object, message: BotMessage): void {
    if (this.#inFlight.get(botId) === call) this.#inFlight.delete(botId);
    this.#answer(botId, message);
  }

  async #carryOut(effect: EngineEffect): Promise<Observation> {
    switch (effect.kind) {
      case 'start':
        return await this.#gate.pass(effect.priority, async () => {
          const definition = this.#definitionOf(effect.botId);
          // The bot may have been edited or removed while it waited at the gate.
          if (definition === null || definition.specRevision !== effect.specRevision) throw superseded(effect.botId);
          return await this.#engine.start({ definition, incarnation: effect.incarnation, inPlace: effect.inPlace });
        });
      case 'stop':
        return await this.#engine.stop({ botId: effect.botId, containerId: effect.containerId });
      case 'remove':
        return await this.#engine.remove({ botId: effect.botId, containerId: effect.containerId });
      case 'inspect':
        return await this.#engine.inspect(effect.botId);
    }
  }
}

function superseded(botId: string): EngineError {
  return new EngineError({ code: 'superseded', facts: {} }, `the desired state of ${botId} changed before its start`);
}

function failureOf(error: unknown): EngineFailure {
  if (error instanceof EngineError) return error.failure;
  // An engine throws nothing else; if it does, the bot must not hang for it.
  return { code: 'rejected', facts: { detail: error instanceof Error ? error.message : String(error) } };
}
