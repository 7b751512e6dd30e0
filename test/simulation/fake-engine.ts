import type { EngineFailure } from '../../actors/message.ts';
import type { ContainerFacts, ExitFacts, Incarnation, LastWords, Observation } from '../../actors/observation.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Random } from './random.ts';

/** One container of the fake engine. The name is the bot's id, so there is at most one per bot. */
interface FakeContainer {
  readonly containerId: string;
  /** What is on the label: never changes. */
  readonly createdAs: Incarnation;
  readonly specRevision: string;
  readonly shapeRevision: string;
  readonly occurrence?: number;
  incarnation: Incarnation;
  phase: 'created' | 'running' | 'exited';
  port: number;
  exit: ExitFacts | null;
  /** Somebody else than the runtime did something to it, or it ended by itself, since the runtime last heard of it. */
  touched: boolean;
  /** Counts starts, so that a planned crash knows whether it is still about this one. */
  runs: number;
}

export interface FakeEngineFaults {
  /** How likely a started bot is to end by itself soon. */
  crash: number;
  /** How likely a start fails in the engine, leaving nothing or a created container. */
  reject: number;
}

export interface FakeStart {
  readonly botId: string;
  readonly incarnation: Incarnation;
  readonly specRevision: string;
  readonly shapeRevision: string;
  readonly inPlace: string | null;
  readonly occurrence?: number;
  /** The runtime that asked has been killed meanwhile, so nobody can be blamed for what comes of it. */
  readonly isLate: boolean;
}

export class FakeEngineError extends Error {
  readonly failure: EngineFailure;
  constructor(failure: EngineFailure) {
    super(failure.code);
    this.failure = failure;
  }
}

/** A container engine in memory: acts at once when called; who calls it adds the delays and loses the answers. */
export class FakeEngine {
  readonly faults: FakeEngineFaults = { crash: 0, reject: 0 };
  reachable = true;
  imagePresent = true;
  /** How long a run of a scheduled bot lasts, in milliseconds; null: until it is ended. */
  runMs: (botId: string) => number | null = () => null;
  /** Runs of scheduled bots begun so far, as `bot@occurrence`, in order. */
  readonly runs: string[] = [];
  /** Containers created and started, for the check that nothing is restarted needlessly. */
  starts = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tracksInPlace: boolean;
  readonly #onEvent: (observation: Observation) => void;
  readonly #onViolation: (text: string) => void;
  readonly #containers = new Map<string, FakeContainer>();
  #ids = 0;

