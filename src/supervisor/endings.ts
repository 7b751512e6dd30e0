import type { Clock } from '../kernel/clock.ts';

/** Waits for the end of actors. */
export class Endings {
  readonly #waiting = new Map<string, () => void>();

  /** @returns those of `botIds` that have not ended within `deadlineMs` */
  async await(botIds: readonly string[], deadlineMs: number, clock: Clock): Promise<string[]> {
    const ends = botIds.map((botId) => new Promise<void>((resolve) => this.#waiting.set(botId, resolve)));
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = clock.schedule(deadlineMs, resolve);
    });
    await Promise.race([Promise.all(ends), deadline]);
    cancel();
    return [...this.#waiting.keys()];
  }

  ended(botId: string): void {
    this.#waiting.get(botId)?.();
    this.#waiting.delete(botId);
  }
}
