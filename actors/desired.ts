import type { BotActorState } from './bot-actor-state.ts';
import type { BotSpec } from './bot-spec.ts';
import { type Change, deadlineOf, why } from './change.ts';
import { goalOf } from './goal.ts';
import type { BotMemory, DesiredMessage, InFlightEffect, RemovedMessage } from './message.ts';
import type { ReasonCode } from './reason.ts';
import { reconcile } from './reconcile.ts';

export function onDesired(change: Change, { spec, memory, inFlight }: DesiredMessage): void {
  const { draft } = change;
  const { spec: older, wish } = draft;
  draft.spec = spec;
  draft.wish = 'desired';
  draft.graceUntil = 0;
  if (wish === 'none') introduce(change);
  if (inFlight !== undefined) awaitAnswer(change, inFlight);
  if (memory !== undefined && draft.seen === undefined) remember(change, memory);
  if (wish !== 'none' && (wish !== 'desired' || older === null)) {
    startAfresh(change);
    draft.startCause = 'first-start';
  } else if (older !== null && differs(older, spec)) {
    startAfresh(change);
    giveUpClaim(change);
    if (spec.kind !== 'scheduled') draft.schedule = null;
    draft.startCause = causeOfStart(older, spec);
  }
  reconcile(change);
}

export function onRemoved(change: Change, { cause, inFlight }: RemovedMessage): void {
  const { draft } = change;
  if (draft.wish === 'none') introduce(change);
  if (inFlight !== undefined) awaitAnswer(change, inFlight);
  if (cause === 'deleted') draft.wish = 'deleted';
  else if (cause === 'shutdown') draft.wish = 'shut-down';
  else if (draft.wish === 'none' || draft.wish === 'desired') draft.wish = 'orphan';
  if (draft.wish !== 'orphan') draft.graceUntil = 0;
  startAfresh(change);
  giveUpClaim(change);
  reconcile(change);
}

/** A claim that waits for its turn is of no use any more; whether it was carried out is not known. */
function giveUpClaim(change: Change): void {
  if (change.draft.schedule?.asking?.request.op === 'claim')
    change.plan({ asking: null, unsure: true, record: undefined });
}

/** What failed before says nothing about what is desired now. */
export function startAfresh({ draft, now, settings }: Change): void {
  draft.attempt = 0;
  draft.retryAt = 0;
  if (draft.obstacle === 'actor-failed' && draft.inFlight !== null) {
    draft.inFlight = { ...draft.inFlight, deadlineAt: now + settings.stopDeadlineMs };
  }
  draft.obstacle = null;
}

/** Before anything else is known. Not a transition: the journal's newest entry stays what was true before. */
function introduce({ draft, now }: Change): void {
  draft.since = now;
  const { code, facts } = why('not-yet-observed');
  const specRevision = draft.spec?.specRevision ?? '';
  draft.history = [{ code, facts, at: now, incarnation: draft.incarnation, specRevision }];
}

/** The engine is at work for this bot since before this actor was made. */
function awaitAnswer({ draft, now, settings }: Change, { effect, incarnation }: InFlightEffect): void {
  if (draft.inFlight !== null) return;
  const specRevision = draft.spec?.specRevision ?? '';
  const deadlineAt = now + deadlineOf(effect, settings);
  draft.inFlight = { effect, incarnation, specRevision, deadlineAt, overdue: false };
  draft.incarnation = incarnation;
  draft.lastIncarnation = Math.max(draft.lastIncarnation, incarnation);
  if (effect === 'start') draft.launched = true;
  if (effect === 'stop' || effect === 'remove') draft.stopAsked = true;
}

/** What was true before the runtime, or this actor's shard, was restarted. */
function remember({ draft, now, settings }: Change, memory: BotMemory): void {
  const { reason } = memory;
  draft.lastIncarnation = Math.max(draft.lastIncarnation, memory.incarnation);
  draft.attempt = memory.attempt;
  draft.restarts = memory.restarts;
  if (memory.attempt > 0) draft.startCause = 'restart-after-crash';
  if (reason !== null) {
    draft.history = [reason, ...draft.history].slice(-settings.historyLength);
    draft.knownUntil = Math.max(draft.knownUntil, reason.at);
    if (ASKED_TO_END[reason.code] === true) draft.stopAsked = true;
  }
  if (goalOf(draft, 0).kind === 'run' && memory.backoffUntil > now) {
    // The clock may have been set back meanwhile.
    draft.retryAt = Math.min(memory.backoffUntil, now + settings.restart.capMs);
  }
}

/** An exit after one of these was no crash. */
const ASKED_TO_END: Partial<Record<ReasonCode, true>> = {
  'spec-changed': true,
  'operator-restart': true,
  'keys-renewed': true,
  'ignored-sigterm': true,
  'stop-not-seen': true,
  disabled: true,
  deleted: true,
  'shut-down': true,
  'not-desired': true,
  'kept-elsewhere': true,
};

function causeOfStart(older: BotSpec, newer: BotSpec): BotActorState['startCause'] {
  if (older.keptElsewhere !== undefined) return 'first-start';
  return older.specRevision === newer.specRevision && !older.enabled ? 'enabled' : 'spec-changed';
}

/** In what decides whether and how the bot runs. */
function differs(older: BotSpec, newer: BotSpec): boolean {
  return (
    older.specRevision !== newer.specRevision ||
    older.enabled !== newer.enabled ||
    older.kind !== newer.kind ||
    older.schedule !== newer.schedule ||
    older.runtime !== newer.runtime ||
    older.entrypoint !== newer.entrypoint ||
    older.problem?.code !== newer.problem?.code ||
    older.keptElsewhere !== newer.keptElsewhere
  );
}
