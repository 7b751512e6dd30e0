import type { ExitFacts, Observation } from '../../../actors/observation.ts';
import { absent, type EngineError, type EngineListener } from '../container-engine.ts';
import { type ContainerOwner, readLabels } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { containerName } from './container-name.ts';
import { viewOfInspection } from './container-view.ts';
import type { ContainerInspection, DockerApi } from './docker-api.ts';
import { detailOf, isUnreachable, toEngineError } from './docker-errors.ts';
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

/** Turns what Docker tells (an inspection, an event) into what is known of containers, and tells what is news. */
export class ContainerSight {
  readonly #parts: SightParts;

  constructor(parts: SightParts) {
    this.#parts = parts;
  }

  /** Looks at this bot's container: the one that is known, else the one of its name, which anybody can change. */
  async observeBot(botId: string): Promise<Observation> {
    const known = this.#parts.ledger.ofBot(botId);
    if (known !== undefined) {
      const inspection = await this.#parts.api.inspect(known.id);
      if (inspection !== null) return await this.observe(known, inspection);
    }
    return await this.observeById(botId, containerName(botId));
  }

  /** Looks at this container, if it is one of this bot. */
  async observeById(botId: string, idOrName: string): Promise<Observation> {
    const inspection = await this.#parts.api.inspect(idOrName);
    const identity = inspection === null ? 'foreign' : this.identify(inspection);
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
    this.#parts.ledger.settle(container.id);
    if (view.phase !== 'exited') return this.observation(container, null);
    const ended = { exitCode: view.exitCode, at: view.finishedAt, outOfMemory: view.outOfMemory };
    return this.observation(container, await this.#parts.exits.read(container, ended));
  }

  /** What is known of its bot, without asking Docker. */
  observation(container: TrackedContainer, lastExit: ExitFacts | null): Observation {
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
        if (container.started(event.at)) this.#parts.ledger.touch(container);
        else if (container.phase === 'running') return;
        if (!this.#parts.isBusy(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'pause':
      case 'unpause':
        if (!this.#parts.isBusy(identity.botId)) void this.#lookAndReport(container);
        return;
      case 'die':
        this.#parts.trace?.({ botId: identity.botId, step: 'die-received' });
        if (container.died(event.at)) {
          this.#parts.ledger.touch(container);
          void this.#reportExit(container, event);
        } else if (container.phase === 'running') {
          // Of the run before, or of this one and Docker's clock was set back.
          void this.#lookAndReport(container);
        }
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
      this.#couldNotLook(containerId, botId, error);
    }
  }

  identify(inspection: ContainerInspection): ReturnType<typeof readLabels> {
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
    if (isKilledWhole(lastExit) && (await this.#isBeingRemoved(container))) {
      // Docker may never get done with it.
      if (this.#parts.ledger.get(container.id) === container) this.#parts.ledger.markUnsettled(container.id, null);
      return;
    }
    this.#parts.trace?.({ botId: container.identity.botId, step: 'exit-reported' });
    this.#parts.listener()?.observed(this.observation(container, lastExit));
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
      this.#couldNotLook(container.id, container.identity.botId, error);
      this.#parts.listener()?.observed(this.observation(container, null));
    }
  }

  #couldNotLook(containerId: string, botId: string, error: unknown): void {
    this.#parts.ledger.markUnsettled(containerId, unshownSentence(containerId, botId, error));
    if (isUnreachable(error)) this.#parts.doubt(toEngineError(error, `Looking at bot ${botId}`));
  }
}

export function unshownSentence(containerId: string, botId: string, error: unknown): string {
  return (
    `Docker cannot show the container ${containerId.slice(0, 12)} of bot ${botId} (${detailOf(error)}); ` +
    'only what its list tells is known of it, and it is looked at again with every list.'
  );
}

/** Agent and all, from outside: an agent that sees its bot being killed says so. */
function isKilledWhole({ signal, lastWords, outOfMemory }: ExitFacts): boolean {
  return signal === 'SIGKILL' && lastWords === null && !outOfMemory;
}
