import type { UpstreamConnection } from './upstream-connection.ts';

/** All kept-alive connections of a thread that wait for a query, the longest idle first; bounded in number and age. */
export class IdleConnections {
  readonly #limit: number;
  readonly #maxIdleMs: number;
  readonly #idle = new Set<UpstreamConnection>();

  constructor(limit: number, maxIdleMs: number) {
    this.#limit = limit;
    this.#maxIdleMs = maxIdleMs;
  }

  get size(): number {
    return this.#idle.size;
  }

  add(connection: UpstreamConnection, now: number): void {
    connection.idleSince = now;
    this.#idle.add(connection);
    const oldest = this.#idle.values().next().value;
    if (this.#idle.size > this.#limit && oldest !== undefined) this.#close(oldest);
  }

  remove(connection: UpstreamConnection): void {
    this.#idle.delete(connection);
  }

  /** Closes what has been idle too long. */
  sweep(now: number): void {
    for (const connection of this.#idle) {
      if (now - connection.idleSince < this.#maxIdleMs) return;
      this.#close(connection);
    }
  }

  #close(connection: UpstreamConnection): void {
    this.#idle.delete(connection);
    connection.closeIdle();
  }
}
