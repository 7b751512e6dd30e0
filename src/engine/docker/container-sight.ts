import type { ExitFacts, Observation } from '../../../actors/observation.ts';
import { absent, type EngineError, type EngineListener } from '../container-engine.ts';
import { type ContainerOwner, ownLabels, readLabels } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { addressOfSummary, endpointOf, isPaused, phaseOfSummary, viewOfInspection } from './container-view.ts';
import type { ContainerInspection, ContainerSummary, DockerApi } from './docker-api.ts';
import { toEngineError } from './docker-errors.ts';
import type { ContainerEvent } from './event-stream.ts';
import type { ExitReader } from './exit-reader.ts';
import { goBotIn } from './go-container.ts';
import type { GoContainers } from './go-containers.ts';
import { TrackedContainer } from './tracked-container.ts';

export interface SightParts {
  readonly api: DockerApi;
  readonly ledger: ContainerLedger;
  readonly exits: ExitReader;
  /** Null: those of the Go runtime are left alone. */
  readonly go: GoContainers | null;
  readonly owner: ContainerOwner;
  /** A call about the bot is under way: its answer tells what came of it, so its events need no report of their own. */
  readonly isBusy: (botId: string) => boolean;
  /** Null: nobody is told any more. */
  readonly listener: () => EngineListener | null;
  /** A call found Docker unreachable. */
  readonly doubt: (error: EngineError) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** See `DockerEngineOptions.trace`. */
  readonly trace?: (step: { readonly botId: string; readonly step: 'die-received' | 'exit-reported' }) => void;
}

/** Turns what Docker tells (an inspection, an event, a list) into what is known of containers, and tells what is news. */
export class ContainerSight {
  readonly #parts: SightParts;

  constructor(parts: SightParts) {
    this.#parts = parts;
  }

