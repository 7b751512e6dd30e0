const FIRST_SHOWN = 20;

/** Single things that went wrong in a sweep; it goes on. All are counted and told, the first are kept. */
export class Failures {
  readonly first: string[] = [];
  count = 0;
  readonly #tell: (sentence: string) => void;

  constructor(tell: (sentence: string) => void) {
    this.#tell = tell;
  }

  note(error: unknown): void {
    const sentence = error instanceof Error ? error.message : String(error);
    this.count += 1;
    if (this.first.length < FIRST_SHOWN) this.first.push(sentence);
    this.#tell(sentence);
  }
}
