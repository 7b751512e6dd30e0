/** The same trouble is told once, however often it is met, until it was mended. */
export class ToldTroubles {
  /** Above this many different ones all are forgotten: telling one twice is better than to hold them for ever. */
  static readonly #MOST = 1_000;
  readonly #tell: (error: Error) => void;
  readonly #over: (error: Error) => void;
  readonly #told = new Map<string, Error>();

  /** @param over what was told is so no more */
  constructor(tell: (error: Error) => void, over: (error: Error) => void = () => {}) {
    this.#tell = tell;
    this.#over = over;
  }

  /** @param topic what it is about, for {@link mended}; troubles of one topic are one trouble */
  tell(topic: string, error: Error): void {
    if (this.#told.has(topic)) return;
    if (this.#told.size >= ToldTroubles.#MOST) for (const known of [...this.#told.keys()]) this.mended(known);
    this.#told.set(topic, error);
    this.#tell(error);
  }

  /** The next trouble of this topic is told again. */
  mended(topic: string): void {
    const error = this.#told.get(topic);
    if (error === undefined) return;
    this.#told.delete(topic);
    this.#over(error);
  }

  /** Of the topics that begin so, only these are so still. */
  onlyThese(beginning: string, topics: ReadonlySet<string>): void {
    for (const topic of [...this.#told.keys()]) {
      if (topic.startsWith(beginning) && !topics.has(topic)) this.mended(topic);
    }
  }
}
