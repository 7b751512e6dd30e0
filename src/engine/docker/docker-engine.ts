/**
 * The engine on Docker. Words of this folder: a *tracked container* is what is known of one container, the *ledger* holds
 * all of them, a *view* is what Docker shows of one at a moment, the *watch* is the subscription to its changes.
 */
import type { Observation } from '../../../actors/observation.ts';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { type BotCondition, readConditionsIn } from '../bot-conditions.ts';
import { isStored } from '../bot-environment.ts';
import {
  absent,
  type ContainerEngine,
  type ContainerRequest,
  type EngineListener,
  type QueryRunRequest,
  type QueryRunResult,
  type StartRequest,
} from '../container-engine.ts';
import { type ContainerTemplate, containerGraceSeconds, shapeRevision } from './bot-container.ts';
import { BotImage } from './bot-image.ts';
import { BotNetwork } from './bot-network.ts';
import { readConditionsInside } from './conditions-inside.ts';
import { conditionsOfKeys } from './conditions-of-keys.ts';
import { ownLabels } from './container-labels.ts';
import { ContainerLedger } from './container-ledger.ts';
import { ContainerSight } from './container-sight.ts';
import { ContainerStarter } from './container-starter.ts';
import { DockerApi, type DockerDeadlines, type DockerSockets } from './docker-api.ts';
import { toEngineError } from './docker-errors.ts';
import { EventWatch } from './event-watch.ts';
import { ExitReader } from './exit-reader.ts';
import { GoContainers, isGo } from './go-containers.ts';
import { refuseBesideGoRunner } from './go-runner.ts';
import { ListComparison } from './list-comparison.ts';
import { QueryContainers } from './query-containers.ts';
import { SurplusContainers } from './surplus-containers.ts';

export interface DockerEngineOptions extends ContainerTemplate {
  /**
   * Containers of bots that the Go runtime made are taken over (contract 5.2): there is one such runtime at a time on an
   * engine, and this is it. Absent: they are left alone.
   */
  readonly takesOver?: {
    /** What is desired of a bot now, or null. */
    readonly definitionOf: (botId: string) => BotDefinition | null;
  };
  /** False: containers are only looked at, by a process that governs no bots; it ends none by itself. */
  readonly governs: boolean;
  /** Whether an image that is not there is pulled; never for an image that is built locally. */
  readonly pull: 'never' | 'missing';
  /** Name of an existing network; null: a bridge of our own without traffic between containers. */
  readonly network: string | null;
  /** How often the list is compared, in case an event was missed. */
  readonly resyncMs: number;
  readonly deadlines: DockerDeadlines;
  readonly sockets: DockerSockets;
  /** Pauses before Docker is tried again after it was lost: the first, doubling up to the longest; milliseconds. */
  readonly reconnect: { readonly firstMs: number; readonly capMs: number };
  /** How long the last words of a bot are waited for; milliseconds. */
  readonly lastWordsMs: number;
  /** How long a missing image is not looked for again; milliseconds. */
  readonly imageCheckMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For benchmarks: told of every `die` event and every call about one bot, at the moment itself. */
  readonly trace?: (step: TraceStep) => void;
  /** Where Docker is, when not where the environment says. */
  readonly socketPath?: string;
}

export interface TraceStep {
  readonly botId: string;
  readonly step: 'die-received' | 'exit-reported' | 'start' | 'stop' | 'remove' | 'inspect';
}

export function createDockerEngine(options: DockerEngineOptions): ContainerEngine {
  return new DockerEngine(options);
}

class DockerEngine implements ContainerEngine {
  readonly name = 'docker';
  readonly #options: DockerEngineOptions;
  readonly #api: DockerApi;
  readonly #ledger = new ContainerLedger();
  readonly #sight: ContainerSight;
  readonly #comparison: ListComparison;
  readonly #surplus: SurplusContainers;
  readonly #starter: ContainerStarter;
  readonly #queries: QueryContainers;
  readonly #go: GoContainers | null;
  /** Bots with a call under way. */
  readonly #busy = new Set<string>();
  /** Asked for every bot again and again, and there are only these two. */
  readonly #shapes: { store?: string; directory?: string } = {};
  #listener: EngineListener | null = null;
  #watch: EventWatch | null = null;

