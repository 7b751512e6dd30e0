import { performance } from 'node:perf_hooks';
import type { Route } from '../../actors/route.ts';
import { BotUpstream, type UpstreamShared } from './bot-upstream.ts';

/** Bot id → upstream, as this thread knows it. One lookup is all that a query to a running bot needs. */
export class RouteTable {
  readonly #shared: UpstreamShared;
  readonly #upstreams = new Map<string, BotUpstream>();
  /** From an answer of the supervisor, for bots whose route has not been published here; dropped when unused. */
  readonly #provisional = new Map<string, BotUpstream>();

  constructor(shared: UpstreamShared) {
    this.#shared = shared;
  }

  get(botId: string): BotUpstream | undefined {
    return this.#upstreams.get(botId);
  }

  set(botId: string, route: Route | null): void {
    const known = this.#upstreams.get(botId);
    if (known !== undefined && route !== null && sameRoute(known.route, route)) return;
    const now = performance.now();
    known?.retire(now);
    this.#provisional.get(botId)?.retire(now);
    this.#provisional.delete(botId);
    if (route === null) this.#upstreams.delete(botId);
    else this.#upstreams.set(botId, new BotUpstream(route, this.#shared, now));
  }

  /**
   * The upstream for a route that came as an answer. What is published goes before it; it is never stored as published, for
   * a withdrawal may have overtaken it.
   */
  provisional(botId: string, route: Route): BotUpstream {
    const published = this.#upstreams.get(botId);
    if (published !== undefined) return published;
    const known = this.#provisional.get(botId);
    if (known !== undefined && sameRoute(known.route, route)) return known;
    const now = performance.now();
    known?.retire(now);
    const upstream = new BotUpstream(route, this.#shared, now);
    this.#provisional.set(botId, upstream);
    return upstream;
  }

  /** Forgets provisional upstreams that nobody waits for. */
  sweep(now: number): void {
    for (const [botId, upstream] of this.#provisional) {
      if (upstream.inFlight > 0) continue;
      upstream.retire(now);
      this.#provisional.delete(botId);
    }
  }
}

function sameRoute(a: Route, b: Route): boolean {
  return a.incarnation === b.incarnation && a.endpoint.host === b.endpoint.host && a.endpoint.port === b.endpoint.port;
}
