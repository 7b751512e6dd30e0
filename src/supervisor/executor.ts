import type { EngineEffect, StartEffect } from '../../actors/effect.ts';
import type { BotMessage, EngineFailure, InFlightEffect } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { type ContainerEngine, EngineError, type StartRequest } from '../engine/container-engine.ts';
import type { Clock } from '../kernel/clock.ts';
import type { StartGate } from './start-gate.ts';

/**
 * Carries out what actors ask of the engine and answers each effect with exactly one message. It lives in the supervisor's
 * thread, so a dying shard loses no request in flight: the answer goes to whichever actor owns the bot by then.
 *
 *    bot a   start ───────► engine           calls of one bot one after the other, as the engine's port demands
 *    bot b   stop ─► engine
 *    bot c   start ─► gate … inspect         an actor that gets impatient asks how things are: after the start
 */
export class Executor {
  readonly #options: ExecutorOptions;
  /** By bot: the call under way, and what waits for its end. An actor has one effect in flight, and may ask how it goes. */
  readonly #calls = new Map<string, EngineEffect[]>();
  /** Bots whose start has no permit yet. */
  readonly #atGate = new Set<string>();
  #closed = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** What a new actor of this bot must wait for: the newest that is not answered yet. */
  inFlight(botId: string): InFlightEffect | undefined {
    const newest = this.#calls.get(botId)?.at(-1);
    return newest === undefined ? undefined : { effect: newest.kind, incarnation: newest.incarnation };
  }

  /** The revision that this bot is about to be started with, if it is. */
  startingRevision(botId: string): string | null {
    const start = this.#calls.get(botId)?.find((effect) => effect.kind === 'start');
    return start?.specRevision ?? null;
  }

  /** Does the start of this bot wait for its permit? */
  waitsAtGate(botId: string): boolean {
    return this.#atGate.has(botId);
  }

  execute(effect: EngineEffect): void {
    if (this.#closed) return;
    const calls = this.#calls.get(effect.botId);
    if (calls === undefined) {
      this.#calls.set(effect.botId, [effect]);
      this.#call(effect);
    } else if (!calls.some((other) => isSameQuestion(other, effect))) calls.push(effect);
  }

  /** Begins nothing more, not even what waits. What the engine is doing it goes on doing. */
  close(): void {
    this.#closed = true;
  }

  #call(effect: EngineEffect): void {
    const { kind, incarnation } = effect;
    this.#carryOut(effect).then(
      (observation) => this.#settle(effect, { kind: 'effect-done', effect: kind, incarnation, observation }),
      (error: unknown) =>
        this.#settle(effect, { kind: 'effect-failed', effect: kind, incarnation, failure: failureOf(error) }),
    );
  }

  #settle({ botId }: EngineEffect, message: BotMessage): void {
    const calls = this.#calls.get(botId);
    calls?.shift();
    const next = this.#closed ? undefined : calls?.[0];
    if (next === undefined) this.#calls.delete(botId);
    else this.#call(next);
    this.#options.answer(botId, message);
  }

  async #carryOut(effect: EngineEffect): Promise<Observation> {
    const { engine, gate } = this.#options;
    const { botId } = effect;
    switch (effect.kind) {
      case 'start':
        this.#atGate.add(botId);
        return await gate.pass(effect.priority, async () => {
          this.#atGate.delete(botId);
          const definition = this.#wanted(effect);
          return await this.#inTime(effect, engine.start(startRequest(effect, definition)));
        });
      case 'stop':
        return await this.#inTime(effect, engine.stop({ botId, containerId: effect.containerId }));
      case 'remove':
        return await this.#inTime(effect, engine.remove({ botId, containerId: effect.containerId }));
      case 'inspect':
        return await this.#inTime(effect, engine.inspect(botId));
    }
  }

  /** @throws EngineError `superseded`: while it waited at the gate the bot was edited, disabled or removed, or it got too late */
  #wanted({ botId, specRevision, notAfter }: StartEffect): BotDefinition {
    const definition = this.#options.definitionOf(botId);
    const wanted = definition?.specRevision === specRevision && definition.enabled && definition.problem === null;
    const inTime = notAfter === undefined || this.#options.clock.now() <= notAfter;
    if (wanted && inTime && !this.#closed) return definition;
    throw new EngineError({ code: 'superseded', facts: {} }, `what is desired of ${botId} changed before its start`);
  }

  /**
   * Engines bound their own waits. If one does not, its bot, and all that wait at the gate, must not hang for it: the call is
   * given up. Should it come to something all the same, that is told as an event; that nothing runs twice is up to the
   * engine's names.
   */
  #inTime(effect: EngineEffect, call: Promise<Observation>): Promise<Observation> {
    const { clock, callDeadlineMs, late } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(callDeadlineMs, () => {
        const detail = `the engine did not answer within ${Math.round(callDeadlineMs / 1000)} s`;
        reject(
          new EngineError({ code: 'rejected', facts: { detail } }, `${effect.kind} of ${effect.botId}: ${detail}`),
        );
        // A failure that late says nothing that is not known.
        call.then(late, () => {});
      });
      call.then(resolve, reject).finally(cancel);
    });
  }
}

export interface ExecutorOptions {
  readonly engine: ContainerEngine;
  readonly gate: StartGate;
  readonly clock: Clock;
  /** After this a call of the engine is given up. Longer than any wait of the engine itself, in milliseconds. */
  readonly callDeadlineMs: number;
  /** The newest definition of a bot, or null. */
  definitionOf(botId: string): BotDefinition | null;
  answer(botId: string, message: BotMessage): void;
  /** What came of a call after it was given up. */
  late(observation: Observation): void;
}

function startRequest({ incarnation, inPlace, occurrence }: StartEffect, definition: BotDefinition): StartRequest {
  return { definition, incarnation, inPlace, ...(occurrence === undefined ? {} : { occurrence }) };
}

/** The answer to the one answers the other. */
function isSameQuestion(one: EngineEffect, other: EngineEffect): boolean {
  return one.kind === 'inspect' && other.kind === 'inspect' && one.incarnation === other.incarnation;
}

function failureOf(error: unknown): EngineFailure {
  if (error instanceof EngineError) return error.failure;
  // An engine throws nothing else; if it does, the bot must not hang for it.
  return { code: 'rejected', facts: { detail: error instanceof Error ? error.message : String(error) } };
}
