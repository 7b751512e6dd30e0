import type { Clock } from './clock.ts';
import { Ring } from './ring.ts';

/** What the dispatcher calls, in this order, once per turn; never re-entrantly. */
export interface TurnSteps<Actor> {
  /** Due timers become messages. */
  begin(now: number): void;
  /** One actor handles a few messages. @returns true when it has more to do */
  run(actor: Actor, now: number): boolean;
  /** What came of the turn is handed on. @returns true when another turn is needed in any case */
  end(): boolean;
}

/**
 * Lets the actors that have something to read run one after the other, in *turns* of the event loop.
 *
 *     ready() ──► [a b c …] ──► run(a) ──► more? back to the end of the queue
 *                    ▲             │
 *                    └── defer ◄───┴── time budget spent: timers and sockets first
 *
 * The queue holds each actor at most once (the caller sees to that), so it is bounded by the number of actors.
 */
export class Dispatcher<Actor> {
  readonly #clock: Clock;
  readonly #turnBudgetMs: number;
  readonly #steps: TurnSteps<Actor>;
  readonly #queue = new Ring<Actor>(Number.POSITIVE_INFINITY);
  #turnIsComing = false;
  #paused = false;
  /** When {@link runEarly} first ran since the last turn; its budget is counted from there. */
  #earlySince: number | null = null;

  constructor(clock: Clock, turnBudgetMs: number, steps: TurnSteps<Actor>) {
    this.#clock = clock;
    this.#turnBudgetMs = turnBudgetMs;
    this.#steps = steps;
  }

  /** `actor` has something to read and is not in the queue yet. */
  ready(actor: Actor): void {
    this.#queue.push(actor);
    this.wake();
  }

  /** Makes sure that a turn is coming. */
  wake(): void {
    if (this.#turnIsComing || this.#paused) return;
    this.#turnIsComing = true;
    this.#clock.defer(this.#turn);
  }

  /**
   * Runs actors now, ahead of the turn that is coming and ends it, as far as one time budget reaches for all calls before that turn. For a
   * caller that is given messages in large portions: a message that is handled at once costs the garbage collector little.
   */
  runEarly(): void {
    if (this.#paused) return;
    this.wake();
    const now = this.#clock.now();
    const early = this.#earlySince;
    this.#earlySince = early ?? now;
    if (early === null || !this.#isSpent(early, now)) this.#runActors(this.#earlySince, now);
  }

  /** No turn begins until {@link resume}. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.wake();
  }

  readonly #turn = (): void => {
    this.#turnIsComing = false;
    if (this.#paused) return;
    let again = true;
    try {
      const now = this.#clock.now();
      const early = this.#earlySince;
      this.#earlySince = null;
      this.#steps.begin(now);
      if (early === null || !this.#isSpent(early, now)) this.#runActors(early ?? now, now);
      again = this.#steps.end() || this.#queue.length > 0;
    } finally {
      if (again) this.wake();
    }
  };

  #runActors(startedAt: number, from: number): void {
    let now = from;
    for (let actor = this.#queue.shift(); actor !== undefined; actor = this.#queue.shift()) {
      if (this.#steps.run(actor, now)) this.#queue.push(actor);
      now = this.#clock.now();
      if (this.#isSpent(startedAt, now)) return;
    }
  }

  /** A wall clock can be set back; that must not lengthen the turn. */
  #isSpent(startedAt: number, now: number): boolean {
    return now - startedAt >= this.#turnBudgetMs || now < startedAt;
  }
}
