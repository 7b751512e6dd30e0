import type { BotStatus } from '../../actors/effect.ts';
import type { Reason } from '../../actors/reason.ts';
import type { ShapeRevisionOf } from './bot-messages.ts';
import type { RosterEntry } from './roster.ts';

/**
 * A bot as it was when its actor was last heard of, for lists made while the actor cannot be asked: its shard is being
 * replaced, is too busy to answer, or has not met the bot yet.
 *
 * @param now what a bot counts from that nothing is known of
 */
export function lastKnownStatus(entry: RosterEntry, shapeRevisionOf: ShapeRevisionOf, now: number): BotStatus {
  const { botId, definition, observation, lastTransition } = entry;
  const container = observation?.container ?? null;
  const reason = lastTransition?.reason ?? unheardOf(entry, now);
  const state = lastTransition?.to ?? 'waiting';
  const memory = lastTransition?.memory;
  return {
    id: botId,
    kind: definition?.kind ?? 'realtime',
    state,
    reason,
    restarts: memory?.restarts ?? 0,
    since: reason.at,
    retryAt: memory === undefined || memory.backoffUntil === 0 ? null : memory.backoffUntil,
    nextRunAt: typeof reason.facts['next'] === 'number' ? reason.facts['next'] * 1000 : null,
    endpoint: state === 'running' && container !== null ? container.endpoint : null,
    queryable: definition !== null && definition.queryEntrypoint !== null,
    containerId: container?.containerId ?? null,
    outdated: definition !== null && container !== null && container.shapeRevision !== shapeRevisionOf(definition),
    history: [reason],
  };
}

function unheardOf({ definition }: RosterEntry, now: number): Reason {
  const specRevision = definition?.specRevision ?? '';
  return { code: 'not-yet-observed', facts: {}, at: now, incarnation: 0, specRevision };
}
