/**
 * Folders to be looked at: few at once, each by one at a time. A folder that is added while it is being looked at is looked
 * at once more afterwards, however often it was added.
 */
export class FolderQueue {
  readonly #atOnce: number;
  readonly #look: (folder: string) => Promise<void>;
  readonly #waiting = new Map<string, { promise: Promise<void>; resolve: () => void }>();
  readonly #running = new Map<string, Promise<void>>();
  #closed = false;

  /** @param look must not throw */
  constructor(atOnce: number, look: (folder: string) => Promise<void>) {
    this.#atOnce = atOnce;
    this.#look = look;
  }

  /** Resolves when a look that began after this call is over. */
  add(folder: string): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const waiting = this.#waiting.get(folder) ?? Promise.withResolvers<void>();
    this.#waiting.set(folder, waiting);
    this.#next();
    return waiting.promise;
  }

  /** Nothing is begun any more. Resolves when what runs is over. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { resolve } of this.#waiting.values()) resolve();
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const [folder, { resolve }] of this.#waiting) {
      if (this.#running.size >= this.#atOnce) return;
      if (this.#running.has(folder)) continue;
      this.#waiting.delete(folder);
      const look = this.#look(folder).finally(() => {
        this.#running.delete(folder);
        resolve();
        this.#next();
      });
      this.#running.set(folder, look);
    }
  }
}