  /** @param tracksInPlace whether it knows the incarnation of a start in place, or only the label of the creation */
  constructor(options: {
    clock: Clock;
    random: Random;
    tracksInPlace: boolean;
    onEvent: (observation: Observation) => void;
    onViolation: (text: string) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#tracksInPlace = options.tracksInPlace;
    this.#onEvent = options.onEvent;
    this.#onViolation = options.onViolation;
  }

  observe(botId: string): Observation {
    const at = this.#clock.now();
    const container = this.#containers.get(botId);
    if (container === undefined) return { botId, container: null, lastExit: null, at };
    const lastExit = container.phase === 'exited' ? container.exit : null;
    return { botId, container: this.#facts(container), lastExit, at };
  }

  list(): Observation[] {
    return [...this.#containers.keys()].map((botId) => this.observe(botId));
  }

  start(request: FakeStart): Observation {
    this.#reach();
    const present = this.#containers.get(request.botId);
    if (present !== undefined && present.phase === 'running' && !present.touched && !request.isLate) {
      this.#onViolation(`start of ${request.botId} while ${present.containerId} is known to run`);
    }
    if (request.occurrence !== undefined && present?.occurrence === request.occurrence)
      return this.observe(request.botId);
    if (!this.imagePresent) throw new FakeEngineError({ code: 'image-missing', facts: { image: 'the0-runtime:test' } });
    if (present !== undefined && present.containerId !== request.inPlace) {
      throw new FakeEngineError({
        code: 'name-taken',
        facts: { containerId: present.containerId, owner: 'this runtime' },
      });
    }
    const container = present ?? this.#create(request);
    if (this.#random.chance(this.faults.reject)) {
      if (this.#random.chance(0.5)) this.#containers.delete(request.botId);
      throw new FakeEngineError({ code: 'rejected', facts: { detail: 'no space left on device' } });
    }
    if (container.phase !== 'running') {
      container.incarnation = request.incarnation;
      this.#run(request.botId, container);
      container.touched = request.isLate;
    }
    return this.observe(request.botId);
  }

  stop(botId: string, containerId: string): Observation {
    this.#reach();
    const container = this.#containers.get(botId);
    if (container?.containerId === containerId && container.phase === 'running') {
      this.#end(botId, container, lastWordsOfStop(this.#random));
    }
    return this.observe(botId);
  }

  remove(botId: string, containerId: string): Observation {
    this.#reach();
    if (this.#containers.get(botId)?.containerId === containerId) this.#drop(botId);
    return this.observe(botId);
  }

  inspect(botId: string): Observation {
    this.#reach();
    return this.observe(botId);
  }

  /** The runtime has been told the truth about this bot's container. */
  told(observation: Observation): void {
    const container = this.#containers.get(observation.botId);
    // The port is another with every start, so it tells which one was meant.
    if (container?.phase === 'running' && observation.container?.endpoint?.port === container.port) {
      container.touched = false;
    }
  }

  /** A runtime that starts anew has been told nothing. */
  forgetWhatWasTold(botId?: string): void {
    for (const [id, container] of this.#containers) if (botId === undefined || id === botId) container.touched = true;
  }

  // What people and bots do

  handStop(botId: string): void {
    const container = this.#containers.get(botId);
    if (container?.phase !== 'running') return;
    container.touched = true;
    this.#end(botId, container, lastWordsOfStop(this.#random));
  }

  handStart(botId: string): void {
    const container = this.#containers.get(botId);
    if (container?.phase !== 'exited') return;
    container.touched = true;
    this.#run(botId, container);
  }

  handRemove(botId: string): void {
    if (this.#containers.has(botId)) this.#drop(botId);
  }

  crash(botId: string): void {
    const container = this.#containers.get(botId);
    if (container?.phase !== 'running') return;
    container.touched = true;
    const exitCode = this.#random.pick([0, 1, 3]);
    this.#end(botId, container, this.#random.chance(0.7) ? words('bot-exited', { exitCode }) : null, exitCode);
  }

  #create(request: FakeStart): FakeContainer {
    this.#ids += 1;
    const container: FakeContainer = {
      containerId: `c${this.#ids}`,
      createdAs: request.incarnation,
      specRevision: request.specRevision,
      shapeRevision: request.shapeRevision,
      ...(request.occurrence === undefined ? {} : { occurrence: request.occurrence }),
      incarnation: request.incarnation,
      phase: 'created',
      port: 0,
      exit: null,
      touched: false,
      runs: 0,
    };
    this.#containers.set(request.botId, container);
    this.#event(request.botId);
    return container;
  }

  #run(botId: string, container: FakeContainer): void {
    this.starts += 1;
    container.phase = 'running';
    container.runs += 1;
    container.port = 20_000 + this.starts;
    if (container.occurrence !== undefined) this.#planEnd(botId, container, container.occurrence);
    this.#event(botId);
    if (!this.#random.chance(this.faults.crash)) return;
    const { runs } = container;
    const livesMs = this.#random.pick([0, 1, 20, 500, 5_000, 15_000]);
    this.#clock.schedule(livesMs, () => {
      if (this.#containers.get(botId) === container && container.runs === runs) this.crash(botId);
    });
  }

  #planEnd(botId: string, container: FakeContainer, occurrence: number): void {
    this.runs.push(`${botId}@${occurrence}`);
    const runMs = this.runMs(botId);
    if (runMs === null) return;
    this.#clock.schedule(runMs, () => {
      if (this.#containers.get(botId) === container && container.phase === 'running') {
        this.#end(botId, container, words('bot-exited', { exitCode: 0 }));
      }
    });
  }

  #end(botId: string, container: FakeContainer, lastWords: LastWords | null, code = 0): void {
    const { incarnation } = this.#facts(container);
    container.phase = 'exited';
    container.exit = { incarnation, code, signal: null, outOfMemory: false, lastWords, at: this.#clock.now() };
    this.#event(botId);
  }

  #drop(botId: string): void {
    this.#containers.delete(botId);
    this.#event(botId);
  }

  #event(botId: string): void {
    this.#onEvent(this.observe(botId));
  }

  #reach(): void {
    if (!this.reachable) throw new FakeEngineError({ code: 'unreachable', facts: { detail: 'connect ECONNREFUSED' } });
  }

  #facts(container: FakeContainer): ContainerFacts {
    const { containerId, specRevision, shapeRevision, occurrence, phase, port } = container;
    return {
      containerId,
      incarnation: this.#tracksInPlace ? container.incarnation : container.createdAs,
      specRevision,
      shapeRevision,
      ...(occurrence === undefined ? {} : { occurrence }),
      phase,
      paused: false,
      endpoint: phase === 'running' ? { host: '127.0.0.1', port } : null,
    };
  }
}

function lastWordsOfStop(random: Random): LastWords {
  return random.chance(0.2) ? words('killed-after-grace', { graceMs: 1000 }) : words('stopped', {});
}

function words(code: LastWords['code'], facts: LastWords['facts']): LastWords {
  return { the0: 1, code, facts };
}
