import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentLimits } from '../../../src/agent/agent-limits.ts';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../../src/storage/object-store.ts';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';
import { content } from '../../agent/state/state-fixture.ts';
import { Random } from '../../simulation/random.ts';
import { listTree } from '../../storage/archive/other-readers.ts';
import type { AgentProgram } from './agent-program.ts';
import { AgentRun } from './agent-run.ts';
import { Bot } from './bot.ts';
import { FaultProxy, MOMENTS, NO_FAULT, type Plan } from './fault-proxy.ts';
import { Journal, type Version, versionsOf } from './journal.ts';
import { StoredBot } from './stored-bot.ts';

const SPOOLS_IN_MEMORY = 1024 * 1024;
const SPOOLS_ON_DISK = 4_096;
const FOREIGN_LOG_BYTES = 5.5 * 1024 * 1024;
const MOST_STARTS = 20;
const POLL_MS = 5;
const DEADLINE_MS = 60_000;
/** By then everything is stored that could not be while the store was away: far more than the agent's pauses here. */
const CATCH_UP_MS = 60_000;
/** How long one sync waits for files that are being written. */
const PATIENCE_MS = [0, 0, 1_000] as const;

/** What the points have in common. */
export interface Stage {
  /** What syncs. */
  readonly program: AgentProgram;
  /** Past all proxies. */
  readonly store: ObjectStore;
  readonly access: S3Access;
  readonly longestOutageMs: number;
}

/** A bot of its own in the store, its proxy, its containers and the agents in them. */
export class Point {
  readonly random: Random;
  readonly journal = new Journal();
  readonly stored: StoredBot;
  readonly proxy: FaultProxy;
  readonly directory: string;
  readonly #program: AgentProgram;
  readonly #access: S3Access;
  readonly #cleanUps: (() => Promise<void>)[] = [];
  readonly #agents: AgentRun[] = [];
  readonly #limits: Partial<AgentLimits>;
  readonly #coarseClock: boolean;
  #containers = 0;
  #epoch = 1_000;

  /** How long the store is away. */
  readonly outageMs: number;