  constructor(options: DockerEngineOptions) {
    this.#options = options;
    this.#api = new DockerApi(
      options.deadlines,
      options.sockets,
      options.socketPath === undefined ? {} : { socketPath: options.socketPath },
    );
    this.#surplus = new SurplusContainers({
      api: this.#api,
      ledger: this.#ledger,
      owner: options,
      governs: options.governs,
      graceSeconds: containerGraceSeconds(options.limits),
    });
    this.#go =
      options.takesOver === undefined || !options.kinds.includes('realtime')
        ? null
        : new GoContainers({
            ...options.takesOver,
            api: this.#api,
            ledger: this.#ledger,
            owner: options,
            governs: options.governs,
            surplus: this.#surplus,
            now: options.now,
          });
    const view = {
      api: this.#api,
      ledger: this.#ledger,
      go: this.#go,
      owner: options,
      isBusy: (botId: string) => this.#busy.has(botId),
      listener: () => this.#listener,
      now: options.now,
    };
    this.#sight = new ContainerSight({
      ...view,
      exits: new ExitReader(this.#api, options.directories?.logsDirOf ?? null, options.lastWordsMs),
      doubt: (error) => this.#watch?.doubt(error),
      ...(options.trace === undefined ? {} : { trace: options.trace }),
    });
    this.#comparison = new ListComparison({ ...view, sight: this.#sight, surplus: this.#surplus });
    const shared = {
      api: this.#api,
      template: options,
      image: new BotImage(this.#api, options.image, options.pull, options.imageCheckMs),
      network: new BotNetwork(this.#api, options.network),
    };
    this.#starter = new ContainerStarter({
      ...shared,
      ledger: this.#ledger,
      go: this.#go,
      besideGoRuns: options.takesOver !== undefined,
      shapeRevisionOf: (definition) => this.shapeRevisionOf(definition),
    });
    this.#queries = new QueryContainers({ ...shared, sweepMs: options.resyncMs, now: options.now });
  }

  shapeRevisionOf(definition: Pick<BotDefinition, 'filePath'>): string {
    const place = isStored(definition) ? 'store' : 'directory';
    this.#shapes[place] ??= shapeRevision(this.#options, this.#options.network, definition);
    return this.#shapes[place];
  }

  async watch(listener: EngineListener): Promise<void> {
    this.#listener = listener;
    const labels = this.#go?.labels ?? ownLabels(this.#options);
    const watch = new EventWatch(
      {
        connect: () => this.#api.events(labels),
        compare: (first, lost) => this.#comparison.run(first, lost),
        answers: () => this.#api.answers(),
        changed: (event) => this.#sight.changed(event),
        lost: (error) => listener.lost(toEngineError(error, 'Watching containers')),
      },
      this.#options,
    );
    this.#watch = watch;
    try {
      if (this.#options.takesOver !== undefined && this.#options.governs)
        await refuseBesideGoRunner(this.#api, this.#options.kinds);
      await watch.start();
    } catch (error) {
      throw toEngineError(error, 'Watching containers');
    }
    this.#queries.sweepFromNowOn();
  }

  async start(request: StartRequest): Promise<Observation> {
    const botId = request.definition.id;
    return await this.#carryOut(botId, 'start', 'Starting', async () => {
      const container = await this.#starter.start(request);
      return await this.#sight.observe(container, await this.#api.inspect(container.id));
    });
  }

  async stop({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return await this.#carryOut(botId, 'stop', 'Stopping', async () => {
      await this.#api.stop(containerId, containerGraceSeconds(this.#options.limits));
      return await this.#sight.observeById(botId, containerId);
    });
  }

  async remove({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return await this.#carryOut(botId, 'remove', 'Removing', async () => {
      const container = this.#ledger.get(containerId);
      if (container?.identity.occurrence !== undefined && container.phase !== 'exited') {
        if (!(await this.#starter.removeUnbegun(containerId))) return await this.#sight.observeById(botId, containerId);
      } else await this.#starter.remove(containerId);
      return absent(botId, this.#options.now());
    });
  }

  async inspect(botId: string): Promise<Observation> {
    return await this.#carryOut(botId, 'inspect', 'Looking at', async () => {
      const holder = await this.#go?.holderOf(botId);
      return await (holder == null ? this.#sight.observeBot(botId) : this.#sight.observeById(botId, holder.Id));
    });
  }

  async conditions({ botId, containerId }: ContainerRequest): Promise<readonly BotCondition[]> {
    const container = this.#ledger.get(containerId);
    if (container === undefined || container.phase !== 'running') return [];
    const { directories, credentials } = this.#options;
    const ofKeys = credentials === undefined ? [] : conditionsOfKeys(container);
    // The agent of the Go runtime says nothing.
    if (isGo(container.identity)) return ofKeys;
    try {
      const ofAgent =
        directories === null || container.identity.keepsFilesInside
          ? await readConditionsInside(this.#api, containerId, botId)
          : await readConditionsIn(directories.logsDirOf(botId), botId);
      return [...ofKeys, ...ofAgent];
    } catch (error) {
      throw toEngineError(error, `Asking the agent of bot ${botId}`);
    }
  }

  async runQuery(request: QueryRunRequest, signal: AbortSignal): Promise<QueryRunResult> {
    try {
      return await this.#queries.run(request, signal);
    } catch (error) {
      throw toEngineError(error, `Asking bot ${request.definition.id}`);
    }
  }

  get troubles(): readonly string[] {
    return [
      ...this.#comparison.troubles,
      ...this.#surplus.troubles,
      ...(this.#go?.troubles ?? []),
      ...this.#queries.troubles,
    ];
  }

  keysUsed(share: number): readonly string[] {
    const now = this.#options.now();
    const ends = [...this.#ledger.all()].flatMap(({ identity: { botId, incarnation, occurrence, keys }, phase }) => {
      const until = keys?.until ?? null;
      // A run ends by itself, and the next gets keys of its own.
      if (phase !== 'running' || occurrence !== undefined || until === null) return [];
      // They were made when the container was: for how long is the store's to say.
      return now >= incarnation + share * (until - incarnation) ? [{ botId, until }] : [];
    });
    return ends.sort((one, other) => one.until - other.until).map(({ botId }) => botId);
  }

  async close(): Promise<void> {
    this.#listener = null;
    this.#watch?.close();
    await this.#queries.close();
    this.#api.close();
  }

  /** One call about one bot: traced, its events kept quiet, its failure told in the port's words. */
  async #carryOut(
    botId: string,
    step: TraceStep['step'],
    doing: string,
    call: () => Promise<Observation>,
  ): Promise<Observation> {
    this.#options.trace?.({ botId, step });
    this.#busy.add(botId);
    try {
      return await call();
    } catch (error) {
      const failure = toEngineError(error, `${doing} bot ${botId}`);
      if (failure.failure.code === 'unreachable') this.#watch?.doubt(failure);
      throw failure;
    } finally {
      this.#busy.delete(botId);
    }
  }
}
