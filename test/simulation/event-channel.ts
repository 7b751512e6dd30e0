import type { Observation } from '../../actors/observation.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Random } from './random.ts';

/** The engine's event stream as it reaches the runtime: late, with events lost, told twice or told much later. */
export class EventChannel {
  /** How likely each of these is. */
  readonly faults = { lose: 0, repeat: 0, delay: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stampsOnArrival: boolean;
  readonly #deliver: (observation: Observation) => void;
  #connection = 0;

  /** @param stampsOnArrival whether an event is dated when it arrives, or when it happened */
  constructor(options: {
    clock: Clock;
    random: Random;
    stampsOnArrival: boolean;
    deliver: (observation: Observation) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#stampsOnArrival = options.stampsOnArrival;
    this.#deliver = options.deliver;
  }

  send(observation: Observation): void {
    const { lose, repeat, delay } = this.faults;
    const copies = this.#random.chance(lose) ? 0 : this.#random.chance(repeat) ? 2 : 1;
    const connection = this.#connection;
    for (let copy = 0; copy < copies; copy += 1) {
      const lateMs = this.#random.chance(delay) ? this.#random.between(100, 8_000) : 0;
      this.#clock.schedule(this.#random.between(0, 20) + lateMs, () => {
        if (connection !== this.#connection) return;
        this.#deliver(this.#stampsOnArrival ? { ...observation, at: this.#clock.now() } : observation);
      });
    }
  }

  /** What is under way is lost. */
  reconnect(): void {
    this.#connection += 1;
  }
}
