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
 * What may be changed:
 * - `all`
 * - `restarts`: a container that has ended may be started again as it is; nothing is made, replaced or ended
 * - `ends`: containers may be stopped and removed; nothing is started
 * - `nothing`
 */
export type Permission = 'all' | 'restarts' | 'ends' | 'nothing';

/**
 * An engine that changes only what this process may change: another one may be keeping the same bots (design 6, "Level 2"). All
 * that runs is seen in any case, and whoever wants what is not permitted gets `standing-by`, with the reason, and asks again.
 */
export class GuardedEngine implements ContainerEngine {
  readonly #engine: ContainerEngine;
  #permission: Permission = 'nothing';
  #because: string;
  #ofBots: (botId: string) => boolean = () => true;

  /** @param because why nothing may be changed at first, in a sentence for people */
  constructor(engine: ContainerEngine, because: string) {
    this.#engine = engine;
    this.#because = because;
  }

  get name(): ContainerEngine['name'] {
    return this.#engine.name;
  }

  /** Why not all may be changed; null: it may. */
  get shutBecause(): string | null {
    return this.#permission === 'all' ? null : this.#because;
  }

  /** Containers may be stopped and removed, but not all may be changed. */
  get onlyEnds(): boolean {
    return this.#permission === 'ends';
  }

  /** All may be changed from now on. Whoever waits is to be told so besides. */
  open(): void {
    this.#permission = 'all';
  }

  /**
   * From now on; what the engine is doing it goes on doing.
   * @param ofBots of which bots so much is permitted; of others nothing is
   */
  restrict(permission: Exclude<Permission, 'all'>, because: string, ofBots = (_botId: string): boolean => true): void {
    this.#permission = permission;
    this.#because = because;
    this.#ofBots = ofBots;
  }

  shapeRevisionOf(definition: Parameters<ContainerEngine['shapeRevisionOf']>[0]): string {
    return this.#engine.shapeRevisionOf(definition);
  }

  async watch(listener: EngineListener): Promise<void> {
    await this.#engine.watch(listener);
  }

  async start(request: StartRequest): Promise<Observation> {
    this.#assert(request.inPlace === null ? ['all'] : ['all', 'restarts'], request.definition.id);
    return await this.#engine.start(request);
  }

  async stop(request: ContainerRequest): Promise<Observation> {
    this.#assert(['all', 'ends'], request.botId);
    return await this.#engine.stop(request);
  }

  async remove(request: ContainerRequest): Promise<Observation> {
    this.#assert(['all', 'ends'], request.botId);
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

  #assert(enough: readonly Permission[], botId: string): void {
    if (enough.includes(this.#permission) && (this.#permission === 'all' || this.#ofBots(botId))) return;
    throw new EngineError(
      { code: 'standing-by', facts: { detail: this.#because } },
      `Nothing is changed of bot ${botId}: ${this.#because}`,
    );
  }
}
