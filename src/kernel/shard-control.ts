import { type Clock, systemClock } from './clock.ts';
import { ShardTimeout } from './shard-errors.ts';

/** The rare calls an owner makes to its shard's thread, over comlink. */
export interface ShardControl {
  /** Answers as soon as the behavior is loaded. */
  ready(): void;
  snapshot(ids: readonly string[] | null): unknown[];
  /**
   * Answers when `posted` envelopes have been received, every mailbox is empty and the report of that is posted.
   * @returns how many effects were reported since the start
   */
  drain(posted: number): Promise<number>;
}

/**
 * Calls that wait for an answer. Comlink leaves a call hanging when the thread dies, so each is held here until it is answered,
 * its deadline passes, or {@link rejectAll}.
 */
export class PendingCalls {
  readonly #shardId: string;
  readonly #clock: Clock;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(shardId: string, clock: Clock = systemClock) {
    this.#shardId = shardId;
    this.#clock = clock;
  }

  /** @throws ShardTimeout after `deadlineMs`, or what {@link rejectAll} is given */
  wait<Answer>(what: string, deadlineMs: number, call: PromiseLike<Answer>): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const giveUp = (error: unknown): void => {
        cancel();
        this.#waiting.delete(giveUp);
        reject(error);
      };
      const cancel = this.#clock.schedule(deadlineMs, () => giveUp(new ShardTimeout(this.#shardId, what, deadlineMs)));
      this.#waiting.add(giveUp);
      call.then((answer) => {
        cancel();
        this.#waiting.delete(giveUp);
        resolve(answer);
      }, giveUp);
    });
  }

  rejectAll(error: Error): void {
    for (const giveUp of [...this.#waiting]) giveUp(error);
  }
}
