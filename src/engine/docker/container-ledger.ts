import type { TrackedContainer } from './tracked-container.ts';

/** The containers of this instance that are known to exist: by id, and the one that holds each bot's name. */
export class ContainerLedger {
  readonly #byId = new Map<string, TrackedContainer>();
  readonly #byBot = new Map<string, TrackedContainer>();
  /** Removed by ourselves; their last events are still to come. */
  readonly #removed = new Set<string>();
  /** Containers that are to be looked at again, by id, with the reason in a sentence if it is one for people. */
  readonly #unsettled = new Map<string, string | null>();
  #changes = 0;

  get(containerId: string): TrackedContainer | undefined {
    return this.#byId.get(containerId);
  }

  ofBot(botId: string): TrackedContainer | undefined {
    return this.#byBot.get(botId);
  }

  all(): IterableIterator<TrackedContainer> {
    return this.#byId.values();
  }

  bots(): ReadonlySet<string> {
    return new Set(this.#byBot.keys());
  }

  /** Number of changes so far: what was touched later than this is newer than what was asked for at this moment. */
  get changes(): number {
    return this.#changes;
  }

  touch(container: TrackedContainer): void {
    container.touched = ++this.#changes;
    this.#byId.set(container.id, container);
    this.#byBot.set(container.identity.botId, container);
  }

  /** @returns whether it held its bot's name, so that the bot has no container now */
  forget(container: TrackedContainer): boolean {
    this.#changes++;
    this.#byId.delete(container.id);
    this.#unsettled.delete(container.id);
    const { botId } = container.identity;
    return this.#byBot.get(botId) === container && this.#byBot.delete(botId);
  }

  /** Not all of it is known, or told: the next comparison looks at it, even if it differs in nothing. */
  markUnsettled(containerId: string, trouble: string | null): void {
    this.#unsettled.set(containerId, trouble);
  }

  isUnsettled(containerId: string): boolean {
    return this.#unsettled.has(containerId);
  }

  settle(containerId: string): void {
    this.#unsettled.delete(containerId);
  }

  /** Those that are neither known nor in the list of Docker any more are not looked at again. */
  settleAllBut(listed: ReadonlySet<string>): void {
    for (const containerId of this.#unsettled.keys()) {
      if (!listed.has(containerId) && !this.#byId.has(containerId)) this.settle(containerId);
    }
  }

  get unsettledTroubles(): readonly string[] {
    return [...this.#unsettled.values()].filter((trouble) => trouble !== null);
  }

  markRemoved(containerId: string): void {
    this.#removed.add(containerId);
  }

  wasRemoved(containerId: string): boolean {
    return this.#removed.has(containerId);
  }

  /** Its `destroy` event has come, or the removal failed. */
  unmarkRemoved(containerId: string): void {
    this.#removed.delete(containerId);
  }

  /** After a lost connection no event of what was removed before it will come. */
  forgetRemoved(): void {
    this.#removed.clear();
  }
}
