import type { Settings } from '../config/settings.ts';
import type { DesiredState } from '../desired/desired-state.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import { createQueryFrontEnd } from '../query/create-query-front-end.ts';
import type { QueryRuns } from '../query/ephemeral/query-runs.ts';
import type { QueryFrontEnd } from '../query/query-front-end.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { RuntimeStore } from './object-store.ts';
import { createQueryRuns } from './query-runner.ts';
import type { Role } from './roles.ts';
import { addQueryFigures } from './runtime-figures.ts';
import type { RuntimeHealth } from './runtime-health.ts';
import { askWhyOf } from './runtime-read-side.ts';

/** What answers queries. Its two parts end at different times: the runs while there is an engine to end them with. */
export interface QuerySide {
  /** Listens. Null: its role answers none. */
  readonly frontEnd: QueryFrontEnd | null;
  readonly runs: QueryRuns;
}

export interface QueryNeeds {
  readonly role: Role;
  readonly supervisor: Supervisor;
  readonly desired: DesiredState;
  readonly engine: ContainerEngine;
  /** Null: none is configured. */
  readonly objectStore: RuntimeStore | null;
  /** Null: nobody asked for it. */
  readonly health: RuntimeHealth | null;
  readonly warn: (sentence: string) => void;
}

/** @throws PortInUse */
export async function openQuerySide(
  { query }: Settings,
  { role, supervisor, desired, engine, objectStore, health, warn }: QueryNeeds,
): Promise<QuerySide> {
  const definitionOf = (botId: string) => supervisor.definitionOf(botId);
  const runs = createQueryRuns({ definitionOf, engine, objectStore, settings: query });
  if (!role.answersQueries) return { frontEnd: null, runs };
  const { host, port, threads, token, limits } = query;
  const answers = { askWhy: askWhyOf({ supervisor, desired }), runQuery: runs.ask, onTrouble: warn };
  const frontEnd = createQueryFrontEnd({ host, port, threads, token, limits, ...answers });
  await frontEnd.start();
  if (health !== null) addQueryFigures(health.metrics, frontEnd, runs);
  return { frontEnd, runs };
}
