import { monotonicMs } from '../storage/monotonic-clock.ts';
import type { AgentLimits } from './agent-limits.ts';

/**
 * When everything must end: a signal, or the end of the pipe to the runtime (lifeline). It may come at any time, also
 * before the bot runs, and more than once; the earliest deadline counts.
 */
export class StopSignal {
  #deadline: number | null = null;
  readonly #listeners = new Set<(graceMs: number) => void>();

  get requested(): boolean {
    return this.#deadline !== null;
  }

  request(graceMs: number): void {
    const deadline = monotonicMs() + graceMs;
    if (this.#deadline !== null && this.#deadline <= deadline) return;
    this.#deadline = deadline;
    for (const listener of this.#listeners) listener(graceMs);
  }

  /** Told how much time is left: at once if a stop was requested before, and again whenever it becomes less. @returns ends it */
  onRequest(listener: (graceMs: number) => void): () => void {
    this.#listeners.add(listener);
    if (this.#deadline !== null) listener(Math.max(0, this.#deadline - monotonicMs()));
    return () => this.#listeners.delete(listener);
  }
}

/** SIGHUP: the terminal went away; unhandled it would end the agent and leave the bot behind. */
export function stopOnSignals(stop: StopSignal, limits: Pick<AgentLimits, 'stopGraceMs'>): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => stop.request(limits.stopGraceMs));
  }
}

export function stopOnLifelineEnd(stop: StopSignal, limits: Pick<AgentLimits, 'lifelineGraceMs'>): void {
  const ended = () => stop.request(limits.lifelineGraceMs);
  process.stdin.once('end', ended).once('error', ended).once('close', ended).resume();
}
