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
      const startedAt = this.#clock.now();
      this.#steps.begin(startedAt);
      this.#runActors(startedAt);
      again = this.#steps.end() || this.#queue.length > 0;
    } finally {
      if (again) this.wake();
    }
  };

  #runActors(startedAt: number): void {
    let now = startedAt;
    for (let actor = this.#queue.shift(); actor !== undefined; actor = this.#queue.shift()) {
      if (this.#steps.run(actor, now)) this.#queue.push(actor);
      now = this.#clock.now();
      // A wall clock can be set back; that must not lengthen the turn.
      if (now - startedAt >= this.#turnBudgetMs || now < startedAt) return;
    }
  }
}
