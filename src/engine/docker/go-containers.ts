import type { BotDefinition } from '../../desired/bot-definition.ts';
import { EngineError } from '../container-engine.ts';
import { type ContainerIdentity, type ContainerOwner, type Labels, readLabels } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { phaseOfSummary } from './container-view.ts';
import type { ContainerInspection, ContainerSummary, DockerApi } from './docker-api.ts';
import { contentRevision, type GoIdentity, goBotIn, identifyGo } from './go-container.ts';
import type { SurplusContainers } from './surplus-containers.ts';
import { TrackedContainer } from './tracked-container.ts';

/** Labels of every container that this or the Go runtime keeps. */
const ALL_MANAGED = ['runtime.managed=true'];
/** How long somebody else's container is told of. */
const SHOWN_MS = 600_000;

export interface GoContainersParts {
  readonly api: DockerApi;
  readonly ledger: ContainerLedger;
  readonly owner: ContainerOwner;
  /** False: nothing is ended. */
  readonly governs: boolean;
  readonly surplus: SurplusContainers;
  /** What is desired of a bot now, or null. */
  readonly definitionOf: (botId: string) => BotDefinition | null;
  readonly now: () => number;
}

/**
 * Takes over what the Go runtime left running. A container of it goes on when everything it shows is as the desired state
 * has it; otherwise it is replaced like one of ours. Of several of one bot all but one are ended.
 */
export class GoContainers {
  readonly #parts: GoContainersParts;
  /** One at a time is enough to tell. */
  #intruder: { readonly at: number; readonly sentence: string } | null = null;

  constructor(parts: GoContainersParts) {
    this.#parts = parts;
  }

  get labels(): readonly string[] {
    return ALL_MANAGED;
  }

  /** What should not be as it is, in sentences. */
  get troubles(): readonly string[] {
    const since = this.#parts.now() - SHOWN_MS;
    return this.#intruder !== null && this.#intruder.at >= since ? [this.#intruder.sentence] : [];
  }

  /** The container of this bot by its labels, whatever its name. */
  async holderOf(botId: string): Promise<ContainerSummary | null> {
    const found = await this.#parts.api.list([...ALL_MANAGED, `runtime.id=${botId}`]);
    return this.#parts.surplus.onePerBot(found)[0] ?? null;
  }

  /**
   * The bot's name does not keep a container of the Go runtime from running beside a new one, so it is looked for by label.
   * One that does not run is removed.
   * @returns one that runs what is desired; null when none is there
   * @throws EngineError `name-taken` when one runs something else: its actor does not know of it yet
   */
  async makeWay(definition: BotDefinition): Promise<TrackedContainer | null> {
    const { api, ledger } = this.#parts;
    const holder = await this.holderOf(definition.id);
    if (holder === null || goBotIn(holder.Labels) === null) return null;
    if (phaseOfSummary(holder) !== 'running') {
      ledger.markRemoved(holder.Id);
      await api.remove(holder.Id);
      const known = ledger.get(holder.Id);
      if (known !== undefined) ledger.forget(known);
      return null;
    }
    const inspection = await api.inspect(holder.Id);
    const identity = inspection === null ? null : identifyGo(inspection);
    if (identity === null) return null;
    const container = ledger.get(holder.Id) ?? new TrackedContainer(holder.Id, identity);
    if (identity.content === contentRevision(definition)) return container;
    const containerId = holder.Id.slice(0, 12);
    throw new EngineError(
      { code: 'name-taken', facts: { containerId, owner: 'the Go runtime' } },
      `Bot ${definition.id} cannot be started: the container ${containerId} of the Go runtime runs it, with another config.`,
    );
  }

  identify(inspection: ContainerInspection): ContainerIdentity | GoIdentity | 'foreign' | 'newer-format' {
    const own = readLabels(inspection.Config.Labels, this.#parts.owner);
    return own === 'foreign' ? (identifyGo(inspection) ?? 'foreign') : own;
  }

  /** Once what is desired is known, a container that shows the same is of that revision, and stays so. */
  recognize(container: TrackedContainer): void {
    const { identity } = container;
    if (!isGo(identity) || container.specRevision !== identity.specRevision) return;
    const definition = this.#parts.definitionOf(identity.botId);
    if (definition !== null && contentRevision(definition) === identity.content) {
      container.specRevision = definition.specRevision;
    }
  }

  /**
   * A container that was not there, and that this runtime did not start, runs now.
   * @returns whether the bot has one that runs already; then the new one is ended
   */
  isIntruder(containerId: string, labels: Labels): boolean {
    const { ledger, now, governs, surplus } = this.#parts;
    if (!governs) return false;
    const botId = goBotIn(labels) ?? '';
    this.#intruder = {
      at: now(),
      sentence:
        `Somebody else has started a container of bot ${botId} (${containerId.slice(0, 12)}): a bot-runner of the Go runtime ` +
        'beside this one? End it with SIGKILL; on SIGTERM it would stop every bot.',
    };
    if (ledger.ofBot(botId)?.phase !== 'running') return false;
    surplus.end(containerId, botId);
    return true;
  }
}

export function isGo(identity: ContainerIdentity): identity is GoIdentity {
  return 'content' in identity;
}
