import { withDeadline } from '../linked-abort.ts';
import { pause } from '../pause.ts';

/** What one dependency is known to be. */
export interface DependencyState {
  readonly name: string;
  readonly isReady: boolean;
  /** Why it is not ready, or what people should know although it is; without secrets. Mostly empty. */
  readonly sentence: string;
  /** Since when it is so; milliseconds since 1970. */
  readonly since: number;
}

/** For the part that knows a dependency and is told by it. */
export interface DependencyReport {
  /** @param remark what people should know all the same; empty: nothing */
  ready(remark?: string): void;
  /** @param sentence why; without passwords, it is shown to whoever asks */
  notReady(sentence: string): void;
}

/** What people should know of a dependency that is ready. */
export interface Remark {
  readonly remark: string;
}

/** Looks once. @returns null when all is well, else why not, in a sentence; @throws the same as an error */
export type Probe = (signal: AbortSignal) => Promise<string | Remark | null>;

export interface ProbeTimes {
  /** Between the end of one look and the next (contract 5.3: 15 s). */
  readonly intervalMs: number;
  /** Of one look (contract 5.3: 5 s). */
  readonly timeoutMs: number;
}

export const PROBE_TIMES: ProbeTimes = { intervalMs: 15_000, timeoutMs: 5_000 };

/**
 * Whether this process can do its work: all of its dependencies are there, and nobody has told it to end (contract 5.3).
 * A dependency is not ready until somebody has seen that it is. It is told either by the part that uses it
 * ({@link Readiness.dependency}) or by looking from time to time ({@link Readiness.probe}).
 */
export class Readiness {
  readonly #states = new Map<string, DependencyState>();
  readonly #onChange: (state: DependencyState) => void;
  readonly #now: () => number;
  readonly #ending = new AbortController();
  readonly #probes: Promise<void>[] = [];

  /** @param onChange a dependency went or came; its new state */
  constructor(onChange: (state: DependencyState) => void = () => {}, now: () => number = Date.now) {
    this.#onChange = onChange;
    this.#now = now;
  }

  get isReady(): boolean {
    return !this.#ending.signal.aborted && [...this.#states.values()].every(({ isReady }) => isReady);
  }

  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** In the order in which they were named. */
  get dependencies(): readonly DependencyState[] {
    return [...this.#states.values()];
  }

  /** @param name as people call it: `MongoDB`, `object store` */
  dependency(name: string): DependencyReport {
    if (this.#states.has(name)) throw new Error(`${name} is a dependency already`);
    this.#states.set(name, { name, isReady: false, sentence: 'It has not been looked at yet.', since: this.#now() });
    return {
      ready: (remark = '') => this.#set(name, true, remark),
      notReady: (sentence) => this.#set(name, false, sentence),
    };
  }

  /** Looks at once and then again and again, each time at most for so long. @returns when the first look is over */
  async probe(name: string, probe: Probe, times: ProbeTimes = PROBE_TIMES): Promise<void> {
    const report = this.dependency(name);
    const first = this.#look(report, probe, times.timeoutMs);
    this.#probes.push(first.then(() => this.#lookAgain(report, probe, times)));
    await first;
  }

  /** From now on not ready, whatever the dependencies are. @returns when no look is under way any more */
  async end(): Promise<void> {
    this.#ending.abort(new Error('the process is ending'));
    await Promise.all(this.#probes);
  }

  async #lookAgain(report: DependencyReport, probe: Probe, times: ProbeTimes): Promise<void> {
    while (!this.isEnding) {
      await pause(times.intervalMs, this.#ending.signal);
      if (!this.isEnding) await this.#look(report, probe, times.timeoutMs);
    }
  }

  async #look(report: DependencyReport, probe: Probe, timeoutMs: number): Promise<void> {
    try {
      const trouble = await withDeadline(this.#ending.signal, timeoutMs, (signal) => heeding(signal, probe));
      if (trouble === null) report.ready();
      else if (typeof trouble === 'object') report.ready(trouble.remark);
      else report.notReady(trouble);
    } catch (error) {
      if (this.isEnding) return;
      report.notReady(error instanceof Error ? error.message : String(error));
    }
  }

  #set(name: string, isReady: boolean, sentence: string): void {
    const before = this.#states.get(name);
    if (before === undefined || (before.isReady === isReady && before.sentence === sentence)) return;
    // Another sentence for the same trouble does not make it younger.
    const since = before.isReady === isReady ? before.since : this.#now();
    const state = { name, isReady, sentence, since };
    this.#states.set(name, state);
    if (!this.isEnding) this.#onChange(state);
  }
}

/** A probe that does not heed its signal must not hold up the next look. @throws the signal's reason when that comes first */
async function heeding(signal: AbortSignal, probe: Probe): Promise<string | Remark | null> {
  try {
    return await Promise.race([probe(signal), aborted(signal)]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
