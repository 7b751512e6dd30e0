/** An item that knows its place in the heap, so that it can be taken out from the middle. */
export interface HeapItem {
  /** Its index, or -1 when it is in no heap. Written by the heap only. */
  place: number;
}

/**
 * A binary heap: the first item by `before` is on top; insertion and removal of any item take logarithmic time. Because items
 * are removed at once, and not marked and skipped later, the heap never holds more than what is wanted.
 */
export class Heap<Item extends HeapItem> {
  readonly #before: (a: Item, b: Item) => boolean;
  readonly #items: Item[] = [];

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0];
  }

  /** All items, in no order. They may be changed meanwhile as long as none comes before another that it came after. */
  [Symbol.iterator](): Iterator<Item> {
    return this.#items.values();
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): Item | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** @returns false when the item is not in the heap */
  remove(item: Item): boolean {
    const place = item.place;
    if (this.#items[place] !== item) return false;
    item.place = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return true;
    this.#sink(last, place);
    if (last.place === place) this.#rise(last, place);
    return true;
  }

  #rise(item: Item, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || !this.#before(item, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
  }

  #sink(item: Item, from: number): void {
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      let child = this.#items[below];
      const right = this.#items[below + 1];
      if (child === undefined) break;
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        below += 1;
      }
      if (!this.#before(child, item)) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }
}
