import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createBehavior } from '../../actors/behavior.ts';
import type { BotEffect, BotStatus, RecordEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { Route } from '../../actors/route.ts';
import type { BotActorSettings } from '../../actors/settings.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import type { DesiredState, DesiredStateListener } from '../../src/desired/desired-state.ts';
import type { RunLedger } from '../../src/desired/run-ledger.ts';
import type { KernelLimits } from '../../src/kernel/limits.ts';
import { createLocalShard } from '../../src/kernel/local-shard.ts';
import type { Shard, ShardListener } from '../../src/kernel/shard.ts';
import { createVirtualClock, type VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { Journal } from '../../src/supervisor/journal.ts';
import { placeBot } from '../../src/supervisor/placement.ts';
import type { MakeShard } from '../../src/supervisor/shard-pool.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import type { SupervisorOptions } from '../../src/supervisor/supervisor-options.ts';
import { ACTOR_SETTINGS as COMMON_SETTINGS } from '../actors/actor-settings.ts';
import { FakeEngine } from './fake-engine.ts';

export const LIMITS: KernelLimits = {
  mailboxSize: 64,
  messagesPerActorTurn: 16,
  turnBudgetMs: 8,
  dueTimersPerTurn: 1_024,
  unhandledEnvelopes: 10_000,
  restartBudget: { count: 5, withinMs: 60_000 },
  controlDeadlineMs: 10_000,
};

/** Short ones: the clock is a virtual one, but shards yield. */
export const ACTOR_SETTINGS: BotActorSettings = {
  ...COMMON_SETTINGS,
  restart: { ...COMMON_SETTINGS.restart, firstRetryMs: 10, capMs: 30_000 },
  startDeadlineMs: 5_000,
  stopDeadlineMs: 4_000,
  orphanGraceMs: 3_000,
  dependencyRetryMs: 2_000,
};

/** The desired state as the test says; what there is at the start is given in `begin`. */
export class FakeDesired implements DesiredState {
  listener: DesiredStateListener | null = null;
  begin: readonly BotDefinition[] = [];
  closed = 0;
  closing: () => Promise<void> = async () => {};
  onStart: () => void = () => {};

  async start(listener: DesiredStateListener): Promise<void> {
    this.onStart();
    this.listener = listener;
    for (const definition of this.begin) listener.changed(definition);
    listener.synced();
  }

  async close(): Promise<void> {
    this.closed += 1;
    this.listener = null;
    await this.closing();
  }
}

export interface StageOptions {
  readonly shards?: number;
  readonly limits?: Partial<KernelLimits>;
  readonly ledger?: (clock: VirtualClock) => RunLedger;
  readonly supervisor?: Partial<SupervisorOptions>;
  /** Stands between the supervisor and its shards. */
  readonly wrapShard?: (shard: Shard<BotMessage>, listener: ShardListener<BotMessage, BotEffect>) => Shard<BotMessage>;
  /** Makes an actor throw. */
  readonly throws?: (botId: string, message: BotMessage) => boolean;
  /** Makes actors throw, and also fail to recover. */
  readonly breaks?: () => boolean;
}

/** A supervisor with real actors on local shards, a virtual clock, a journal in a directory of its own, and a fake world around. */
export class Stage {
  readonly clock: VirtualClock = createVirtualClock({ startMs: 1_700_000_000_000 });
  readonly engine = new FakeEngine(this.clock);
  readonly desired = new FakeDesired();
  readonly routes = new Map<string, Route>();
  readonly records: RecordEffect[] = [];
  readonly faults: string[] = [];
  /** By id; the newest of each. */
  readonly shards = new Map<string, Shard<BotMessage>>();
  /** While true, no shard can be made. */
  noShards = false;
  /** How long it takes to make one, in milliseconds. */
  makeMs = 0;
  /** How long what a shard tells is on its way, in milliseconds. */
  reportMs = 0;
  shardsMade = 0;
  readonly journal: Journal;
  readonly supervisor: Supervisor;

  constructor(t: TestContext, options: StageOptions = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'the0-supervisor-'));
    this.journal = new Journal({
      directory,
      clock: this.clock,
      segmentBytes: 1024 ** 2,
      segments: 3,
      pendingLines: 1000,
      retryMs: 10,
    });
    this.supervisor = new Supervisor({
      engine: this.engine,
      desired: this.desired,
      journal: this.journal,
      clock: this.clock,
      makeShard: this.#shardMaker(options),
      shards: options.shards ?? 2,
      shardReplacement: { first: 100, cap: 1_000, forgivenMs: 60_000 },
      offerAgainMs: 20,
      lostActorPauseMs: 1_000,
      floodStarts: 4,
      liveStarts: 4,
      ledger: options.ledger?.(this.clock) ?? null,
      scheduledRuns: 64,
      ledgerCallDeadlineMs: 5_000,
      ledgerCalls: 64,
      engineCallDeadlineMs: 600_000,
      openQuestions: 100,
      setRoute: (botId, route) => {
        if (route === null) this.routes.delete(botId);
        else this.routes.set(botId, route);
      },
      onTransition: (record) => this.records.push(record),
      onFault: (sentence) => this.faults.push(sentence),
      ...options.supervisor,
    });
    t.after(async () => {
      await this.during(this.supervisor.close());
      const closing = this.journal.close();
      await this.during(closing);
      rmSync(directory, { recursive: true, force: true });
    });
  }

  /** Starts with these bots desired. */
  async start(...bots: BotDefinition[]): Promise<void> {
    this.desired.begin = bots;
    await this.during(this.supervisor.start());
    await this.advance(200);
  }

  desire(bot: BotDefinition): void {
    this.desired.listener?.changed(bot);
  }

  delete(botId: string): void {
    this.desired.listener?.removed(botId);
  }

  /** Moves time forward in small steps, and lets promises settle at each. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5) {
      this.clock.advance(Math.min(5, left));
      await settled();
    }
  }

  /**
   * Moves time forward until the promise settles. The journal is on a real disk, whose time is another: after many steps
   * each one waits a little, so that a slow disk can finish and what follows on the clock still happens.
   */
  async during<Value>(promise: Promise<Value>): Promise<Value> {
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    for (let steps = 0; pending && steps < 70_000; steps += 1) {
      await this.advance(10);
      if (steps > 10_000) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return await promise;
  }

  async status(botId: string): Promise<BotStatus | undefined> {
    return (await this.supervisor.list()).find(({ id }) => id === botId);
  }

  async states(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.supervisor.list()).map(({ id, state }) => [id, state]));
  }

  shardOf(botId: string): Shard<BotMessage> {
    const shard = this.shards.get(placeBot(botId, [...this.shards.keys()]));
    assert.ok(shard);
    return shard;
  }

  reasonsOf(botId: string): string[] {
    return this.records.filter((record) => record.botId === botId).map(({ reason }) => reason.code);
  }

  #shardMaker(options: StageOptions): MakeShard {
    const actors = createBehavior(ACTOR_SETTINGS);
    const behavior: typeof actors = {
      ...actors,
      receive: (state, message, now) => {
        if (options.throws?.(state.id, message) === true || options.breaks?.() === true)
          throw new Error('planted failure');
        return actors.receive(state, message, now);
      },
      recover: (...step) => {
        if (options.breaks?.() === true) throw new Error('planted failure to recover');
        return actors.recover(...step);
      },
    };
    return async (id: string, listener: ShardListener<BotMessage, BotEffect>) => {
      if (this.noShards) throw new Error('no memory for a thread');
      this.shardsMade += 1;
      if (this.makeMs > 0) await new Promise<void>((resolve) => this.clock.schedule(this.makeMs, resolve));
      const limits = { ...LIMITS, ...options.limits };
      const made = createLocalShard({ id, behavior, listener: this.#distant(listener), clock: this.clock, limits });
      const wrapped = options.wrapShard?.(made, listener) ?? made;
      this.shards.set(id, wrapped);
      return wrapped;
    };
  }

  /** As from another thread: what is said arrives later, in order, and nothing after its death. */
  #distant(listener: ShardListener<BotMessage, BotEffect>): ShardListener<BotMessage, BotEffect> {
    let alive = true;
    const later = (tell: () => void): void => {
      if (this.reportMs === 0) tell();
      else
        this.clock.schedule(this.reportMs, () => {
          if (alive) tell();
        });
    };
    return {
      effects: (batch) => later(() => listener.effects(batch)),
      undelivered: (batch) => later(() => listener.undelivered(batch)),
      dead(error) {
        alive = false;
        listener.dead(error);
      },
    };
  }
}

/** All promises that can settle without time passing have settled. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** The same shard with another way in. */
export function withPost(shard: Shard<BotMessage>, post: Shard<BotMessage>['post']): Shard<BotMessage> {
  return {
    id: shard.id,
    post,
    snapshot: (ids) => shard.snapshot(ids),
    stop: (deadlineMs) => shard.stop(deadlineMs),
    kill: () => shard.kill(),
  };
}
