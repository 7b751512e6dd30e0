/**
 * The engine on Docker. Words of this folder: a *tracked container* is what is known of one container, the *ledger* holds
 * all of them, a *view* is what Docker shows of one at a moment, the *watch* is the subscription to its changes.
 */
import type { ExitFacts, Observation } from '../../../actors/observation.ts';
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
import { ownLabels, readLabels } from './container-labels.ts';
import { ContainerLedger } from './container-ledger.ts';
import { containerName } from './container-name.ts';
import { ContainerStarter } from './container-starter.ts';
import { addressOfSummary, endpointOf, isPaused, phaseOfSummary, viewOfInspection } from './container-view.ts';
import {
  type ContainerInspection,
  type ContainerSummary,
  DockerApi,
  type DockerDeadlines,
  type DockerSockets,
} from './docker-api.ts';
import { toEngineError } from './docker-errors.ts';
import type { ContainerEvent } from './event-stream.ts';
import { EventWatch } from './event-watch.ts';
import { ExitReader } from './exit-reader.ts';
import { goBotIn } from './go-container.ts';
import { GoContainers, isGo } from './go-containers.ts';
import { refuseBesideGoRunner } from './go-runner.ts';
import { QueryContainers } from './query-containers.ts';
import { TrackedContainer } from './tracked-container.ts';

