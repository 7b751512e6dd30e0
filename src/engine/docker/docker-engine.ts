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
  type StartRequest,
} from '../container-engine.ts';
import { type ContainerTemplate, containerGraceSeconds, shapeRevision } from './bot-container.ts';
import { BotImage } from './bot-image.ts';
import { BotNetwork } from './bot-network.ts';
import { readConditionsInside } from './conditions-inside.ts';
import { ownLabels, readLabels } from './container-labels.ts';
import { ContainerLedger } from './container-ledger.ts';
import { containerName } from './container-name.ts';
import { ContainerStarter } from './container-starter.ts';
import { addressOfSummary, endpointOf, isPaused, phaseOfSummary, viewOfInspection } from './container-view.ts';
import { type ContainerInspection, DockerApi, type DockerDeadlines, type DockerSockets } from './docker-api.ts';
import { toEngineError } from './docker-errors.ts';
import type { ContainerEvent } from './event-stream.ts';
import { EventWatch } from './event-watch.ts';
import { ExitReader } from './exit-reader.ts';
import { TrackedContainer } from './tracked-container.ts';

export interface DockerEngineOptions extends ContainerTemplate {
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
    this.#starter = new ContainerStarter({
      api: this.#api,
      ledger: this.#ledger,
      template: options,
      image: new BotImage(this.#api, options.image, options.pull, options.imageCheckMs),
      network: new BotNetwork(this.#api, options.network),
      shapeRevisionOf: (definition) => this.shapeRevisionOf(definition),
    });
  }

  shapeRevisionOf(definition: Pick<BotDefinition, 'filePath'>): string {
    const place = isStored(definition) ? 'store' : 'directory';
    this.#shapes[place] ??= shapeRevision(this.#options, this.#options.network, definition);
    return this.#shapes[place];
  }

  async watch(listener: EngineListener): Promise<void> {
    this.#listener = listener;
    const labels = ownLabels(this.#options.instance);
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
      await watch.start();
    } catch (error) {
      throw toEngineError(error, 'Watching containers');
    }
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
      await this.#starter.remove(containerId);
      return absent(botId, this.#options.now());
    });
  }

  async inspect(botId: string): Promise<Observation> {
    return await this.#carryOut(botId, 'inspect', 'Looking at', () => this.#observeById(botId, containerName(botId)));
  }

  async conditions({ botId, containerId }: ContainerRequest): Promise<readonly BotCondition[]> {
    const container = this.#ledger.get(containerId);
    if (container === undefined || container.phase !== 'running') return [];
    const { directories } = this.#options;
    try {
      return directories === null || container.identity.keepsFilesInside
        ? await readConditionsInside(this.#api, containerId, botId)
        : await readConditionsIn(directories.logsDirOf(botId), botId);
    } catch (error) {
      throw toEngineError(error, `Asking the agent of bot ${botId}`);
    }
  }

  async close(): Promise<void> {
    this.#listener = null;
    this.#watch?.close();
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
    const identity = inspection === null ? 'foreign' : readLabels(inspection.Config.Labels, this.#options.instance);
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
    return { botId, container: current?.facts() ?? null, lastExit, at: this.#options.now() };
  }

  #changed(event: ContainerEvent): void {
    const identity = readLabels(event.labels, this.#options.instance);
    if (typeof identity === 'string') return;
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
    const summaries = await this.#api.list(ownLabels(this.#options.instance));
    const listed = new Set<string>();
    for (const summary of summaries) {
      const identity = readLabels(summary.Labels, this.#options.instance);
      if (typeof identity === 'string' || this.#ledger.wasRemoved(summary.Id)) continue;
      listed.add(summary.Id);
      const known = this.#ledger.get(summary.Id);
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
}

/** Agent and all, from outside: an agent that sees its bot being killed says so. */
function isKilledWhole({ signal, lastWords, outOfMemory }: ExitFacts): boolean {
  return signal === 'SIGKILL' && lastWords === null && !outOfMemory;
}
