import { type Change, why } from './change.ts';
import { type Goal, goalOf, isScheduled, isWanted } from './goal.ts';
import type { ContainerFacts } from './observation.ts';
import { reconcileSchedule } from './scheduled-bot.ts';
import { endContainer, inspect, settle, showWhetherPaused, tolerate } from './steps.ts';

/**
 * Compares what is desired with what is seen and asks for the one next thing that brings them together. Called after every
 * message; does nothing while an answer of the engine or a retry is awaited, or when all is as it should be. For a scheduled
 * bot see {@link reconcileSchedule}; for a realtime one:
 *
 *     seen ▼        goal: run                                 goal: halt
 *     nothing       start                                     stopped, blocked or ended
 *     created       remove, then start                        remove
 *     running       of the desired revision: running,         stop, then remove
 *                   or if somebody paused it: stopped
 *                   else stop, remove, start
 *     exited        of the desired revision: start in place   remove
 *                   else remove, then start
 */
export function reconcile(change: Change): void {
  const { draft, now, settings } = change;
  if (draft.inFlight !== null) return;
  if (draft.retryAt <= now) draft.retryAt = 0;
  if (isScheduled(draft)) {
    reconcileSchedule(change);
    return;
  }
  const goal = goalOf(draft, settings.orphanGraceMs);
  switch (goal.kind) {
    case 'run':
      towardsRunning(change);
      break;
    case 'schedule':
      break; // Only a scheduled bot's.
    case 'halt':
      towardsNothing(change, goal);
      break;
    case 'tolerate':
      tolerate(change);
      break;
  }
}

function towardsRunning(change: Change): void {
  const { draft } = change;
  const { seen } = draft;
  if (seen?.phase === 'running' && !draft.inDoubt && isWanted(draft, seen)) {
    isUp(change, seen);
    return;
  }
  if (draft.retryAt > 0 || draft.obstacle !== null) return;
  if (draft.inDoubt) inspect(change);
  else if (seen === null) start(change, null);
  else if (seen !== undefined) makeWayOrStart(change, seen);
}

function makeWayOrStart(change: Change, seen: ContainerFacts): void {
  const { draft } = change;
  if (draft.renew !== null) endContainer(change, seen, why(draft.renew));
  else if (!isWanted(draft, seen)) endContainer(change, seen, why('spec-changed'));
  else if (seen.phase === 'created') endContainer(change, seen, why('unfinished-start'));
  else start(change, seen.containerId);
}

function towardsNothing(change: Change, goal: Goal & { kind: 'halt' }): void {
  const { draft } = change;
  const { seen } = draft;
  if (seen === null && !draft.inDoubt) {
    settle(change, goal);
    return;
  }
  if (seen === undefined && goal.to === 'blocked' && !change.isAlready('blocked', goal.why)) {
    change.transition('blocked', goal.why);
  }
  if (draft.retryAt > 0) return;
  if (draft.inDoubt) inspect(change);
  else if (seen) endContainer(change, seen, goal.why);
}

/** What is seen running is what should run. */
function isUp(change: Change, container: ContainerFacts): void {
  const { draft, now } = change;
  draft.retryAt = 0;
  draft.obstacle = null;
  draft.stopAsked = false;
  if (draft.launched) {
    draft.launched = false;
    draft.upSince = now;
    change.transition('running', why('started', { tookMs: now - draft.since }));
  } else if (draft.upSince === 0) {
    draft.incarnation = container.incarnation;
    const byHand = draft.state === 'backing-off';
    // An incarnation is the time of its start, so what was adopted is as old as its number says.
    draft.upSince = byHand ? now : Math.min(now, draft.lastIncarnation);
    if (!container.paused) change.transition('running', why(byHand ? 'started-by-hand' : 'adopted'));
  }
  showWhetherPaused(change, container);
}

function start(change: Change, inPlace: string | null): void {
  const { draft, now } = change;
  if (draft.spec === null) return;
  draft.incarnation = Math.max(now, draft.lastIncarnation + 1);
  draft.lastIncarnation = draft.incarnation;
  draft.launched = true;
  draft.stopAsked = false;
  draft.renew = null;
  const { startCause, attempt, incarnation } = draft;
  change.transition('starting', why(startCause, startCause === 'restart-after-crash' ? { attempt } : {}));
  change.ask({
    kind: 'start',
    botId: draft.id,
    incarnation,
    specRevision: draft.spec.specRevision,
    inPlace,
    priority: startCause === 'first-start' ? 'flood' : 'live',
  });
}
