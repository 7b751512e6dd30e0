import process from 'node:process';
import { note } from './terminal/output.ts';

/** `failed`: it cannot go on, and has said why. */
export type Cause = 'interrupt' | 'terminate' | 'down' | 'failed';

/** The first thing that ends the run; a second Ctrl-C ends it at once. */
export class EndOfRun {
  isReached = false;
  readonly reached: Promise<Cause>;
  #reach: (cause: Cause) => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    process.on('SIGINT', () => {
      if (this.isReached) {
        note('\nInterrupted again: ending at once. What still runs is found at the next start.\n');
        endBySignal('SIGINT');
      }
      this.because('interrupt');
    });
    process.on('SIGTERM', () => this.because('terminate'));
    process.on('SIGHUP', () => this.because('terminate'));
  }

  /** The first cause counts. */
  because(cause: Cause): void {
    this.isReached = true;
    this.#reach(cause);
  }
}

/** At once and untidily. Not `process.exit`: that aborts while a query thread has open sockets (uWebSockets.js). */
function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** A defect ends the runtime at once, as if it were killed; Node says where it was, and this what becomes of the bots. */
export function tellOfDefect(engine: 'process' | 'docker'): void {
  process.once('uncaughtExceptionMonitor', () => {
    const bots =
      engine === 'docker'
        ? 'Containers go on running; the next start finds them again.'
        : 'Its child processes end with it; the next start runs them again.';
    note(`error: the runtime itself failed, which is a defect of it. ${bots}\n`);
  });
}
