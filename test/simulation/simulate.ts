import { type BotBehavior, createBehavior } from '../../actors/behavior.ts';
import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotStatus } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { BotActorSettings } from '../../actors/settings.ts';
import { createVirtualClock, type VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { Random } from './random.ts';
import { RunLog } from './run-log.ts';
import { isUsable } from './start-check.ts';
import { watchful } from './watchful-behavior.ts';
import { World } from './world.ts';

export const SIMULATED_SETTINGS: BotActorSettings = {
  restart: { firstRetryMs: 0, baseMs: 1_000, factor: 2, capMs: 30_000, healthyMs: 10_000 },
  startDeadlineMs: 5_000,
  stopDeadlineMs: 4_000,
  orphanGraceMs: 3_000,
  dependencyRetryMs: 2_000,
  historyLength: 4,
  role: 'owner',
  schedule: {
    timeZone: 'UTC',
    misfireMs: 10_000,
    foreignClaimMs: 30_000,
    longestRunMs: 0,
    jitterMs: 0,
    ledgerDeadlineMs: 3_000,
    lookAgainMs: 20_000,
  },
};

export interface SimulationOptions {
  readonly seed: number;
  /**
   * - `calm`: nothing fails and nobody interferes
   * - `restarts`: only the runtime and its shards are restarted, over and over
   * - `storm`: everything at once
   */
  readonly weather: 'calm' | 'restarts' | 'storm';
  readonly tracing?: boolean;
  /** How long things happen, in virtual milliseconds. */
  readonly stormMs?: number;
  /** Replaces the actors, for tests of the simulator itself. */
  readonly actors?: BotBehavior;
}

export interface SimulationResult {
  /** What did not hold; empty when all is well. */
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly starts: number;
}

/** Runs one world from its seed: first things happen, then they calm down, then everything must be as desired. */
export function simulate(options: SimulationOptions): SimulationResult {
  const random = new Random(options.seed);
  const clock = createVirtualClock({ startMs: 1_700_000_000_000, random: random.next, callbacksPerInstant: 100_000 });
  const actors = options.actors ?? createBehavior(SIMULATED_SETTINGS);
  const storm = options.weather === 'storm';
  let throwing = 0;
  const log = new RunLog(clock, options.tracing ?? false);
  const world = new World({
    clock,
    random,
    log,
    tracksInPlace: random.chance(0.5),
    stampsOnArrival: random.chance(0.5),
    behavior: (it) =>
      watchful(actors, {
        longestTimerMs: 30_000,
        onViolation: (text) => it.log.violated(text),
        fails: (message: BotMessage) => throwing > 0 && message.kind !== 'question' && random.chance(throwing),
      }),
  });
  const bots = new Scenario(world, random, clock);
  try {
    bots.begin(random.between(2, 5), storm);
    if (storm) {
      setFaults(world, random);
      throwing = random.pick([0, 0, 0.002, 0.01]);
      // Not by the clock, which is set.
      for (let leftMs = options.stormMs ?? 60_000; leftMs > 0 && log.violations.length === 0; ) {
        const stepMs = random.pick([0, 1, 5, 20, 100, 500, 2_000]);
        clock.advance(stepMs);
        leftMs -= stepMs;
        bots.somethingHappens();
      }
    } else {
      const end = clock.now() + (options.stormMs ?? 60_000);
      while (clock.now() < end && log.violations.length === 0) {
        clock.advance(random.between(1, 2_000));
        if (options.weather === 'restarts') bots.runtimeSuffers();
      }
    }
    throwing = 0;
    calmDown(world, bots, clock);
    checkQuiet(world, bots, clock);
    if (!storm) checkNoNeedlessStart(world);
  } catch (error) {
    world.log.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { violations: log.violations, trace: log.trace, starts: world.engine.starts };
}

function setFaults(world: World, random: Random): void {
  const some = () => random.pick([0, 0, 0.02, 0.1, 0.3]);
  Object.assign(world.eventFaults, { lose: some(), repeat: some(), delay: some() });
  Object.assign(world.executorFaults, { loseAnswer: some() / 2, falseUnreachable: some() / 2, late: some() / 2 });
  Object.assign(world.engine.faults, { crash: random.pick([0, 0.1, 0.5, 0.9]), reject: some() });
}

/** Faults stop; what waits may take as long as the longest backoff and a few deadlines. */
function calmDown(world: World, bots: Scenario, clock: VirtualClock): void {
  world.log.note('--- calm ---');
  Object.assign(world.eventFaults, { lose: 0, repeat: 0, delay: 0 });
  Object.assign(world.executorFaults, { loseAnswer: 0, falseUnreachable: 0, late: 0 });
  Object.assign(world.engine.faults, { crash: 0, reject: 0 });
  world.engine.reachable = true;
  world.engine.imagePresent = true;
  clock.advance(20_000);
  // The supervisor's safety net, and an operator who helps bots whose actor gave up.
  world.list();
  for (const [botId, status] of world.statuses()) if (status.reason.code === 'actor-failed') bots.reset(botId);
  const before = new Map(world.asked);
  clock.advance(60_000);
  world.list();
  clock.advance(60_000);
  for (const [botId, count] of world.asked) {
    const more = count - (before.get(botId) ?? 0);
    if (more > 12) world.log.violated(`${more} engine effects for ${botId} after all faults had stopped`);
  }
}

function checkQuiet(world: World, bots: Scenario, clock: VirtualClock): void {
  const statuses = world.statuses();
  const present = new Map(world.engine.list().map((observation) => [observation.botId, observation]));
  for (const [botId, spec] of world.desired) {
    const status = statuses.get(botId);
    const container = present.get(botId)?.container ?? null;
    if (status === undefined) world.log.violated(`${botId} has no actor`);
    else if (isUsable(spec)) checkRunning(world, spec, status, container);
    else {
      const expected = spec.problem !== null || spec.enabled ? 'blocked' : 'stopped';
      if (status.state !== expected) world.log.violated(`${botId} is ${status.state}, not ${expected}`);
      if (container !== null) world.log.violated(`${botId} must not run, but has a container (${container.phase})`);
      if (world.routes.has(botId)) world.log.violated(`${botId} must not run, but has a route`);
    }
  }
  for (const botId of present.keys()) {
    if (!world.desired.has(botId)) world.log.violated(`${botId} is not desired, but has a container`);
  }
  for (const botId of statuses.keys()) {
    if (!world.desired.has(botId)) world.log.violated(`${botId} is not desired, but has an actor`);
  }
  for (const botId of bots.all) {
    if (!world.desired.has(botId) && world.routes.has(botId)) world.log.violated(`${botId} is gone, but has a route`);
  }
  const asked = new Map(world.asked);
  clock.advance(600_000);
  for (const [botId, count] of world.asked) {
    if (count !== (asked.get(botId) ?? 0)) world.log.violated(`engine effects for ${botId} although all was well`);
  }
  if (clock.pending() > 0) world.log.violated(`${clock.pending()} timers although all is well`);
}

function checkRunning(
  world: World,
  spec: BotSpec,
  status: BotStatus,
  container: { phase: string; specRevision: string; endpoint: { port: number } | null } | null,
): void {
  const { id } = spec;
  if (status.state !== 'running') world.log.violated(`${id} is ${status.state} (${status.reason.code}), not running`);
  if (container?.phase !== 'running') world.log.violated(`${id} should run, but is ${container?.phase ?? 'not there'}`);
  else if (container.specRevision !== spec.specRevision) world.log.violated(`${id} runs an old revision`);
  const expected = spec.queryEntrypoint === null ? undefined : container?.endpoint?.port;
  const found = world.routes.get(id)?.endpoint.port;
  if (found !== expected)
    world.log.violated(`${id} has a route to ${found ?? 'nowhere'}, not to ${expected ?? 'nowhere'}`);
}

function checkNoNeedlessStart(world: World): void {
  const enabled = [...world.desired.values()].filter(isUsable).length;
  if (world.engine.starts !== enabled) world.log.violated(`${world.engine.starts} starts for ${enabled} bots`);
}

/** What is desired, and what people do. */
class Scenario {
  readonly all: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  #revisions = 0;

  constructor(world: World, random: Random, clock: VirtualClock) {
    this.#world = world;
    this.#random = random;
    this.#clock = clock;
  }

  begin(count: number, varied: boolean): void {
    for (let index = 0; index < count; index += 1) {
      const id = `bot-${index}`;
      this.all.push(id);
      this.#world.desire(
        varied ? this.#spec(id) : { ...this.#spec(id), enabled: true, problem: null, runtime: 'python3.11' },
      );
    }
  }

  reset(botId: string): void {
    this.#world.command(botId, 'reset');
  }

  somethingHappens(): void {
    const world = this.#world;
    const random = this.#random;
    const id = this.all[random.between(0, this.all.length - 1)] ?? 'bot-0';
    const roll = random.between(1, 100);
    if (roll <= 10) world.desire(this.#spec(id));
    else if (roll <= 16) this.#toggle(id);
    else if (roll <= 20) world.delete(id);
    else if (roll <= 24) world.command(id, 'restart');
    else if (roll <= 27) world.command(id, 'reset');
    else if (roll <= 31) this.#byHand(id, 'handStop');
    else if (roll <= 35) this.#byHand(id, 'handStart');
    else if (roll <= 38) this.#byHand(id, 'handRemove');
    else if (roll <= 42) this.#byHand(id, 'crash');
    else if (roll <= 44) this.#outage();
    else if (roll <= 46) this.#imageGone();
    else if (roll <= 48) world.killShard();
    else if (roll <= 50) this.#restartRuntime();
    else if (roll <= 52) world.list();
    else if (roll === 53) this.#setClock();
  }

  runtimeSuffers(): void {
    if (this.#random.chance(0.5)) this.#world.killShard();
    else this.#restartRuntime();
  }

  #byHand(id: string, what: 'handStop' | 'handStart' | 'handRemove' | 'crash'): void {
    this.#world.log.note(`${what} ${id}`);
    this.#world.engine[what](id);
  }

  #toggle(id: string): void {
    const spec = this.#world.desired.get(id);
    this.#world.desire(spec === undefined ? this.#spec(id) : { ...spec, enabled: !spec.enabled });
  }

  #setClock(): void {
    const byMs = this.#random.pick([-86_400_000, -600_000, -3_000, 3_000, 86_400_000]);
    this.#world.log.note(`clock set by ${byMs} ms`);
    this.#clock.jump(byMs);
  }

  #outage(): void {
    const { engine } = this.#world;
    if (!engine.reachable) return;
    this.#world.log.note('engine unreachable');
    engine.reachable = false;
    this.#clock.schedule(this.#random.between(10, 10_000), () => {
      this.#world.log.note('engine reachable');
      engine.reachable = true;
      this.#world.list();
    });
  }

  #imageGone(): void {
    const { engine } = this.#world;
    engine.imagePresent = false;
    this.#clock.schedule(this.#random.between(10, 5_000), () => {
      engine.imagePresent = true;
    });
  }

  #restartRuntime(): void {
    const world = this.#world;
    if (!this.#random.chance(0.5)) {
      world.restartRuntime(world.journal());
      return;
    }
    const lagging = world.journal();
    this.#clock.advance(this.#random.between(0, 200));
    world.restartRuntime(lagging);
  }

  #spec(id: string): BotSpec {
    const random = this.#random;
    const odd = random.chance(0.15);
    this.#revisions += 1;
    return {
      id,
      kind: 'realtime',
      enabled: !random.chance(0.1),
      runtime: odd && random.chance(0.5) ? 'cobol' : 'python3.11',
      entrypoint: 'main.py',
      queryEntrypoint: random.chance(0.7) ? 'query.py' : null,
      schedule: null,
      specRevision: `r${this.#revisions}`,
      shapeRevision: 's1',
      problem:
        odd && random.chance(0.5) ? { code: 'spec-invalid', facts: { field: 'id', expected: 'a string' } } : null,
    };
  }
}
