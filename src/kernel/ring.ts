/** Slots of a ring that has not grown. Must be a power of two. */
const SMALLEST = 8;
/** Slots an empty ring may keep: a burst of this size costs no growth the next time. */
const KEPT = 64;

/**
 * A first-in first-out queue in an array that is used in a circle, so that neither end ever moves the items
 * (`Array.shift` does, once the array is long).
 *
 *     slots  [ c d · · · · a b ]      head = 6, length = 4
 *                  ^tail   ^head      tail = (head + length) mod slots
 *
 * It doubles when full, up to `capacity` items, and gives room back with {@link shrink}.
 */
export class Ring<Item> {
  readonly #capacity: number;
  #slots: (Item | undefined)[] = new Array(SMALLEST).fill(undefined);
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false when `capacity` items are already in it; the item is then not taken */
  push(item: Item): boolean {
    if (this.#length === this.#capacity) return false;
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
    return true;
  }

  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    return item;
  }

  /** Gives back the memory of a flood. Only an empty ring shrinks. */
  shrink(): void {
    if (this.#length > 0 || this.#slots.length <= KEPT) return;
    this.#slots = new Array(SMALLEST).fill(undefined);
    this.#head = 0;
  }

  #grow(): void {
    const size = this.#slots.length;
    const slots: (Item | undefined)[] = new Array(size * 2).fill(undefined);
    for (let i = 0; i < this.#length; i += 1) slots[i] = this.#slots[(this.#head + i) & (size - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
