import type { Observation } from '../../actors/observation.ts';
import type { BotCondition } from './bot-conditions.ts';
import {
  type ContainerEngine,
  type ContainerRequest,
  EngineError,
  type EngineListener,
  type QueryRunRequest,
  type QueryRunResult,
  type StartRequest,
} from './container-engine.ts';

/**
 * An engine that changes nothing until it is told that this process may act: it stands by, warm (design 6, "Level 2"). All
 * that runs is seen meanwhile, and whoever wants a change gets `standing-by`, with the reason, and asks again.
 */
export class GuardedEngine implements ContainerEngine {
  readonly #engine: ContainerEngine;
  /** Why nothing may be changed; null: it may. */
  #because: string | null;

  /** @param because in a sentence, for people */
  constructor(engine: ContainerEngine, because: string) {
    this.#engine = engine;
    this.#because = because;
  }

  get name(): ContainerEngine['name'] {
    return this.#engine.name;
  }

  /** Null while changes are let through. */
  get shutBecause(): string | null {
    return this.#because;
  }

  /** Changes are let through from now on. Whoever waits is to be told so besides. */
  open(): void {
    this.#because = null;
  }

  /** None is from now on; what the engine is doing it goes on doing. */
  shut(because: string): void {
    this.#because = because;
  }

  shapeRevisionOf(definition: Parameters<ContainerEngine['shapeRevisionOf']>[0]): string {
    return this.#engine.shapeRevisionOf(definition);
  }

  async watch(listener: EngineListener): Promise<void> {
    await this.#engine.watch(listener);
  }

  async start(request: StartRequest): Promise<Observation> {
    this.#assertOpen(request.definition.id);
    return await this.#engine.start(request);
  }

  async stop(request: ContainerRequest): Promise<Observation> {
    this.#assertOpen(request.botId);
    return await this.#engine.stop(request);
  }

  async remove(request: ContainerRequest): Promise<Observation> {
    this.#assertOpen(request.botId);
    return await this.#engine.remove(request);
  }

  async inspect(botId: string): Promise<Observation> {
    return await this.#engine.inspect(botId);
  }

  async conditions(request: ContainerRequest): Promise<readonly BotCondition[]> {
    return await this.#engine.conditions(request);
  }

  /** Of no bot's container: whoever takes a question answers it. */
  async runQuery(request: QueryRunRequest, signal: AbortSignal): Promise<QueryRunResult> {
    return await this.#engine.runQuery(request, signal);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  #assertOpen(botId: string): void {
    if (this.#because === null) return;
    throw new EngineError(
      { code: 'standing-by', facts: { detail: this.#because } },
      `Nothing is changed of bot ${botId}: ${this.#because}`,
    );
  }
}
