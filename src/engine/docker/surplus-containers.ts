import type { ContainerOwner } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import type { ContainerSummary, DockerApi } from './docker-api.ts';
import { detailOf } from './docker-errors.ts';
import { onePerBot } from './one-per-bot.ts';

/** Of containers too many, so many are named. */
const MOST_NAMED = 3;

export interface SurplusParts {
  readonly api: DockerApi;
  readonly ledger: ContainerLedger;
  readonly owner: ContainerOwner;
  /** False: nothing is ended, only told. */
  readonly governs: boolean;
  /** Between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
}

/**
 * A bot has one container. Several there are when one was renamed by hand, so that its name did not keep a second from being
 * made, or when the Go runtime left them. One stays; the others are ended behind it, but for runs of scheduled bots: what
 * has begun is never ended.
 */
export class SurplusContainers {
  readonly #parts: SurplusParts;
  readonly #ending = new Set<string>();
  /** Why they are still there, in sentences, by container. */
  readonly #told = new Map<string, string>();

  constructor(parts: SurplusParts) {
    this.#parts = parts;
  }

  /** What should not be as it is, in sentences. */
  get troubles(): readonly string[] {
    return [...this.#told.values()].slice(0, MOST_NAMED);
  }

  /**
   * One container of each bot; the others are nobody's from now on.
   * @param mayEnd whether now is a moment to end one of this bot
   */
  onePerBot(all: readonly ContainerSummary[], mayEnd = (_botId: string) => true): readonly ContainerSummary[] {
    const { ledger, owner } = this.#parts;
    const there = all.filter(({ Id }) => !ledger.wasRemoved(Id) && !this.#ending.has(Id));
    const { kept, surplus } = onePerBot(there, owner);
    for (const { Id } of kept) this.#told.delete(Id);
    for (const summary of surplus) {
      if (mayEnd(botIn(summary))) this.#release(summary);
    }
    return kept;
  }

  /** Of those that are not in the whole list any more nothing is told. */
  forgetAllBut(all: readonly ContainerSummary[]): void {
    const listed = new Set(all.map(({ Id }) => Id));
    for (const containerId of this.#told.keys()) if (!listed.has(containerId)) this.#told.delete(containerId);
  }

  #release(summary: ContainerSummary): void {
    const { ledger, governs } = this.#parts;
    const isRun = summary.Labels['runtime.type'] === 'scheduled';
    if (governs && !isRun) {
      this.end(summary.Id, botIn(summary));
      return;
    }
    const known = ledger.get(summary.Id);
    if (known !== undefined) ledger.forget(known);
    const containerId = summary.Id.slice(0, 12);
    const bot = `bot ${botIn(summary)} has more than one container`;
    this.#told.set(
      summary.Id,
      isRun
        ? `The scheduled ${bot}; ${containerId} is not looked after, and not ended because its run may have begun. ` +
            `When it may go, remove it ("docker rm -f ${containerId}").`
        : `The ${bot}; whoever governs it ends ${containerId}.`,
    );
  }

  /** Stops and removes a container too many. What cannot be done now is found again by the next list. */
  end(containerId: string, botId: string): void {
    const { api, ledger, graceSeconds, governs } = this.#parts;
    if (!governs || this.#ending.has(containerId)) return;
    this.#ending.add(containerId);
    ledger.markRemoved(containerId);
    const known = ledger.get(containerId);
    if (known !== undefined) ledger.forget(known);
    const ended = api.stop(containerId, graceSeconds).then(() => api.remove(containerId));
    const told = ended.then(
      () => this.#told.delete(containerId),
      (error: unknown) => {
        ledger.unmarkRemoved(containerId);
        this.#told.set(
          containerId,
          `The container ${containerId.slice(0, 12)} is one too many of bot ${botId} and cannot be ended ` +
            `(${detailOf(error)}); it is tried again.`,
        );
      },
    );
    void told.then(() => this.#ending.delete(containerId));
  }
}

function botIn({ Labels }: ContainerSummary): string {
  return Labels['runtime.id'] ?? '';
}
