/** The same trouble is told once, however often it is met, until it was mended. */
export class ToldTroubles {
  /** Above this many different ones all are forgotten: telling one twice is better than to hold them for ever. */
  static readonly #MOST = 1_000;
  readonly #tell: (error: Error) => void;
  readonly #over: () => void;
  readonly #told = new Set<string>();

  /** @param over all that was told is mended */
  constructor(tell: (error: Error) => void, over: () => void = () => {}) {
    this.#tell = tell;
    this.#over = over;
  }

  /** @param topic what it is about, for {@link mended}; troubles of one topic are one trouble */
  tell(topic: string, error: Error): void {
    if (this.#told.has(topic)) return;
    if (this.#told.size >= ToldTroubles.#MOST) this.#told.clear();
    this.#told.add(topic);
    this.#tell(error);
  }

  /** The next trouble of this topic is told again. */
  mended(topic: string): void {
    if (this.#told.delete(topic) && this.#told.size === 0) this.#over();
  }
}
