import { type Change, why } from './change.ts';
import { fail } from './failure.ts';
import { goalOf, isToRun } from './goal.ts';
import type { EffectDoneMessage, EffectFailedMessage, EngineFailure } from './message.ts';
import { accept, onHeld, onObserved } from './observed.ts';
import { reconcile } from './reconcile.ts';

/** The engine did what it was asked for; its answer is the truth about the container. */
export function onEffectDone(change: Change, message: EffectDoneMessage): void {
  const { effect, observation } = message;
  if (!settleAnswer(change, message)) {
    // The answer to something given up: it changes nothing by itself, but what it names may have to be cleaned up.
    onObserved(change, observation);
    return;
  }
  // The engine answers, so what waited for it goes on; a backoff is not about the engine.
  if (!backsOff(change)) change.draft.retryAt = 0;
  if (effect === 'stop') onStopped(change, message);
  if (effect === 'remove' && observation.container !== null) tryAgainLater(change);
  accept(change, observation, effect);
  onHeld(change, observation.at);
}

/** Also when the backoff is remembered from before this actor, which has seen nothing yet. */
function backsOff({ draft }: Change): boolean {
  return draft.state === 'backing-off' || draft.history.at(-1)?.code === 'not-yet-observed';
}

function onStopped(change: Change, { observation }: EffectDoneMessage): void {
  const { container, lastExit } = observation;
  if (container?.phase === 'running') tryAgainLater(change);
  if (lastExit?.lastWords?.code !== 'killed-after-grace') return;
  const graceMs = lastExit.lastWords.facts['graceMs'];
  change.transition(
    'stopping',
    why('ignored-sigterm', typeof graceMs === 'number' ? { afterMs: graceMs, graceMs } : {}),
  );
}

export function onEffectFailed(change: Change, message: EffectFailedMessage): void {
  const { inFlight } = change.draft;
  if (inFlight === null || !settleAnswer(change, message)) return;
  if (message.effect === 'start') onStartFailed(change, message.failure, inFlight.specRevision);
  else onOtherFailed(change, message);
  reconcile(change);
  onHeld(change, 0);
}

/**
 * Is this the answer that was awaited? After its deadline an effect has an inspect behind it: whichever of the two answers
 * first is believed, and if it is the effect, the inspect is still to come.
 */
export function settleAnswer(
  { draft }: Change,
  { effect, incarnation }: EffectDoneMessage | EffectFailedMessage,
): boolean {
  const { inFlight } = draft;
  if (inFlight === null || inFlight.incarnation !== incarnation) return false;
  if (inFlight.effect === effect) {
    draft.inFlight =
      inFlight.overdue && effect !== 'inspect' ? { ...inFlight, effect: 'inspect', overdue: false } : null;
    return true;
  }
  if (!inFlight.overdue || effect !== 'inspect') return false;
  draft.inFlight = null;
  return true;
}

function onStartFailed(change: Change, failure: EngineFailure, askedRevision: string): void {
  const { draft, settings } = change;
  const { code, facts } = failure;
  draft.launched = false;
  const isStillWanted = isToRun(goalOf(draft, settings.orphanGraceMs)) && draft.spec?.specRevision === askedRevision;
  if (!isStillWanted && code !== 'unreachable') {
    // Nobody wants this start any more: why it failed does not matter, only whether something is left of it.
    draft.inDoubt = code !== 'superseded';
    return;
  }
  switch (code) {
    case 'unreachable':
      // It may have been carried out all the same.
      draft.inDoubt = true;
      tryAgainLater(change);
      change.transition('waiting', why('engine-unreachable', facts));
      break;
    case 'keys-unavailable':
      // A container of before may have made way for it.
      draft.inDoubt = true;
      tryAgainLater(change);
      change.transition('waiting', why('keys-unavailable', facts));
      break;
    case 'standing-by':
      standBy(change, failure);
      break;
    case 'image-missing':
      tryAgainLater(change);
      change.transition('waiting', why('image-missing', facts));
      break;
    case 'superseded':
      // The newer spec is on its way to this actor, and is tried when it arrives.
      tryAgainLater(change);
      break;
    case 'program-missing':
      draft.obstacle = 'program-missing';
      change.transition('blocked', why('program-missing', facts));
      break;
    case 'code-unavailable':
    case 'name-taken':
      draft.inDoubt = true;
      fail(change, why(code, facts), 'not-started');
      break;
    case 'rejected':
      draft.inDoubt = true;
      fail(change, why('engine-rejected', { ...facts, effect: 'start' }), 'not-started');
      break;
  }
}

/** Of a stop, removal or inspect: asked again after a pause. What runs is not touched for it. */
function onOtherFailed(change: Change, { effect, failure }: EffectFailedMessage): void {
  const { draft } = change;
  if (failure.code === 'standing-by') {
    standBy(change, failure);
    return;
  }
  draft.inDoubt = true;
  tryAgainLater(change);
  if (draft.state !== 'stopping' && draft.state !== 'starting') return;
  if (failure.code === 'unreachable') change.transition('waiting', why('engine-unreachable', failure.facts));
  else change.transition(draft.state, why('engine-rejected', { ...failure.facts, effect }));
}

/** Nothing was done. When this runtime may act it says so to all, so that asking is only for the case that this is lost. */
function standBy(change: Change, { facts }: EngineFailure): void {
  const { draft, now, settings } = change;
  draft.stopAsked = false;
  draft.retryAt = now + settings.restart.capMs;
  change.transition('waiting', why('standing-by', facts));
}

function tryAgainLater({ draft, now, settings }: Change): void {
  draft.retryAt = now + settings.dependencyRetryMs;
}
