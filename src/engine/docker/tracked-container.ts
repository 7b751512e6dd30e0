import type { ContainerFacts, Endpoint, ExitFacts, Incarnation } from '../../../actors/observation.ts';
import type { ContainerIdentity } from './container-labels.ts';
import { type ContainerView, endpointOf } from './container-view.ts';

/**
 * What is known of one container, told apart by *runs*: a container started again in place is a new run of the same
 * container, and its labels still name the first incarnation.
 *
 *     created ──start──► running ──die──► exited ──start──► running …
 *                 └─ a start of ours makes its incarnation the run's; a start by hand keeps the old one
 *
 * Two sources tell about it: the event stream, in order but late, and inspections, now but out of step with the events.
 * An event about a run that an inspection has shown to be over is not news. All times are Docker's clock, and it may be set
 * back: then what is news can look old. So an event that is not news and says otherwise than what is known is a reason to look.
 */
export class TrackedContainer {
  readonly id: string;
  readonly identity: ContainerIdentity;
  phase: ContainerFacts['phase'] = 'created';
  paused = false;
  incarnation: Incarnation;
  /** Its identity's, unless it turned out to be equal to another. */
  specRevision: string;
  endpoint: Endpoint | null = null;
  /** The facts of the last exit, read once per run and shared by all who ask. */
  exit: Promise<ExitFacts> | null = null;
  /** When the kernel last ended a process in it for want of memory; 0 is never in this run. */
  outOfMemoryAt = 0;
  /** Version of the termination log at the last exit that was read; null when there was none, or it was not read. */
  terminationLog: string | null = null;
  startedAt = 0;
  /** Whether that is from an inspection; an event tells of a start a little later than Docker writes it down. */
  #isStartExact = false;
  /** Value of the ledger's counter at the last change. */
  touched = 0;
  /** Incarnation of a start that has been asked for and not yet been seen. */
  #pending: Incarnation | null = null;
  /** Everything up to here is known from an inspection. */
  #settledAt = 0;

  constructor(id: string, identity: ContainerIdentity) {
    this.id = id;
    this.identity = identity;
    this.incarnation = identity.incarnation;
    this.specRevision = identity.specRevision;
  }

  /** A start is about to be asked for. */
  expectStart(incarnation: Incarnation): void {
    this.#pending = incarnation;
  }

  startFailed(): void {
    this.#pending = null;
  }

  /** @returns whether the event is news */
  started(at: number): boolean {
    if (at < this.#settledAt || (this.phase === 'running' && this.#pending === null)) return false;
    this.#beginRun(at);
    return true;
  }

  /** @returns whether the event is news */
  died(at: number): boolean {
    if (this.phase === 'exited' || at < this.startedAt) return false;
    this.#end();
    return true;
  }

  /** @param view what an inspection shows */
  apply(view: ContainerView): void {
    if (this.#isOfAnotherRun(view)) this.#beginRun(view.startedAt);
    if (view.startedAt > 0) {
      this.startedAt = view.startedAt;
      this.#isStartExact = true;
    }
    if (view.phase !== 'running') this.#end(view.phase);
    this.phase = view.phase;
    this.paused = view.paused;
    this.endpoint = endpointOf(view, this.identity.queryPort);
    this.#settledAt = Math.max(view.startedAt, view.finishedAt);
  }

  facts(): ContainerFacts {
    return {
      containerId: this.id,
      incarnation: this.incarnation,
      specRevision: this.specRevision,
      shapeRevision: this.identity.shapeRevision,
      ...(this.identity.occurrence === undefined ? {} : { occurrence: this.identity.occurrence }),
      phase: this.phase,
      paused: this.paused,
      endpoint: this.endpoint,
    };
  }

  #isOfAnotherRun({ startedAt }: ContainerView): boolean {
    if (startedAt === 0) return false;
    return this.#isStartExact ? startedAt !== this.startedAt : startedAt > this.startedAt;
  }

  #beginRun(at: number): void {
    this.incarnation = this.#pending ?? this.incarnation;
    this.#pending = null;
    this.startedAt = at;
    this.#isStartExact = false;
    this.phase = 'running';
    this.paused = false;
    this.exit = null;
    this.outOfMemoryAt = 0;
  }

  #end(phase: ContainerFacts['phase'] = 'exited'): void {
    this.phase = phase;
    this.paused = false;
    this.endpoint = null;
  }
}
