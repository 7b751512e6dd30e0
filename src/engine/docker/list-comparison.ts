import { absent, type EngineListener } from '../container-engine.ts';
import { type ContainerOwner, ownLabels, readLabels } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { type ContainerSight, unshownSentence } from './container-sight.ts';
import { addressOfSummary, endpointOf, isPaused, phaseOfSummary } from './container-view.ts';
import type { ContainerInspection, ContainerSummary, DockerApi } from './docker-api.ts';
import { isTimeout, isUnreachable } from './docker-errors.ts';
import { goBotIn } from './go-container.ts';
import type { GoContainers } from './go-containers.ts';
import type { SurplusContainers } from './surplus-containers.ts';
import { TrackedContainer } from './tracked-container.ts';

/** Containers looked at at the same time; calls about other bots have the rest of the sockets. */
const LOOKS_AT_ONCE = 12;
/** Of containers that cannot be looked at, so many are named. */
const MOST_NAMED = 3;

export interface ComparisonParts {
  readonly api: DockerApi;
  readonly ledger: ContainerLedger;
  readonly sight: ContainerSight;
  readonly surplus: SurplusContainers;
  /** Null: those of the Go runtime are left alone. */
  readonly go: GoContainers | null;
  readonly owner: ContainerOwner;
  /** A call about the bot is under way, which tells what comes of it. */
  readonly isBusy: (botId: string) => boolean;
  /** Null: nobody is told any more. */
  readonly listener: () => EngineListener | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * One list, compared with what is known. After the first only differences are reported, and each is looked at on its own
 * before: Docker's list can be some 50 ms behind its events. What changed since the list was asked for is newer than it.
 *
 * A container that Docker lists and cannot show (half created, its file system lost, hung) is one bot's trouble: what the
 * list says of it is taken, and it is looked at again with every list.
 */
export class ListComparison {
  readonly #parts: ComparisonParts;

  constructor(parts: ComparisonParts) {
    this.#parts = parts;
  }

  /** What should not be as it is, in sentences. */
  get troubles(): readonly string[] {
    const all = this.#parts.ledger.unsettledTroubles;
    const more = all.length - MOST_NAMED;
    return more <= 0 ? all : [...all.slice(0, MOST_NAMED), `Docker cannot show ${more} more containers of bots.`];
  }

  /**
   * @param ending aborted: the rest is not compared
   * @throws what Docker threw when it cannot be reached; then the rest is not compared
   */
  async run(first: boolean, ending: AbortSignal): Promise<void> {
    const { api, ledger, go, surplus, owner, isBusy, listener, now } = this.#parts;
    if (first) ledger.forgetRemoved();
    const asked = ledger.changes;
    const all = await api.list(go?.labels ?? ownLabels(owner));
    if (ending.aborted) return;
    surplus.forgetAllBut(all);
    const summaries = surplus.onePerBot(all, (botId) => !isBusy(botId));
    const listed = new Set(all.map(({ Id }) => Id));
    await someAtATime(summaries, ending, (summary) => this.#compare(summary, { first, asked, ending }));
    if (ending.aborted) return;
    for (const container of [...ledger.all()]) {
      const { botId } = container.identity;
      if (listed.has(container.id) || container.touched > asked || isBusy(botId)) continue;
      if (ledger.forget(container)) listener()?.observed(absent(botId, now()));
    }
    ledger.settleAllBut(listed);
    if (first) listener()?.listed(ledger.bots());
  }

  async #compare(
    summary: ContainerSummary,
    { first, asked, ending }: { first: boolean; asked: number; ending: AbortSignal },
  ): Promise<void> {
    const { ledger, sight, isBusy, listener } = this.#parts;
    if (ledger.wasRemoved(summary.Id)) return;
    const known = ledger.get(summary.Id);
    const identity = known?.identity ?? (await this.#identityOf(summary));
    if (typeof identity === 'string') return;
    const { botId } = identity;
    const isPassedOver = () => {
      const isNewer = (ledger.get(summary.Id)?.touched ?? 0) > asked || isBusy(botId);
      if (isNewer && first) this.#tellWhatIsKnown(summary.Id, botId);
      return isNewer;
    };
    if (isPassedOver()) return;
    const container = known ?? new TrackedContainer(summary.Id, identity);
    const seen = viewOf(summary, container);
    const isAsKnown =
      ledger.ofBot(botId) === known &&
      container.phase === seen.phase &&
      container.paused === seen.paused &&
      container.endpoint?.host === seen.endpoint?.host;
    if (known !== undefined && isAsKnown && !ledger.isUnsettled(summary.Id)) {
      if (first) listener()?.observed(sight.observation(known, null));
      return;
    }
    let inspection: ContainerInspection | null | undefined;
    // A container found running is as the list says: of thousands none is looked at.
    if (known !== undefined || seen.phase !== 'running') {
      inspection = await this.#inspect(summary.Id, botId);
      if (ending.aborted || ledger.wasRemoved(summary.Id) || isPassedOver()) return;
    }
    if (inspection !== undefined) {
      listener()?.observed(await sight.observe(container, inspection));
      return;
    }
    if (isAsKnown && known !== undefined && !first) return;
    Object.assign(container, seen);
    ledger.touch(container);
    listener()?.observed(sight.observation(container, null));
  }

  /**
   * Of what has changed meanwhile an event tells, when its exit has been read or its address been asked for. Until then its bot
   * would pass for one without a container as soon as everything is listed.
   */
  #tellWhatIsKnown(containerId: string, botId: string): void {
    const { ledger, sight, isBusy, listener } = this.#parts;
    const known = ledger.get(containerId);
    if (known !== undefined && !isBusy(botId)) listener()?.observed(sight.observation(known, null));
  }

  /** @returns undefined when it cannot be said of this one container */
  async #inspect(containerId: string, botId: string): Promise<ContainerInspection | null | undefined> {
    const { api, ledger } = this.#parts;
    try {
      return await api.inspect(containerId);
    } catch (error) {
      if (isUnreachable(error) && !(isTimeout(error) && (await api.answers()))) throw error;
      ledger.markUnsettled(containerId, unshownSentence(containerId, botId, error));
      return undefined;
    }
  }

  /** Of a container of the Go runtime the list tells too little. */
  async #identityOf(summary: ContainerSummary): Promise<ReturnType<typeof readLabels> | 'unknown'> {
    const { go, owner } = this.#parts;
    const goBot = go === null ? null : goBotIn(summary.Labels);
    if (go === null || goBot === null) return readLabels(summary.Labels, owner);
    const inspection = await this.#inspect(summary.Id, goBot);
    if (inspection === undefined) return 'unknown';
    return inspection === null ? 'foreign' : go.identify(inspection);
  }
}

function viewOf(summary: ContainerSummary, { identity }: TrackedContainer) {
  const phase = phaseOfSummary(summary);
  const endpoint = endpointOf({ phase, address: addressOfSummary(summary) }, identity.queryPort);
  return { phase, paused: isPaused(summary.State), endpoint };
}

/** After a failure no further one begins. @throws the first failure, once all that began have ended */
async function someAtATime<Item>(
  items: readonly Item[],
  ending: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of waiting) {
      if (ending.aborted || failures.length > 0) return;
      await work(item);
    }
  };
  const workers = Array.from({ length: Math.min(LOOKS_AT_ONCE, items.length) }, worker);
  await Promise.all(workers.map((one) => one.catch((error: unknown) => void failures.push(error))));
  if (failures.length > 0) throw failures[0];
}
