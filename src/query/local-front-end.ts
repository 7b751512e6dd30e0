import type { Route } from '../../actors/route.ts';
import { probePort } from './port-probe.ts';
import { PortInUse } from './query-errors.ts';
import type { QueryFrontEnd } from './query-front-end.ts';
import { QueryServer, type QueryServerOptions } from './query-server.ts';
import { type QueryFigures, QueryTally } from './query-tally.ts';

/** Answers queries in the caller's thread: for tests and small hosts. */
export class LocalFrontEnd implements QueryFrontEnd {
  readonly #server: QueryServer;
  readonly #tally = new QueryTally(QueryTally.memory());
  readonly #closeGraceMs: number;
  #address: { readonly host: string; readonly port: number };

  constructor(host: string, port: number, options: Omit<QueryServerOptions, 'tally'>, closeGraceMs: number) {
    this.#server = new QueryServer({ ...options, tally: this.#tally });
    this.#address = { host, port };
    this.#closeGraceMs = closeGraceMs;
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }

  async start(): Promise<void> {
    const { host, port } = this.#address;
    const free = await probePort(host, port);
    const bound = this.#server.listen(host, free, false);
    if (bound === null) throw new PortInUse(host, free);
    this.#address = { host, port: bound };
  }

  setRoute(botId: string, route: Route | null): void {
    this.#server.routes.set(botId, route);
  }

  figures(): QueryFigures {
    return QueryTally.figures([this.#tally], 0);
  }

  killThread(index: number): void {
    throw new RangeError(`there is no query thread ${index}: queries are answered in the main thread`);
  }

  close(): Promise<void> {
    return this.#server.close(this.#closeGraceMs);
  }
}
