import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { BotReport } from '../../../src/admin/wire.ts';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { docker } from '../../services/docker.ts';
import { Random } from '../../simulation/random.ts';
import { BRIEF, IDLE, LASTING, TELLING } from './code.ts';
import { short } from './container-history.ts';
import { DesiredBot } from './desired-bot.ts';
import type { RoleName, RoleProcess } from './role-process.ts';
import type { ServiceName, ServicesStage } from './services-stage.ts';
import { beginTrouble, type Trouble } from './trouble.ts';

const SETTLES_MS = 120_000;
const LOOK_MS = 100;
const MOST_STORY = 300;
/** An actor that threw, an error that nobody expected, a stack of Node's. */
const DEFECT = /"code":"actor-failed"|TypeError|RangeError|AssertionError|Unhandled|^\s+at .*:\d+:\d+/;

export interface RoundSize {
  readonly bots: number;
  readonly kills: number;
}

/** Bots of its own, the API that changes them, and the role that keeps them and is killed again and again. */
export class Round {
  readonly seed: number;
  readonly random: Random;
  readonly stage: ServicesStage;
  readonly size: RoundSize;
  readonly bots: readonly DesiredBot[];
  /** How often a living role was killed. */
  kills = 0;
  events = 0;
  readonly #roleName: RoleName;
  readonly #story: string[] = [];
  readonly #roles: RoleProcess[] = [];
  readonly #keepers: RoleProcess[] = [];
  readonly #began = Date.now();
  #dataDir: string;
  #keeperDir: string | undefined;
  #trouble: Trouble | null = null;
  /** Lives of roles in which something was wrong with a service: they may end by themselves. */
  readonly #excused = new Set<RoleProcess>();
  #storeWasAway = false;

