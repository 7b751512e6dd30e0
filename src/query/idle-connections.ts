import type { UpstreamConnection } from './upstream-connection.ts';

/**
 * All kept-alive connections of a thread that wait for a query; bounded in number and age. A list through the connections
 * themselves, for every query takes one out and puts one in.
 *
 *     oldest ⇄ … ⇄ newest
 */
export class IdleConnections {
  readonly #limit: number;
  readonly #maxIdleMs: number;
  #oldest: UpstreamConnection | null = null;
  #newest: UpstreamConnection | null = null;
  #size = 0;

  constructor(limit: number, maxIdleMs: number) {
    this.#limit = limit;
    this.#maxIdleMs = maxIdleMs;
  }

  get size(): number {
    return this.#size;
  }

  /** Beyond the limit the longest idle one is closed. */
  add(connection: UpstreamConnection, now: number): void {
    connection.idleSince = now;
    connection.older = this.#newest;
    if (this.#newest === null) this.#oldest = connection;
    else this.#newest.newer = connection;
    this.#newest = connection;
    this.#size += 1;
    if (this.#size > this.#limit) this.#oldest?.closeIdle();
  }

  /** Only for a connection that is in. */
  remove(connection: UpstreamConnection): void {
    const { older, newer } = connection;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    connection.older = null;
    connection.newer = null;
    this.#size -= 1;
  }

  /** Closes what has been idle too long. */
  sweep(now: number): void {
    while (this.#oldest !== null && now - this.#oldest.idleSince >= this.#maxIdleMs) this.#oldest.closeIdle();
  }
}
