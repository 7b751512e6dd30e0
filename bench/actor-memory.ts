/**
 * Memory of 100,000 realtime actors in the real kernel, each after a start, running, and one crash with its restart: bytes of
 * heap per actor beside its spec, its last reasons included.
 *
 *   node --expose-gc bench/actor-memory.ts [--json]
 */
import { randomBytes, randomUUID } from 'node:crypto';
import process from 'node:process';
import { createBehavior } from '../actors/behavior.ts';
import type { BotActorState } from '../actors/bot-actor-state.ts';
import type { BotSpec } from '../actors/bot-spec.ts';
import type { BotEffect, StartEffect } from '../actors/effect.ts';
import type { BotMessage } from '../actors/message.ts';
import type { ContainerFacts, ExitFacts, LastWords, Observation } from '../actors/observation.ts';
import type { Lane } from '../src/kernel/behavior.ts';
import { createLocalShard } from '../src/kernel/local-shard.ts';
import { createVirtualClock } from '../src/kernel/virtual-clock.ts';
import { ACTOR_SETTINGS } from '../test/actors/actor-settings.ts';
import { report } from './report.ts';

const ACTORS = 100_000;
const BAR_BYTES = 1_536;
const START_MS = 1_800_000_000_000;

const collect = globalThis.gc;
if (collect === undefined) {
  console.error(
    'Run it as `node --expose-gc bench/actor-memory.ts`: without --expose-gc, garbage would be counted as well.',
  );
  process.exit(1);
}

const clock = createVirtualClock({ startMs: START_MS });
/** Engine effects not answered yet; at most one per bot. */
const asked = new Map<string, StartEffect>();
const tally = { started: 0, crashed: 0, restarted: 0, running: 0 };

const shard = createLocalShard<BotActorState, BotMessage, BotEffect>({
  id: 'memory',
  behavior: createBehavior(ACTOR_SETTINGS),
  clock,
  listener: {
    effects: (batch) => {
      for (const { effect } of batch) note(effect);
    },
    undelivered: ([first]) => {
      throw new Error(`not delivered: ${first?.cause}`);
    },
    dead: (error) => {
      throw error;
    },
  },
  limits: {
    mailboxSize: 64,
    messagesPerActorTurn: 16,
    turnBudgetMs: 8,
    dueTimersPerTurn: 1_024,
    unhandledEnvelopes: 65_536,
    restartBudget: { count: 5, withinMs: 60_000 },
    controlDeadlineMs: 10_000,
  },
});

const specs = Array.from({ length: ACTORS }, specOf);
collect();
const before = process.memoryUsage().heapUsed;

for (let first = 0; first < ACTORS; first += 1_000) {
  const bots = specs.slice(first, first + 1_000);
  for (const spec of bots) {
    shard.post({ to: spec.id, lane: 'user', message: { kind: 'desired', spec }, spawn: true });
    observe(spec.id, null, null);
  }
  clock.advance(20);
  const containers = new Map(bots.map(({ id }) => [id, randomBytes(32).toString('hex')]));
  for (const spec of bots) answer(spec, containers.get(spec.id) ?? '');
  clock.advance(9_000);
  for (const spec of bots) {
    tell(spec.id, 'observation', {
      kind: 'observed',
      observation: exited(spec, containers.get(spec.id) ?? '', incarnationOf(first)),
    });
  }
  clock.advance(20);
  for (const spec of bots) answer(spec, containers.get(spec.id) ?? '');
  clock.advance(20);
}
asked.clear();

collect();
const bytes = (process.memoryUsage().heapUsed - before) / ACTORS;

for (const done of [tally.started, tally.crashed, tally.restarted]) {
  if (done !== ACTORS) throw new Error(`not every actor went through everything: ${JSON.stringify(tally)}`);
}
if (tally.running !== 2 * ACTORS) throw new Error(`not every actor runs: ${JSON.stringify(tally)}`);
if (clock.pending() > 1) throw new Error('actors at rest have timers');

report(
  [
    {
      what: '100,000 actors after start, running and one crash: heap per actor beside its spec',
      figure: bytes,
      unit: 'bytes',
      floor: BAR_BYTES,
      ratio: bytes / BAR_BYTES,
      bar: '<= 1.00',
      pass: bytes <= BAR_BYTES,
    },
  ],
  { json: process.argv.includes('--json') },
);
// Not before here, or the actors could be collected before they are measured.
shard.kill();
specs.length = 0;

function note(effect: BotEffect): void {
  if (effect.kind === 'start') asked.set(effect.botId, effect);
  if (effect.kind !== 'record') return;
  if (effect.reason.code === 'first-start') tally.started += 1;
  if (effect.reason.code === 'bot-crashed') tally.crashed += 1;
  if (effect.reason.code === 'restart-after-crash') tally.restarted += 1;
  if (effect.to === 'running') tally.running += 1;
}

/** As from another thread: nothing is shared with what the sender keeps. */
function tell(to: string, lane: Lane, message: BotMessage): void {
  shard.post({ to, lane, message: structuredClone(message) });
}

function observe(botId: string, container: ContainerFacts | null, lastExit: ExitFacts | null): void {
  tell(botId, 'observation', { kind: 'observed', observation: { botId, container, lastExit, at: clock.now() } });
}

/** The start was carried out. */
function answer(spec: BotSpec, containerId: string): void {
  const start = asked.get(spec.id);
  if (start === undefined) throw new Error(`${spec.id} was not started`);
  asked.delete(spec.id);
  const { incarnation } = start;
  const observation = {
    botId: spec.id,
    container: container(spec, containerId, incarnation),
    lastExit: null,
    at: clock.now(),
  };
  tell(spec.id, 'system', { kind: 'effect-done', effect: 'start', incarnation, observation });
}

/** Each thousand bots take this much longer than the thousand before. */
function incarnationOf(first: number): number {
  return START_MS + (first / 1_000) * 9_060;
}

function exited(spec: BotSpec, containerId: string, incarnation: number): Observation {
  const at = clock.now();
  const lastWords: LastWords = {
    the0: 1,
    code: 'bot-exited',
    facts: { exitCode: 1, detail: `ConnectionError: ${spec.id.slice(0, 8)}.example.com:443 closed the stream` },
  };
  return {
    botId: spec.id,
    container: { ...container(spec, containerId, incarnation), phase: 'exited', endpoint: null },
    lastExit: { incarnation, code: 1, signal: null, outOfMemory: false, lastWords, at },
    at,
  };
}

function container(spec: BotSpec, containerId: string, incarnation: number): ContainerFacts {
  const { specRevision, shapeRevision } = spec;
  const endpoint = { host: `172.20.${incarnation % 250}.${containerId.charCodeAt(0)}`, port: 9476 };
  return { containerId, incarnation, specRevision, shapeRevision, phase: 'running', paused: false, endpoint };
}

function specOf(): BotSpec {
  return {
    id: randomUUID(),
    kind: 'realtime',
    enabled: true,
    runtime: 'python3.11',
    entrypoint: 'main.py',
    queryEntrypoint: 'query.py',
    schedule: null,
    specRevision: randomBytes(8).toString('hex'),
    shapeRevision: 'a5b6c7d8e9f00112',
    problem: null,
  };
}
