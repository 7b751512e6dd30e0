import type { BotActorState } from './bot-actor-state.ts';
import { type BotSpec, KNOWN_RUNTIMES } from './bot-spec.ts';
import { type Why, why } from './change.ts';
import type { ContainerFacts } from './observation.ts';

/** What is to be reached for a bot; a function of what is desired alone. */
export type Goal =
  /** One container of the desired revision runs. */
  | { readonly kind: 'run' }
  /** No container is there. */
  | { readonly kind: 'halt'; readonly to: 'stopped' | 'blocked' | 'ended'; readonly why: Why }
  /** What is there is left alone. */
  | { readonly kind: 'tolerate' };

const RUN: Goal = { kind: 'run' };
const TOLERATE: Goal = { kind: 'tolerate' };

export function goalOf(state: BotActorState, orphanGraceMs: number): Goal {
  if (state.obstacle === 'actor-failed') return TOLERATE;
  switch (state.wish) {
    case 'none':
    case 'orphan':
      return TOLERATE;
    case 'deleted':
    case 'shut-down':
      return { kind: 'halt', to: 'ended', why: why(state.wish) };
    case 'not-desired':
      return { kind: 'halt', to: 'ended', why: why(state.wish, { graceMs: orphanGraceMs }) };
    case 'desired':
      return state.spec === null ? TOLERATE : goalOfSpec(state.spec);
  }
}

function goalOfSpec(spec: BotSpec): Goal {
  if (spec.problem !== null) return blocked(why(spec.problem.code, spec.problem.facts));
  if (!spec.enabled) return { kind: 'halt', to: 'stopped', why: why('disabled') };
  if (spec.kind !== 'realtime') return blocked(why('kind-unsupported', { kind: spec.kind }));
  if (!KNOWN_RUNTIMES.includes(spec.runtime)) {
    return blocked(why('runtime-unknown', { runtime: spec.runtime, known: KNOWN_RUNTIMES.join(', ') }));
  }
  if (spec.entrypoint === '') return blocked(why('entrypoint-undefined'));
  return RUN;
}

function blocked(reason: Why): Goal {
  return { kind: 'halt', to: 'blocked', why: reason };
}

/** May this container go on, or be started again, as it is? */
export function isWanted(state: BotActorState, container: ContainerFacts): boolean {
  return !state.renew && container.specRevision === state.spec?.specRevision;
}
