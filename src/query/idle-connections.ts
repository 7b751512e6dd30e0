import type { UpstreamConnection } from './upstream-connection.ts';

/**
 * All kept-alive connections of a thread that wait for a query; bounded in number and age. A list through the connections
 * themselves, for every query takes one out and puts one in.
 *
 *     oldest ⇄ … ⇄ newest
 */
export class IdleConnections {
  readonly #limit: number;
  #sweeps = 0;
  #oldest: UpstreamConnection | null = null;
  #newest: UpstreamConnection | null = null;
  #size = 0;

  /** @param limit so many at one time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Beyond the limit the longest idle one is closed. */
  add(connection: UpstreamConnection): void {
    connection.idleSince = this.#sweeps;
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

  /** Closes what has been idle at {@link SWEEPS_OF_IDLE} sweeps, this one included; to be called at regular times. */
  sweep(): void {
    this.#sweeps += 1;
    while (this.#oldest !== null && this.#sweeps - this.#oldest.idleSince >= SWEEPS_OF_IDLE) this.#oldest.closeIdle();
  }

  closeAll(): void {
    while (this.#oldest !== null) this.#oldest.closeIdle();
  }
}

/** Counted, not timed: no query reads a clock for this, and no connection is closed later than it may be. */
export const SWEEPS_OF_IDLE = 4;