export interface DockerEngineOptions extends ContainerTemplate {
  /**
   * Containers of bots that the Go runtime made are taken over (contract 5.2): there is one such runtime at a time on an
   * engine, and this is it. Absent: they are left alone.
   */
  readonly takesOver?: {
    /** What is desired of a bot now, or null. */
    readonly definitionOf: (botId: string) => BotDefinition | null;
    /** False: they are only looked at, by a process that governs no bots. */
    readonly governs: boolean;
  };
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
  readonly #exits: ExitReader;
  readonly #starter: ContainerStarter;
  readonly #queries: QueryContainers;
  readonly #go: GoContainers | null;
  /** Bots with a call under way: its answer tells what came of it, so its events need no report of their own. */
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
    this.#exits = new ExitReader(this.#api, options.directories?.logsDirOf ?? null, options.lastWordsMs);
    this.#go =
      options.takesOver === undefined || !options.kinds.includes('realtime')
        ? null
        : new GoContainers({
            ...options.takesOver,
            api: this.#api,
            ledger: this.#ledger,
            owner: options,
            graceSeconds: containerGraceSeconds(options.limits),
            now: options.now,
          });
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
        compare: (first) => this.#compare(first),
        changed: (event) => this.#changed(event),
        lost: (error) => listener.lost(toEngineError(error, 'Watching containers')),
      },
      this.#options,
    );
    this.#watch = watch;
    try {
      if (this.#options.takesOver?.governs === true) await refuseBesideGoRunner(this.#api, this.#options.kinds);
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
      return await this.#observe(container, await this.#api.inspect(container.id));
    });
  }

  async stop({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return await this.#carryOut(botId, 'stop', 'Stopping', async () => {
      await this.#api.stop(containerId, containerGraceSeconds(this.#options.limits));
      return await this.#observeById(botId, containerId);
    });
  }

  async remove({ botId, containerId }: ContainerRequest): Promise<Observation> {
    return await this.#carryOut(botId, 'remove', 'Removing', async () => {
      const container = this.#ledger.get(containerId);
      if (container?.identity.occurrence !== undefined && container.phase !== 'exited') {
        if (!(await this.#starter.removeUnbegun(containerId))) return await this.#observeById(botId, containerId);
      } else await this.#starter.remove(containerId);
      return absent(botId, this.#options.now());
    });
  }

  async inspect(botId: string): Promise<Observation> {
    return await this.#carryOut(botId, 'inspect', 'Looking at', async () => {
      const holder = await this.#go?.holderOf(botId);
      return await this.#observeById(botId, holder?.Id ?? containerName(botId));
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
    return [...(this.#go?.troubles ?? []), ...this.#queries.troubles];
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

  async #observeById(botId: string, idOrName: string): Promise<Observation> {
    const inspection = await this.#api.inspect(idOrName);
    const identity = inspection === null ? 'foreign' : this.#identify(inspection);
    if (inspection === null || typeof identity === 'string' || identity.botId !== botId) {
      const known = this.#ledger.ofBot(botId);
      if (known !== undefined) this.#ledger.forget(known);
      return absent(botId, this.#options.now());
    }
    const container = this.#ledger.get(inspection.Id) ?? new TrackedContainer(inspection.Id, identity);
    return await this.#observe(container, inspection);
  }

  /** Brings the ledger up to date with an inspection, and says what is the case now. */
  async #observe(container: TrackedContainer, inspection: ContainerInspection | null): Promise<Observation> {
    const { botId } = container.identity;
    if (inspection === null) {
      this.#ledger.forget(container);
      return absent(botId, this.#options.now());
    }
    const view = viewOfInspection(inspection);
    container.apply(view);
    this.#ledger.touch(container);
    if (view.phase !== 'exited') return this.#observation(container, null);
    const ended = { exitCode: view.exitCode, at: view.finishedAt, outOfMemory: view.outOfMemory };
    return this.#observation(container, await this.#exits.read(container, ended));
  }

  #observation(container: TrackedContainer, lastExit: ExitFacts | null): Observation {
    const { botId } = container.identity;
    const current = this.#ledger.ofBot(botId);
    if (current !== undefined) this.#go?.recognize(current);
    return { botId, container: current?.facts() ?? null, lastExit, at: this.#options.now() };
  }

  #changed(event: ContainerEvent): void {
    const identity = this.#ledger.get(event.containerId)?.identity ?? readLabels(event.labels, this.#options);
    if (typeof identity === 'string') {
      if (event.action === 'start') void this.#foreignStarted(event);
      else if (event.action === 'destroy') this.#ledger.unmarkRemoved(event.containerId);
      return;
    }
    if (event.action === 'destroy') {
      this.#destroyed(event.containerId);
      return;
    }
    if (this.#ledger.wasRemoved(event.containerId)) return;
    const container = this.#ledger.get(event.containerId) ?? new TrackedContainer(event.containerId, identity);
    switch (event.action) {
      case 'oom':
        container.outOfMemoryAt = event.at;
        return;
      case 'start':
        if (!container.started(event.at)) return;
        this.#ledger.touch(container);
        if (!this.#busy.has(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'pause':
      case 'unpause':
        if (!this.#busy.has(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'die':
        this.#options.trace?.({ botId: identity.botId, step: 'die-received' });
        if (!container.died(event.at)) return;
        this.#ledger.touch(container);
        void this.#reportExit(container, event);
        return;
    }
  }

  /** Of the Go runtime: by somebody's hand, or there is a second runtime. */
  async #foreignStarted({ containerId, labels }: ContainerEvent): Promise<void> {
    const go = this.#go;
    const botId = goBotIn(labels);
    if (go === null || botId === null || this.#ledger.wasRemoved(containerId)) return;
    if (go.isIntruder(containerId, labels) || this.#busy.has(botId)) return;
    try {
      this.#listener?.observed(await this.#observeById(botId, containerId));
    } catch (error) {
      this.#watch?.doubt(toEngineError(error, `Looking at bot ${botId}`));
    }
  }

  #identify(inspection: ContainerInspection): ReturnType<typeof readLabels> {
    return this.#go?.identify(inspection) ?? readLabels(inspection.Config.Labels, this.#options);
  }

  #destroyed(containerId: string): void {
    const removedByUs = this.#ledger.wasRemoved(containerId);
    this.#ledger.unmarkRemoved(containerId);
    const container = this.#ledger.get(containerId);
    if (container === undefined || !this.#ledger.forget(container) || removedByUs) return;
    this.#listener?.observed(absent(container.identity.botId, this.#options.now()));
  }

  async #reportExit(container: TrackedContainer, event: ContainerEvent): Promise<void> {
    const ended = { exitCode: event.exitCode ?? 0, at: event.at, outOfMemory: false };
    const lastExit = await this.#exits.read(container, ended);
    if (isKilledWhole(lastExit) && (await this.#isBeingRemoved(container))) return;
    this.#options.trace?.({ botId: container.identity.botId, step: 'exit-reported' });
    this.#listener?.observed(this.#observation(container, lastExit));
  }

  /** A removal by force begins with a kill, and is the cause to tell; it reports itself when it is done. */
  async #isBeingRemoved(container: TrackedContainer): Promise<boolean> {
    try {
      const inspection = await this.#api.inspect(container.id);
      return inspection === null || inspection.State.Status === 'removing';
    } catch {
      // Docker does not say; that the container was killed is true in any case.
      return false;
    }
  }

  /** Somebody else started, paused or unpaused it: how it is now, its address too, is not in the event. */
  async #lookAndReport(container: TrackedContainer): Promise<void> {
    try {
      this.#listener?.observed(await this.#observe(container, await this.#api.inspect(container.id)));
    } catch (error) {
      this.#watch?.doubt(toEngineError(error, `Looking at bot ${container.identity.botId}`));
    }
  }

  /**
   * One list, compared with what is known. After the first only differences are reported, and each is looked at on its own
   * before: Docker's list can be some 50 ms behind its events. What changed since the list was asked for is newer than it.
   */
  async #compare(first: boolean): Promise<void> {
    if (first) this.#ledger.forgetRemoved();
    const asked = this.#ledger.changes;
    const all = await this.#api.list(this.#go?.labels ?? ownLabels(this.#options));
    const summaries = this.#go?.onePerBot(all) ?? all;
    const listed = new Set<string>();
    for (const summary of summaries) {
      if (this.#ledger.wasRemoved(summary.Id)) continue;
      const known = this.#ledger.get(summary.Id);
      // Of a container of the Go runtime the list tells too little.
      const identity = known?.identity ?? (await this.#identityOf(summary));
      if (typeof identity === 'string') continue;
      listed.add(summary.Id);
      if ((known !== undefined && known.touched > asked) || this.#busy.has(identity.botId)) continue;
      const phase = phaseOfSummary(summary);
      const endpoint = endpointOf({ phase, address: addressOfSummary(summary) }, identity.queryPort);
      const paused = isPaused(summary.State);
      if (known?.phase === phase && known.paused === paused && known.endpoint?.host === endpoint?.host) {
        if (first) this.#listener?.observed(this.#observation(known, null));
        continue;
      }
      const container = known ?? new TrackedContainer(summary.Id, identity);
      if (known === undefined && phase === 'running') {
        container.phase = phase;
        container.paused = paused;
        container.endpoint = endpoint;
        this.#ledger.touch(container);
        this.#listener?.observed(this.#observation(container, null));
      } else {
        this.#listener?.observed(await this.#observe(container, await this.#api.inspect(summary.Id)));
      }
    }
    for (const container of [...this.#ledger.all()]) {
      const { botId } = container.identity;
      if (listed.has(container.id) || container.touched > asked || this.#busy.has(botId)) continue;
      if (this.#ledger.forget(container)) this.#listener?.observed(absent(botId, this.#options.now()));
    }
    if (first) this.#listener?.listed(this.#ledger.bots());
  }

  async #identityOf(summary: ContainerSummary): Promise<ReturnType<typeof readLabels>> {
    const identity = readLabels(summary.Labels, this.#options);
    if (this.#go === null || goBotIn(summary.Labels) === null) return identity;
    const inspection = await this.#api.inspect(summary.Id);
    return inspection === null ? 'foreign' : this.#go.identify(inspection);
  }
}

/** Agent and all, from outside: an agent that sees its bot being killed says so. */
function isKilledWhole({ signal, lastWords, outOfMemory }: ExitFacts): boolean {
  return signal === 'SIGKILL' && lastWords === null && !outOfMemory;
}
