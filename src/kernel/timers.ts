import type { Clock } from './clock.ts';
import { Heap, type HeapItem } from './heap.ts';

/** `setTimeout` fires at once for a longer delay than this; the alarm wakes up there and sets itself again. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Alarms ring a few milliseconds early by the wall clock, which is no reason to deliver a timer early. */
const SET_BACK_MS = 100;

/** One timer of one actor. An actor's timers are a linked list, because it has few or none. */
export interface Timer<Owner, Message> extends HeapItem {
  readonly owner: Owner;
  readonly key: string;
  readonly message: Message;
  at: number;
  /** Timers due at the same instant fire in the order in which they were set. */
  order: number;
  /** The next timer of the same actor. */
  next: Timer<Owner, Message> | null;
}

export interface TimerOwner<Message> {
  /** Written by {@link Timers} only. */
  timers: Timer<this, Message> | null;
}

/**
 * All timers of a shard behind one alarm of the clock. One timer per actor and key: a later one replaces the earlier.
 *
 * A wall clock can be set back, but what `schedule` waits for does not become longer by that. So when it is earlier than it
 * was, or than it must be when the alarm rings, all timers are brought forward by the difference and ring after the wait they
 * were set for, which may be before their time. For whom the time counts, and not the wait, looks at the clock and sets it again.
 */
export class Timers<Owner extends TimerOwner<Message>, Message> {
  readonly #clock: Clock;
  readonly #perOwner: number;
  readonly #onAlarm: () => void;
  readonly #heap = new Heap<Timer<Owner, Message>>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  #order = 0;
  #armedAt = Number.POSITIVE_INFINITY;
  /** The clock cannot be earlier than this unless it was set back. */
  #earliestNow = Number.NEGATIVE_INFINITY;
  #disarm: (() => void) | null = null;

  /**
   * @param perOwner how many timers one owner may have
   * @param onAlarm called when a timer may be due, as long as {@link arm} was called after the last change
   */
  constructor(clock: Clock, perOwner: number, onAlarm: () => void) {
    this.#clock = clock;
    this.#perOwner = perOwner;
    this.#onAlarm = onAlarm;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** @throws RangeError when `at` is not a number, or the owner has too many timers already */
  set(owner: Owner, key: string, at: number, message: Message): void {
    if (Number.isNaN(at)) throw new RangeError(`Timer '${key}' has no time: its 'at' is not a number`);
    this.cancel(owner, key);
    let count = 0;
    for (let timer: Timer<Owner, Message> | null = owner.timers; timer !== null; timer = timer.next) count += 1;
    if (count >= this.#perOwner) throw new RangeError(`Timer '${key}' is one too many: ${count} are set already`);
    this.#order += 1;
    const timer = { owner, key, message, at, order: this.#order, place: -1, next: owner.timers };
    owner.timers = timer;
    this.#heap.push(timer);
  }

  cancel(owner: Owner, key: string): void {
    let previous: Timer<Owner, Message> | null = null;
    for (let timer: Timer<Owner, Message> | null = owner.timers; timer !== null; timer = timer.next) {
      if (timer.key === key) {
        if (previous === null) owner.timers = timer.next;
        else previous.next = timer.next;
        this.#heap.remove(timer);
        return;
      }
      previous = timer;
    }
  }

  cancelAll(owner: Owner): void {
    for (let timer: Timer<Owner, Message> | null = owner.timers; timer !== null; timer = timer.next) {
      this.#heap.remove(timer);
    }
    owner.timers = null;
  }

  /** The next timer that is due at `now`, if any. It stays set until cancelled or put off. {@link arm} is to be called after it. */
  due(now: number): Timer<Owner, Message> | undefined {
    this.#noteTime(now);
    const timer = this.#heap.peek();
    return timer !== undefined && timer.at <= now ? timer : undefined;
  }

  /** Moves a timer that cannot be delivered yet to a later time. */
  putOff(timer: Timer<Owner, Message>, at: number): void {
    this.#heap.remove(timer);
    timer.at = at;
    this.#heap.push(timer);
  }

  /** Sets the clock's alarm for the earliest timer. To be called once after a series of changes. */
  arm(): void {
    const now = this.#clock.now();
    this.#noteTime(now);
    const earliest = this.#heap.peek()?.at ?? Number.POSITIVE_INFINITY;
    if (earliest === this.#armedAt) return;
    this.#cancelAlarm();
    this.#armedAt = earliest;
    if (earliest === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(Math.max(0, earliest - now), LONGEST_DELAY_MS);
    this.#disarm = this.#clock.schedule(delayMs, () => {
      this.#disarm = null;
      this.#armedAt = Number.POSITIVE_INFINITY;
      this.#earliestNow = Math.max(this.#earliestNow, now + delayMs);
      this.#onAlarm();
    });
  }

  #noteTime(now: number): void {
    const setBackMs = this.#earliestNow - now;
    this.#earliestNow = now;
    if (setBackMs <= SET_BACK_MS) return;
    // All by the same, so their order stays.
    for (const timer of this.#heap) timer.at -= setBackMs;
    this.#cancelAlarm();
  }

  #cancelAlarm(): void {
    this.#disarm?.();
    this.#disarm = null;
    this.#armedAt = Number.POSITIVE_INFINITY;
  }

  /** Forgets every timer and the alarm. */
  clear(): void {
    for (let timer = this.#heap.pop(); timer !== undefined; timer = this.#heap.pop()) timer.owner.timers = null;
    this.arm();
  }
}
