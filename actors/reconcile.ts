import { type Change, type Why, why } from './change.ts';
import { type Goal, goalOf, isWanted } from './goal.ts';
import type { ContainerFacts } from './observation.ts';

/**
 * Compares what is desired with what is seen and asks for the one next thing that brings them together. Called after every
 * message; does nothing while an answer of the engine or a retry is awaited, or when all is as it should be.
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
  const goal = goalOf(draft, settings.orphanGraceMs);
  switch (goal.kind) {
    case 'run':
      towardsRunning(change);
      break;
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
  if (draft.renew) endContainer(change, seen, why('operator-restart'));
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

function settle(change: Change, goal: Goal & { kind: 'halt' }): void {
  const to = goal.to === 'blocked' ? 'blocked' : 'stopped';
  change.draft.retryAt = 0;
  if (!change.isAlready(to, goal.why)) change.transition(to, goal.why);
  if (goal.to === 'ended') change.end();
}

/** A container that nobody desires: shown, and left alone until the grace is over. */
function tolerate(change: Change): void {
  const { draft, now, settings } = change;
  if (draft.wish !== 'orphan' || draft.obstacle === 'actor-failed') return;
  if (draft.seen === null && !draft.inDoubt) {
    settle(change, { kind: 'halt', to: 'ended', why: why('not-desired') });
    draft.graceUntil = 0;
    return;
  }
  draft.upSince = 0;
  if (draft.graceUntil === 0) draft.graceUntil = now + settings.orphanGraceMs;
  if (draft.seen) {
    const found = why('not-desired-yet', { graceMs: settings.orphanGraceMs });
    const state = draft.seen.phase === 'running' && !draft.seen.paused ? 'running' : 'stopped';
    if (!change.isAlready(state, found)) change.transition(state, found);
  }
  if (draft.inDoubt && draft.retryAt === 0) inspect(change);
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

/** Whoever froze a container had a purpose: it is shown, no query is sent there, and it is left as it is. */
function showWhetherPaused(change: Change, { paused, containerId }: ContainerFacts): void {
  const frozen = why('container-paused', { containerId });
  if (!paused && change.draft.state !== 'running') change.transition('running', why('container-unpaused'));
  if (paused && !change.isAlready('stopped', frozen)) change.transition('stopped', frozen);
}

function start(change: Change, inPlace: string | null): void {
  const { draft, now } = change;
  if (draft.spec === null) return;
  draft.incarnation = Math.max(now, draft.lastIncarnation + 1);
  draft.lastIncarnation = draft.incarnation;
  draft.launched = true;
  draft.stopAsked = false;
  draft.renew = false;
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

/** Stops a container that runs, removes one that does not. */
function endContainer(change: Change, container: ContainerFacts, because: Why): void {
  const { draft, now } = change;
  const { containerId, phase } = container;
  const { id: botId, incarnation } = draft;
  if (phase === 'running' && draft.stopAsked && draft.state === 'stopping') {
    change.transition('stopping', why('stop-not-seen', { afterMs: now - draft.since }));
  } else if (!change.isAlready('stopping', because) && draft.history.at(-1)?.code !== 'ignored-sigterm') {
    change.transition('stopping', because);
  }
  draft.stopAsked = true;
  draft.launched = false;
  draft.upSince = 0;
  change.ask({ kind: phase === 'running' ? 'stop' : 'remove', botId, incarnation, containerId });
}

/** Asks the engine how things are. */
export function inspect(change: Change): void {
  const { id: botId, incarnation } = change.draft;
  change.ask({ kind: 'inspect', botId, incarnation });
}
