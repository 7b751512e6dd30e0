/**
 * How actors are named on the stream between threads: each end numbers the ids it sends, and sends an id itself only once. Cloning a
 * number and finding an id by it costs a third of cloning the id and finding the actor by a string that is new to the thread.
 *
 *     writer                                   reader
 *     number('a') = 0, number('b') = 1  ──►  added [a, b]         numbers 0, 1 ──► a, b
 *     number('a') = 0, number('c') = 2  ──►  added [c]            numbers 0, 2 ──► a, c
 *     table full                        ──►  afresh, added [a]    numbers 0    ──► a
 */
export interface Addresses {
  /** Ids that get the next numbers. */
  readonly added: readonly string[];
  /** Forget all numbers first. */
  readonly afresh: boolean;
}

/** More actors than this on one shard still work; then the numbers are given afresh from time to time. */
const CAPACITY = 131_072;

export class AddressWriter {
  readonly #capacity: number;
  readonly #numbers = new Map<string, number>();
  #added: string[] = [];
  #afresh = false;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  number(id: string): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(id, number);
    this.#added.push(id);
    return number;
  }

  /** What must go with the numbers given since the last call. Numbers are given afresh only between two batches. */
  take(): Addresses {
    const taken = { added: this.#added, afresh: this.#afresh };
    this.#added = [];
    this.#afresh = this.#numbers.size >= this.#capacity;
    if (this.#afresh) this.#numbers.clear();
    return taken;
  }
}

export class AddressReader {
  #ids: string[] = [];

  /** To be called once for each batch, in order, before its numbers are read. */
  learn({ added, afresh }: Addresses): void {
    if (afresh) this.#ids = [];
    for (const id of added) this.#ids.push(id);
  }

  /** @throws RangeError for a number that was never given */
  id(number: number): string {
    const id = this.#ids[number];
    if (id === undefined) throw new RangeError(`No actor has the number ${number} on this stream`);
    return id;
  }
}
