import { createServer } from 'node:net';

/** First and last port of a range, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export class NoFreePort extends Error {
  readonly code = 'no-free-port';
  constructor(range: PortRange) {
    super(`no port between ${range.first} and ${range.last} is free for a bot's query server; give a larger range`);
    this.name = 'NoFreePort';
  }
}

/**
 * Hands out ports for query servers, one after the other round the range, so that a port is not used again soon: an answer
 * or a connection meant for the bot that had it before must not reach another.
 */
export class QueryPorts {
  readonly #range: PortRange;
  readonly #host: string;
  readonly #taken = new Set<number>();
  #next: number;

  /**
   * @param startAt the port to begin with. Two runtimes on one host should not begin with the same: between the look at a
   *   port and the bot's own bind there is time for the other to take it, and its bot would answer for this one
   */
  constructor(range: PortRange, host: string, startAt: number = range.first) {
    this.#range = range;
    this.#host = host;
    this.#next = startAt;
  }

  /** Looks at each port of the range at most once. @throws NoFreePort */
  async take(): Promise<number> {
    const size = this.#range.last - this.#range.first + 1;
    for (let tried = 0; tried < size; tried += 1) {
      const port = this.#next;
      this.#next = port === this.#range.last ? this.#range.first : port + 1;
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      if (await canBind(port, this.#host)) return port;
      this.#taken.delete(port);
    }
    throw new NoFreePort(this.#range);
  }

  giveBack(port: number): void {
    this.#taken.delete(port);
  }
}

/** Another program may hold the port; the answer can be wrong a moment later, then the query server says so itself. */
async function canBind(port: number, host: string): Promise<boolean> {
  const probe = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => resolve(true));
  });
  if (bound) await new Promise((resolve) => probe.close(resolve));
  return bound;
}
