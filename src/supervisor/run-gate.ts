import { Heap, type HeapItem } from '../kernel/heap.ts';

/**
 * Lets so many runs of scheduled bots be under way at a time; the others wait, and who was due first goes first. A run takes
 * its place before it is claimed, so that what is claimed can start at once, and has it until it was seen to have ended.
 */
export class RunGate {
  readonly #limit: number;
  readonly #under = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #queue = new Heap<Waiting>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order));
  #order = 0;

  /** @param limit runs at a time; at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get underWay(): number {
    return this.#under.size;
  }

  isWaiting(botId: string): boolean {
    return this.#waiting.has(botId);
  }

  /**
   * Calls `admit` when there is room; the bot has its place then. One waits per bot: the older is withdrawn.
   * @param dueAt milliseconds since the epoch
   */
  enter(botId: string, dueAt: number, admit: () => void): void {
    this.withdraw(botId);
    if (this.#under.has(botId)) {
      admit();
      return;
    }
    this.#order += 1;
    const waiting = { botId, dueAt, order: this.#order, place: -1, admit };
    this.#waiting.set(botId, waiting);
    this.#queue.push(waiting);
    this.#admitWaiting();
  }

  withdraw(botId: string): void {
    const waiting = this.#waiting.get(botId);
    if (waiting === undefined) return;
    this.#waiting.delete(botId);
    this.#queue.remove(waiting);
  }

  /** A run of this bot is under way, whether it passed here or not. */
  hold(botId: string): void {
    this.#under.add(botId);
  }

  release(botId: string): void {
    if (this.#under.delete(botId)) this.#admitWaiting();
  }

  #admitWaiting(): void {
    while (this.#under.size < this.#limit) {
      const first = this.#queue.peek();
      if (first === undefined) return;
      this.withdraw(first.botId);
      this.#under.add(first.botId);
      first.admit();
    }
  }
}

interface Waiting extends HeapItem {
  readonly botId: string;
  readonly dueAt: number;
  readonly order: number;
  readonly admit: () => void;
}