  private constructor(
    botId: string,
    seed: number,
    { program, store, access, longestOutageMs }: Stage,
    proxy: FaultProxy,
  ) {
    this.random = new Random(seed);
    this.stored = new StoredBot(store, botId);
    this.proxy = proxy;
    this.directory = mkdtempSync(join(tmpdir(), 'the0-fault-'));
    this.#program = program;
    this.#access = { ...access, endpoint: proxy.endpoint };
    this.outageMs = this.random.chance(0.5) ? longestOutageMs : this.random.between(0, longestOutageMs);
    this.#coarseClock = this.random.chance(0.7);
    this.#limits = {
      stateSpoolMemoryBytes: this.random.chance(0.5) ? SPOOLS_ON_DISK : SPOOLS_IN_MEMORY,
      statePatienceMs: this.random.pick(PATIENCE_MS),
    };
    proxy.onDone = (target) => {
      if (target.startsWith(`/${DEFAULT_BUCKETS.state}/`)) this.stored.look(this.journal);
    };
  }

  static async begin(botId: string, seed: number, stage: Stage): Promise<Point> {
    const point = new Point(botId, seed, stage, await FaultProxy.start(stage.access.endpoint));
    // From 5 MiB on, parts of an object are kept: other requests, and more of them.
    if (point.random.chance(0.3)) await point.stored.putForeignLog(FOREIGN_LOG_BYTES);
    return point;
  }

  /** What somebody needs who wants to understand a failure. */
  get story(): string {
    const agents = this.#agents.map(({ output }, at) => `agent ${at + 1}:\n${output}`);
    return ['requests:', ...this.proxy.trace, ...agents].join('\n');
  }

  after(cleanUp: () => Promise<void>): void {
    this.#cleanUps.push(cleanUp);
  }

  /** Whatever still runs is ended; nothing stays, here or in the store. */
  async end(): Promise<void> {
    for (const agent of this.#agents) agent.kill();
    await Promise.all(this.#agents.map((agent) => agent.ended));
    await this.proxy.close();
    // What it has seen was said where the point was checked.
    await this.stored.looked().catch(() => undefined);
    for (const cleanUp of this.#cleanUps) await cleanUp();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    await this.stored.remove();
  }

  /** With an empty directory, and a later incarnation than all before. */
  container(root = join(this.directory, String(this.#containers + 1))): Bot {
    this.#containers += 1;
    this.#epoch += 1;
    mkdirSync(root, { recursive: true });
    const bot = new Bot(root, `s${this.#containers}`, this.journal, this.random);
    if (this.#containers === 1 && this.random.chance(0.3)) bot.writeBallast();
    return bot;
  }

  /** Of the latest incarnation. */
  agent(bot: Bot): AgentRun {
    const { botId } = this.stored;
    if (this.#program.writesLog) bot.beginRun();
    const agent = new AgentRun(this.#program, {
      botId,
      root: bot.root,
      linesFile: bot.linesFile,
      epoch: this.#epoch,
      access: this.#access,
      limits: this.#limits,
      coarseClock: this.#coarseClock,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** The agent writes down what the bot says. */
  get writesLog(): boolean {
    return this.#program.writesLog;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** @returns whether the bot may run; it has then what was stored, if it had nothing before */
  async ready(bot: Bot, agent: AgentRun): Promise<boolean> {
    if (!(await agent.isReady())) {
      assert.notEqual(agent.end, 'crashed');
      return false;
    }
    if (bot.hasLived) return true;
    const tree = versionsOf(listTree(bot.state));
    assert.deepEqual(this.journal.faultsOf(tree), []);
    if (tree.size === 0) {
      assert.deepEqual(await this.stored.tree(), [], 'the bot begins with nothing, and there is a stored state');
    }
    bot.adoptRestored();
    return true;
  }

  /** Starts agents until one of them lets the bot run. */
  async insist(bot: Bot): Promise<AgentRun> {
    for (let starts = 0; starts < MOST_STARTS; starts += 1) {
      const agent = this.agent(bot);
      if (await this.ready(bot, agent)) return agent;
      if (starts === MOST_STARTS / 2) await this.proxy.calm();
    }
    throw new Error('no agent could start');
  }

  async check(): Promise<void> {
    await this.stored.checkState(this.journal);
    await this.stored.checkLog();
  }

  /** All is quiet again: what the bot has must now be what is stored, and its log must be there whole. */
  async recover(bot: Bot, running: AgentRun | null): Promise<void> {
    await this.proxy.calm();
    const agent = running ?? (await this.insist(bot));
    if (this.random.chance(0.2)) await bot.beat();
    await this.settled(bot);
    assert.equal(await agent.stop(), 'stopped');
    await this.allIsStored(bot);
  }

  /** Nothing is half done, and the local log has every line. */
  async settled(bot: Bot): Promise<void> {
    bot.settle();
    await until('the last line to be in the log', () => (bot.written.get(bot.source) ?? 0) >= bot.lines);
  }

  /** The agent needs no change and no stop for it: it goes on by itself. */
  async catchesUp(bot: Bot): Promise<void> {
    const expected = versionsOf(listTree(bot.state));
    const missing = async () => {
      const versions = (await this.stored.versions()) ?? new Map<string, Version>();
      const lines = await this.stored.checkLog();
      const names = new Set([...versions.keys(), ...expected.keys()]);
      return [
        ...[...names].filter((name) => versions.get(name) !== expected.get(name)),
        ...[...bot.written].filter(([source, written]) => lines.get(source) !== written).map(([source]) => source),
      ];
    };
    const isThere = async () => (await missing()).length === 0;
    await until('the agent to catch up', isThere, { deadlineMs: CATCH_UP_MS, pollMs: 100 }).catch(async (error) => {
      throw new Error(`not stored after the outage: ${await missing()}`, { cause: error });
    });
  }

  /** The agent has ended and said that all is stored. */
  async allIsStored(bot: Bot): Promise<void> {
    await this.proxy.calm();
    await this.stored.looked();
    const tree = await this.stored.tree();
    assert.deepEqual(content(tree), content(listTree(bot.state)), 'what is stored is not what the bot has');
    this.journal.confirm(versionsOf(tree));
    const lines = await this.stored.checkLog();
    for (const [source, written] of bot.written) {
      assert.equal(lines.get(source), written, `lines of ${source} are missing at the end of the log`);
    }
  }

  /** Kills, or cuts a connection, at one of the next requests. */
  breakSoon(strike: () => void, within = 16): Plan {
    const at = this.random.pick(MOMENTS);
    const number = this.random.between(1, within);
    // Time for the agent to do something with what it has.
    const afterMs = this.random.chance(0.4) ? this.random.between(1, 60) : 0;
    return (request) => (request.number === number ? { kind: 'break', at, afterMs, strike } : NO_FAULT);
  }
}

/** Polls. @throws when it takes far too long */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { deadlineMs = DEADLINE_MS, pollMs = POLL_MS } = {},
): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await delay(pollMs);
  }
}