  constructor(seed: number, stage: ServicesStage, size: RoundSize, roleName: RoleName = 'bot-runner') {
    this.seed = seed;
    this.random = new Random(seed);
    this.stage = stage;
    this.size = size;
    this.#roleName = roleName;
    this.#dataDir = stage.newPlace();
    this.bots = Array.from({ length: size.bots }, (_, at) => this.#newBot(at));
  }

  /** What somebody needs who wants to understand a failure. */
  get story(): string {
    const roles = this.#all.map((role) => `${this.#nameOf(role)}, in ${role.dataDir}:\n${role.output}`);
    const ids = new Set(this.bots.map(({ id }) => id));
    const lives = this.stage.history.lives
      .filter(({ botId }) => ids.has(botId))
      .map((life) => {
        const { botId, containerId, startedAt, endedAt, exitCode, occurrence, specRevision, wasEnded } = life;
        const which = occurrence ?? `n ${this.#bot(botId)?.versionOf(specRevision)?.n}`;
        const times = [startedAt, endedAt].map((at) => (at === null ? '-' : new Date(at).toISOString().slice(11, 23)));
        return `${botId} ${short(containerId)} ${which} ${times.join(' to ')} exit ${exitCode} ended ${wasEnded}`;
      });
    return ['steps:', ...this.#story, 'containers:', ...lives, ...roles].join('\n');
  }

  /** Everything that the roles of this round printed. */
  get outputs(): string {
    return this.#all.map(({ output }) => output).join('\n');
  }

  get #all(): readonly RoleProcess[] {
    return [...this.#roles, ...this.#keepers];
  }

  #nameOf(role: RoleProcess): string {
    const at = this.#roles.indexOf(role);
    return at < 0 ? `the ${role.name} beside it` : `role ${at + 1}`;
  }

  note(step: string): void {
    if (this.#story.length < MOST_STORY) this.#story.push(`${new Date().toISOString().slice(11, 23)} ${step}`);
  }

  get role(): RoleProcess {
    const role = this.#roles.at(-1);
    if (role === undefined) throw new Error('no role was started');
    return role;
  }

  start(where: 'same' | 'new' = 'same'): RoleProcess {
    if (where === 'new') this.#dataDir = this.stage.newPlace();
    const role = this.stage.begin(this.#roleName, this.#dataDir);
    if (this.#trouble !== null) this.#excused.add(role);
    this.#roles.push(role);
    this.note(`role ${this.#roles.length} starts, in ${where === 'new' ? 'a new' : 'the same'} data directory`);
    return role;
  }

  /** A role beside the one that is killed; it goes on for the whole round, in one data directory. */
  keep(name: RoleName): void {
    this.#keeperDir ??= this.stage.newPlace();
    const keeper = this.stage.begin(name, this.#keeperDir);
    if (this.#trouble !== null) this.#excused.add(keeper);
    this.#keepers.push(keeper);
    this.note(`${name} starts`);
  }

  get keeper(): RoleProcess | undefined {
    return this.#keepers.at(-1);
  }

  /** Somebody takes its role over, so it may end. */
  excuse(role: RoleProcess): void {
    this.#excused.add(role);
  }

  async kill(role = this.role): Promise<void> {
    if (await role.kill()) this.kills += 1;
    this.note(`${this.#nameOf(role)} is killed${role.runs ? '' : ' while it starts'}`);
    this.#checkEnd(role);
  }

  /** Somewhere in its start, or at its work. */
  async killSomewhere(): Promise<void> {
    if (this.random.chance(0.35)) {
      await delay(this.random.between(0, 1_200));
    } else {
      await this.role.isUp();
      await this.publishSome(5);
      await delay(this.random.between(0, 900));
    }
    await this.kill();
  }

  async publishSome(most: number): Promise<void> {
    if (this.#trouble?.isApiDeaf === true) return;
    for (let left = this.random.between(1, most); left > 0; left -= 1) {
      const bot = this.bots[this.random.between(0, this.bots.length - 1)];
      // The first ones are never touched after their first start.
      if (bot === undefined || this.bots.indexOf(bot) < this.untouched) continue;
      await bot.changeSomehow(this.stage, this.random);
      this.events += 1;
      this.note(`${bot.id} is ${bot.wish}, n ${bot.n}`);
    }
  }

  /** The object store was away, so bots may have ended because of that. */
  get storeWasAway(): boolean {
    return this.#storeWasAway;
  }

  get untouched(): number {
    return Math.max(1, Math.floor(this.size.bots / 5));
  }

  async createAll(): Promise<void> {
    for (const bot of this.bots) await bot.change(this.stage, 'enabled');
    this.events += this.bots.length;
    this.note(`${this.bots.length} bots are created`);
  }

  async trouble(service: ServiceName): Promise<void> {
    this.#trouble = await beginTrouble(service, this.stage, this.random);
    for (const role of this.#all) if (!role.hasEnded) this.#excused.add(role);
    if (service === 'minio') this.#storeWasAway = true;
    this.note(this.#trouble.what);
  }

  async mend(): Promise<void> {
    if (this.#trouble === null) return;
    await this.#trouble.mend();
    this.note(`${this.#trouble.what}: mended`);
    this.#trouble = null;
  }

  /** Starts what has ended by itself again, as an orchestrator does. */
  async standsUp(): Promise<void> {
    if (this.role.hasEnded) {
      this.#checkEnd(this.role);
      await delay(this.random.between(0, 300));
      this.start();
    }
    const { keeper } = this;
    if (keeper?.hasEnded !== true) return;
    this.#checkEnd(keeper);
    this.keep(keeper.name);
  }

  /** Waits until what runs is what is desired; starts the role again if it ends meanwhile, as an orchestrator does. */
  async settles(): Promise<void> {
    let differences: string[] = [];
    await poll(
      'the desired bots, and no others, to run',
      async () => {
        await this.standsUp();
        differences = await this.#differences();
        return differences.length === 0 || undefined;
      },
      SETTLES_MS,
      LOOK_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${differences.join('; ')}`);
    });
    this.note('what is desired runs');
  }

  /** Everything that must hold once all is quiet. */
  async check(): Promise<void> {
    await this.settles();
    await this.stage.history.settled();
    await this.checkDocuments();
    await this.#checkEnvironments();
    this.checkLives();
    this.checkOutputs();
    await this.#checkReasons();
  }

  /** One more start, after which nothing but the process is new. */
  async leavesAllInPeace(): Promise<void> {
    const before = await this.#running();
    await this.kill();
    this.start();
    assert.ok(await this.role.isUp(), 'the role did not start again');
    const wanted = this.bots.filter(({ wish }) => wish === 'enabled').length;
    await poll(
      'all bots to be adopted',
      async () => {
        const bots = await this.#reports();
        return bots.filter(({ state }) => state === 'running').length === wanted || undefined;
      },
      SETTLES_MS,
      LOOK_MS,
    );
    for (const { id, state, reason } of await this.#reports()) {
      if (state === 'running') assert.equal(reason.code, 'adopted', `${id}: ${reason.text}`);
    }
    await this.stage.history.settled();
    assert.deepEqual(await this.#running(), before, 'a restart of the role changed what runs');
  }

  /** All bots go. */
  async removeAll(): Promise<void> {
    for (const bot of this.bots) if (bot.wish !== 'deleted') await bot.change(this.stage, 'deleted');
    await this.settles();
    await this.checkDocuments();
  }

  async end(): Promise<void> {
    await this.mend().catch(() => undefined);
    for (const role of this.#all) {
      role.thaw();
      await role.kill();
    }
  }

  /** Never two of a bot at once, none twice, none with a config that was not the bot's, none without a reason. */
  checkLives(): void {
    assert.deepEqual(this.stage.history.violations, []);
    for (const [at, bot] of this.bots.entries()) {
      let last = 0;
      let mayRepeat = false;
      for (const { specRevision, exitCode, wasEnded, endedAt } of this.stage.history.of(bot.id)) {
        const version = bot.versionOf(specRevision);
        assert.ok(version !== undefined, `${bot.id} ran with a config that was never published`);
        assert.equal(version.wish, 'enabled', `${bot.id} ran with a config that disables it`);
        const isNews = version.n > last || (mayRepeat && version.n === last);
        assert.ok(isNews, `${bot.id} was started with n ${version.n} after ${last}, without a reason`);
        last = version.n;
        mayRepeat = endedAt !== null && !wasEnded;
        const why = `${bot.id} ended by itself with code ${exitCode}`;
        assert.ok(!mayRepeat || this.#storeWasAway, why);
      }
      if (at < this.untouched && !this.#storeWasAway) assert.ok(last <= 1, `${bot.id} is not untouched`);
    }
  }

  /** No failure that is the runtime's own. */
  checkOutputs(): void {
    const defect = this.outputs.split('\n').find((line) => DEFECT.test(line));
    assert.equal(defect, undefined, `the runtime failed by itself: ${defect}`);
  }

  #newBot(at: number): DesiredBot {
    const { seed, random } = this;
    switch (this.#roleName) {
      case 'bot-runner':
        return new DesiredBot(`r${seed}-${at}`, IDLE);
      case 'query-server':
        return new DesiredBot(`q${seed}-${at}`, TELLING);
      case 'bot-scheduler': {
        const code = random.chance(0.3) ? LASTING : BRIEF;
        return new DesiredBot(`s${seed}-${at}`, code, random.pick(['* * * * * *', '*/2 * * * * *']));
      }
    }
  }

  #bot(botId: string): DesiredBot | undefined {
    return this.bots.find(({ id }) => id === botId);
  }

  #checkEnd(role: RoleProcess): void {
    if (role.exitCode === null) return;
    this.note(`${this.#nameOf(role)} has ended by itself with code ${role.exitCode}`);
    assert.ok(this.#excused.has(role), `${this.#nameOf(role)} ended by itself with code ${role.exitCode}`);
    assert.equal(role.exitCode, 1, 'the role ended because of a defect');
  }

  async #containers() {
    const label = [`the0.instance=${this.stage.instance}`, 'the0.role=bot'];
    const found = await docker.listContainers({ all: true, filters: { label } });
    const ids = new Set(this.bots.map(({ id }) => id));
    return found.filter(({ Labels }) => ids.has(Labels['runtime.id'] ?? ''));
  }

  async #differences(): Promise<string[]> {
    const found = await this.#containers();
    return this.bots.flatMap(({ id, revision, n }) => {
      const own = found.filter(({ Labels }) => Labels['runtime.id'] === id);
      const [only] = own;
      if (revision === null) return own.length === 0 ? [] : [`${id} should be gone and is ${only?.State}`];
      if (own.length !== 1 || only === undefined) return [`${id} has ${own.length} containers`];
      if (only.State !== 'running') return [`${id} is ${only.State}`];
      return only.Labels['the0.spec-revision'] === revision ? [] : [`${id} does not run with n ${n}`];
    });
  }

  async #running(): Promise<string[]> {
    const found = await this.#containers();
    const starts = found.map(
      async ({ Id }) => `${short(Id)} ${(await docker.getContainer(Id).inspect()).State.StartedAt}`,
    );
    return (await Promise.all(starts)).sort();
  }

  async #checkEnvironments(): Promise<void> {
    for (const { Id, Labels } of await this.#containers()) {
      const { Config } = await docker.getContainer(Id).inspect();
      const variable = Config.Env.find((one) => one.startsWith('BOT_CONFIG='));
      const config: unknown = JSON.parse(variable?.slice('BOT_CONFIG='.length) ?? 'null');
      assert.deepEqual(config, this.#bot(Labels['runtime.id'] ?? '')?.config);
    }
  }

  /** No event was lost. */
  async checkDocuments(): Promise<void> {
    for (const { id, kind, wish, config } of this.bots) {
      const documents = botsOf(this.stage.client, kind === 'bot' ? 'realtime' : 'scheduled');
      const stored = await poll(
        `the document of ${id}`,
        async () => {
          const document = await documents.findOne({ id });
          const isThere = document !== null;
          if (isThere !== (wish !== 'deleted')) return undefined;
          return document === null || document['config']?.n === config['n'] ? { document } : undefined;
        },
        SETTLES_MS,
        LOOK_MS,
      );
      if (stored.document !== null) assert.deepEqual(stored.document['config'], config);
    }
  }

  async #reports(): Promise<readonly BotReport[]> {
    const ids = new Set(this.bots.map(({ id }) => id));
    return (await this.role.admin.bots()).filter(({ id }) => ids.has(id));
  }

  /** `why` says of each bot that it runs, or why it does not. */
  async #checkReasons(): Promise<void> {
    for (const bot of this.bots) {
      if (bot.wish === 'deleted') continue;
      const wanted = bot.wish === 'enabled' ? 'running' : 'stopped';
      const told = await poll(
        `${bot.id} to be told as ${wanted}`,
        async () => {
          const reply = await this.role.admin.why(bot.id).catch(() => undefined);
          return reply?.bot.state === wanted ? reply : undefined;
        },
        SETTLES_MS,
        LOOK_MS,
      );
      const { reason } = told.bot;
      assert.notEqual(reason.text, '');
      assert.equal(reason.severity, 'info', `${bot.id}: ${reason.text}`);
      if (bot.wish === 'disabled') assert.equal(reason.code, 'disabled');
    }
  }

  /** For people. */
  get summary(): string {
    return `${this.kills} kills, ${this.events} events, ${Math.round((Date.now() - this.#began) / 1000)} s`;
  }
}
