import type { EngineEffectKind, EngineFailure } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import {
  absent,
  type ContainerEngine,
  type ContainerRequest,
  EngineError,
  type EngineListener,
  type StartRequest,
} from '../../src/engine/container-engine.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { FakeEngine as FakeContainers, FakeEngineError } from '../simulation/fake-engine.ts';
import { Random } from '../simulation/random.ts';

export interface FakeCall {
  readonly kind: EngineEffectKind;
  readonly botId: string;
  /** Carries the call out now, or fails it. Of a held call; others are carried out by themselves. */
  release(failure?: EngineFailure | Error): void;
}

/**
 * The engine's port over the simulator's containers: calls take `callMs`, can be held and made to fail, and the connection
 * can be lost. Notices what a supervisor must never do: two calls for one bot at a time.
 */
export class FakeEngine implements ContainerEngine {
  readonly name = 'docker';
  readonly #shapeRevision = 'shape-1';
  callMs = 5;
  /** Calls that are true of this wait to be released. */
  holds: (kind: EngineEffectKind, botId: string) => boolean = () => false;
  /** Asked when a call is carried out: makes it fail. */
  fails: (kind: EngineEffectKind, botId: string) => EngineFailure | Error | null = () => null;
  readonly violations: string[] = [];
  /** Starts of bots that ran; right only when somebody else started them, or when nobody could have known. */
  needlessStarts = 0;
  readonly held: FakeCall[] = [];
  /** All calls so far, such as `start a`. */
  readonly calls: string[] = [];
  watching = false;
  closed = false;
  readonly containers: FakeContainers;
  readonly #clock: Clock;
  /** Calls under way, by bot. */
  readonly #busy = new Map<string, number>();
  #listener: EngineListener | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.containers = new FakeContainers({
      clock,
      random: new Random(1),
      tracksInPlace: true,
      onEvent: (observation) => this.#event(observation),
      onViolation: (text) => this.violations.push(text),
    });
  }

  shapeRevisionOf(): string {
    return this.#shapeRevision;
  }

  async watch(listener: EngineListener): Promise<void> {
    if (!this.containers.reachable) throw new EngineError({ code: 'unreachable', facts: {} }, 'the engine is away');
    this.watching = true;
    this.#listener = listener;
    this.list();
  }

  async start({ definition, incarnation, inPlace, occurrence }: StartRequest): Promise<Observation> {
    const { id: botId, specRevision } = definition;
    return await this.#call('start', botId, () => {
      const present = this.containers.observe(botId).container;
      const ofRun = occurrence === undefined ? {} : { occurrence };
      if (present?.phase === 'running') this.needlessStarts += 1;
      if (occurrence === undefined && present?.phase === 'running' && present.specRevision === specRevision)
        return this.containers.observe(botId);
      if (present !== null && present.containerId !== inPlace) this.containers.remove(botId, present.containerId);
      const shapeRevision = this.#shapeRevision;
      return this.containers.start({
        botId,
        incarnation,
        specRevision,
        shapeRevision,
        inPlace,
        isLate: false,
        ...ofRun,
      });
    });
  }

  stop({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return this.#call('stop', botId, () => this.containers.stop(botId, containerId));
  }

  remove({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return this.#call('remove', botId, () => this.containers.remove(botId, containerId));
  }

  inspect(botId: string): Promise<Observation> {
    return this.#call('inspect', botId, () => this.containers.inspect(botId));
  }

  /** Query runs are not the supervisor's. */
  async runQuery(): Promise<never> {
    throw new EngineError({ code: 'rejected', facts: { detail: 'no queries' } }, 'this engine answers no queries');
  }

  async conditions(): Promise<readonly []> {
    return [];
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#listener = null;
  }

  /** How often this call was made. */
  count(kind: EngineEffectKind, botId: string): number {
    return this.calls.filter((call) => call === `${kind} ${botId}`).length;
  }

  /** A container of an earlier runtime. */
  plant(botId: string, specRevision: string, incarnation: number): void {
    const shapeRevision = this.#shapeRevision;
    this.containers.start({ botId, incarnation, specRevision, shapeRevision, inPlace: null, isLate: false });
  }

  lose(): void {
    this.containers.reachable = false;
    this.#listener?.lost(new EngineError({ code: 'unreachable', facts: {} }, 'the engine is away'));
  }

  /** The connection is back: what is there is listed, and `vanished` bots are reported as absent. */
  reconnect(vanished: readonly string[] = []): void {
    this.containers.reachable = true;
    for (const botId of vanished) this.#listener?.observed(absent(botId, this.#clock.now()));
    this.list();
  }

  list(): void {
    const found = this.containers.list();
    for (const observation of found) this.#listener?.observed(observation);
    this.#listener?.listed(new Set(found.map(({ botId }) => botId)));
  }

  report(observation: Observation): void {
    this.#listener?.observed(observation);
  }

  #event(observation: Observation): void {
    // As Docker's: the answer of a call tells what came of it, so only an exit is reported besides.
    const isOwnDoing = (this.#busy.get(observation.botId) ?? 0) > 0 && observation.container?.phase !== 'exited';
    if (this.containers.reachable && !isOwnDoing) this.#listener?.observed(observation);
  }

  async #call(kind: EngineEffectKind, botId: string, act: () => Observation): Promise<Observation> {
    this.calls.push(`${kind} ${botId}`);
    const others = this.#busy.get(botId) ?? 0;
    if (others > 0) this.violations.push(`${kind} of ${botId} while another call for it was under way`);
    this.#busy.set(botId, others + 1);
    try {
      const asked = await this.#released(kind, botId);
      const failure = asked ?? this.fails(kind, botId);
      if (failure instanceof Error) throw failure;
      if (failure !== null) throw new EngineError(failure, `${kind} of ${botId}: ${failure.code}`);
      return act();
    } catch (error) {
      throw error instanceof FakeEngineError ? new EngineError(error.failure, error.message) : error;
    } finally {
      this.#busy.set(botId, (this.#busy.get(botId) ?? 1) - 1);
    }
  }

  #released(kind: EngineEffectKind, botId: string): Promise<EngineFailure | Error | null> {
    return new Promise((resolve) => {
      if (!this.holds(kind, botId)) this.#clock.schedule(this.callMs, () => resolve(null));
      else this.held.push({ kind, botId, release: (failure) => resolve(failure ?? null) });
    });
  }
}
