import type { Clock } from '../../src/kernel/clock.ts';

/** What happened in one run, for the person who looks for a bug, and what must not have happened. */
export class RunLog {
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  readonly #clock: Clock;
  readonly #tracing: boolean;

  constructor(clock: Clock, tracing: boolean) {
    this.#clock = clock;
    this.#tracing = tracing;
  }

  note(text: string): void {
    if (this.#tracing) this.trace.push(`${String(this.#clock.now() % 100_000_000).padStart(9)} ${text}`);
  }

  violated(text: string): void {
    this.violations.push(text);
    this.note(`!!! ${text}`);
  }
}
