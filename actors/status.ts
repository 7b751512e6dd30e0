import type { BotActorState } from './bot-actor-state.ts';
import type { BotStatus } from './effect.ts';
import type { Reason } from './reason.ts';

/** What outsiders may see of a bot. */
export function statusOf(state: BotActorState): BotStatus {
  const { spec, history } = state;
  const seen = state.seen ?? null;
  return {
    id: state.id,
    kind: spec?.kind ?? 'realtime',
    state: state.state,
    reason: history.at(-1) ?? unheardOf(state),
    restarts: state.restarts,
    since: state.since,
    retryAt: state.retryAt === 0 ? null : state.retryAt,
    nextRunAt: nextRunAt(state),
    endpoint: state.state === 'running' ? (seen?.endpoint ?? null) : null,
    queryable: spec !== null && spec.queryEntrypoint !== null,
    containerId: seen?.containerId ?? null,
    outdated: spec !== null && seen !== null && seen.shapeRevision !== spec.shapeRevision,
    history,
  };
}

function unheardOf({ since, incarnation }: BotActorState): Reason {
  return { code: 'not-yet-observed', facts: {}, at: since, incarnation, specRevision: '' };
}

function nextRunAt({ schedule, state }: BotActorState): number | null {
  const next = schedule?.record?.next ?? null;
  if (next === null || next <= 0 || state === 'blocked' || state === 'stopped') return null;
  return next * 1000;
}