  /** Looks at this bot's container, if it is one of this bot. */
  async observeById(botId: string, idOrName: string): Promise<Observation> {
    const inspection = await this.#parts.api.inspect(idOrName);
    const identity = inspection === null ? 'foreign' : this.#identify(inspection);
    if (inspection === null || typeof identity === 'string' || identity.botId !== botId) {
      const known = this.#parts.ledger.ofBot(botId);
      if (known !== undefined) this.#parts.ledger.forget(known);
      return absent(botId, this.#parts.now());
    }
    const container = this.#parts.ledger.get(inspection.Id) ?? new TrackedContainer(inspection.Id, identity);
    return await this.observe(container, inspection);
  }

  /** Brings the ledger up to date with an inspection, and says what is the case now. */
  async observe(container: TrackedContainer, inspection: ContainerInspection | null): Promise<Observation> {
    const { botId } = container.identity;
    if (inspection === null) {
      this.#parts.ledger.forget(container);
      return absent(botId, this.#parts.now());
    }
    const view = viewOfInspection(inspection);
    container.apply(view);
    this.#parts.ledger.touch(container);
    if (view.phase !== 'exited') return this.#observation(container, null);
    const ended = { exitCode: view.exitCode, at: view.finishedAt, outOfMemory: view.outOfMemory };
    return this.#observation(container, await this.#parts.exits.read(container, ended));
  }

  #observation(container: TrackedContainer, lastExit: ExitFacts | null): Observation {
    const { botId } = container.identity;
    const current = this.#parts.ledger.ofBot(botId);
    if (current !== undefined) this.#parts.go?.recognize(current);
    return { botId, container: current?.facts() ?? null, lastExit, at: this.#parts.now() };
  }

  /** An event has come. */
  changed(event: ContainerEvent): void {
    const identity = this.#parts.ledger.get(event.containerId)?.identity ?? readLabels(event.labels, this.#parts.owner);
    if (typeof identity === 'string') {
      if (event.action === 'start') void this.#foreignStarted(event);
      else if (event.action === 'destroy') this.#parts.ledger.unmarkRemoved(event.containerId);
      return;
    }
    if (event.action === 'destroy') {
      this.#destroyed(event.containerId);
      return;
    }
    if (this.#parts.ledger.wasRemoved(event.containerId)) return;
    const container = this.#parts.ledger.get(event.containerId) ?? new TrackedContainer(event.containerId, identity);
    switch (event.action) {
      case 'oom':
        container.outOfMemoryAt = event.at;
        return;
      case 'start':
        if (!container.started(event.at)) return;
        this.#parts.ledger.touch(container);
        if (!this.#parts.isBusy(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'pause':
      case 'unpause':
        if (!this.#parts.isBusy(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'die':
        this.#parts.trace?.({ botId: identity.botId, step: 'die-received' });
        if (!container.died(event.at)) return;
        this.#parts.ledger.touch(container);
        void this.#reportExit(container, event);
        return;
    }
  }

  /** Of the Go runtime: by somebody's hand, or there is a second runtime. */
  async #foreignStarted({ containerId, labels }: ContainerEvent): Promise<void> {
    const go = this.#parts.go;
    const botId = goBotIn(labels);
    if (go === null || botId === null || this.#parts.ledger.wasRemoved(containerId)) return;
    if (go.isIntruder(containerId, labels) || this.#parts.isBusy(botId)) return;
    try {
      this.#parts.listener()?.observed(await this.observeById(botId, containerId));
    } catch (error) {
      this.#parts.doubt(toEngineError(error, `Looking at bot ${botId}`));
    }
  }

  #identify(inspection: ContainerInspection): ReturnType<typeof readLabels> {
    return this.#parts.go?.identify(inspection) ?? readLabels(inspection.Config.Labels, this.#parts.owner);
  }

  #destroyed(containerId: string): void {
    const removedByUs = this.#parts.ledger.wasRemoved(containerId);
    this.#parts.ledger.unmarkRemoved(containerId);
    const container = this.#parts.ledger.get(containerId);
    if (container === undefined || !this.#parts.ledger.forget(container) || removedByUs) return;
    this.#parts.listener()?.observed(absent(container.identity.botId, this.#parts.now()));
  }

  async #reportExit(container: TrackedContainer, event: ContainerEvent): Promise<void> {
    const ended = { exitCode: event.exitCode ?? 0, at: event.at, outOfMemory: false };
    const lastExit = await this.#parts.exits.read(container, ended);
    if (isKilledWhole(lastExit) && (await this.#isBeingRemoved(container))) return;
    this.#parts.trace?.({ botId: container.identity.botId, step: 'exit-reported' });
    this.#parts.listener()?.observed(this.#observation(container, lastExit));
  }

  /** A removal by force begins with a kill, and is the cause to tell; it reports itself when it is done. */
  async #isBeingRemoved(container: TrackedContainer): Promise<boolean> {
    try {
      const inspection = await this.#parts.api.inspect(container.id);
      return inspection === null || inspection.State.Status === 'removing';
    } catch {
      // Docker does not say; that the container was killed is true in any case.
      return false;
    }
  }

  /** Somebody else started, paused or unpaused it: how it is now, its address too, is not in the event. */
  async #lookAndReport(container: TrackedContainer): Promise<void> {
    try {
      this.#parts.listener()?.observed(await this.observe(container, await this.#parts.api.inspect(container.id)));
    } catch (error) {
      this.#parts.doubt(toEngineError(error, `Looking at bot ${container.identity.botId}`));
    }
  }

  /**
   * One list, compared with what is known. After the first only differences are reported, and each is looked at on its own
   * before: Docker's list can be some 50 ms behind its events. What changed since the list was asked for is newer than it.
   */
  async compare(first: boolean): Promise<void> {
    if (first) this.#parts.ledger.forgetRemoved();
    const asked = this.#parts.ledger.changes;
    const all = await this.#parts.api.list(this.#parts.go?.labels ?? ownLabels(this.#parts.owner));
    const summaries = this.#parts.go?.onePerBot(all) ?? all;
    const listed = new Set<string>();
    for (const summary of summaries) {
      if (this.#parts.ledger.wasRemoved(summary.Id)) continue;
      const known = this.#parts.ledger.get(summary.Id);
      // Of a container of the Go runtime the list tells too little.
      const identity = known?.identity ?? (await this.#identityOf(summary));
      if (typeof identity === 'string') continue;
      listed.add(summary.Id);
      if ((known !== undefined && known.touched > asked) || this.#parts.isBusy(identity.botId)) continue;
      const phase = phaseOfSummary(summary);
      const endpoint = endpointOf({ phase, address: addressOfSummary(summary) }, identity.queryPort);
      const paused = isPaused(summary.State);
      if (known?.phase === phase && known.paused === paused && known.endpoint?.host === endpoint?.host) {
        if (first) this.#parts.listener()?.observed(this.#observation(known, null));
        continue;
      }
      const container = known ?? new TrackedContainer(summary.Id, identity);
      if (known === undefined && phase === 'running') {
        container.phase = phase;
        container.paused = paused;
        container.endpoint = endpoint;
        this.#parts.ledger.touch(container);
        this.#parts.listener()?.observed(this.#observation(container, null));
      } else {
        this.#parts.listener()?.observed(await this.observe(container, await this.#parts.api.inspect(summary.Id)));
      }
    }
    for (const container of [...this.#parts.ledger.all()]) {
      const { botId } = container.identity;
      if (listed.has(container.id) || container.touched > asked || this.#parts.isBusy(botId)) continue;
      if (this.#parts.ledger.forget(container)) this.#parts.listener()?.observed(absent(botId, this.#parts.now()));
    }
    if (first) this.#parts.listener()?.listed(this.#parts.ledger.bots());
  }

  async #identityOf(summary: ContainerSummary): Promise<ReturnType<typeof readLabels>> {
    const identity = readLabels(summary.Labels, this.#parts.owner);
    if (this.#parts.go === null || goBotIn(summary.Labels) === null) return identity;
    const inspection = await this.#parts.api.inspect(summary.Id);
    return inspection === null ? 'foreign' : this.#parts.go.identify(inspection);
  }
}

/** Agent and all, from outside: an agent that sees its bot being killed says so. */
function isKilledWhole({ signal, lastWords, outOfMemory }: ExitFacts): boolean {
  return signal === 'SIGKILL' && lastWords === null && !outOfMemory;
}
