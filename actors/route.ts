import type { BotSpec } from './bot-spec.ts';
import type { ContainerFacts, Endpoint, Incarnation } from './observation.ts';

/** Where queries to one running bot go. */
export interface Route {
  readonly endpoint: Endpoint;
  /** Changes with every start: pooled connections to an older one are dropped. */
  readonly incarnation: Incarnation;
}

/** A pure function of what is desired and what is seen; null when no query can be proxied. */
export function routeOf(spec: BotSpec, container: ContainerFacts | null): Route | null {
  if (spec.queryEntrypoint === null || container === null) return null;
  // A run has no query server; a scheduled bot is asked by a run of its own.
  if (container.occurrence !== undefined) return null;
  if (container.phase !== 'running' || container.endpoint === null) return null;
  return { endpoint: container.endpoint, incarnation: container.incarnation };
}
