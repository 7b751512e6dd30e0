import { type Change, type Why, why } from './change.ts';
import type { Goal } from './goal.ts';
import type { ContainerFacts } from './observation.ts';

/** The steps that lead to what is desired, for bots of either kind. Each asks for one thing at the most. */

export function settle(change: Change, goal: Goal & { kind: 'halt' }): void {
  const to = goal.to === 'blocked' ? 'blocked' : 'stopped';
  change.draft.retryAt = 0;
  if (!change.isAlready(to, goal.why)) change.transition(to, goal.why);
  if (goal.to === 'ended') change.end();
}

/** A container that nobody desires: shown, and left alone until the grace is over. */
export function tolerate(change: Change): void {
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

/** Whoever froze a container had a purpose: it is shown, no query is sent there, and it is left as it is. */
export function showWhetherPaused(change: Change, { paused, containerId }: ContainerFacts): void {
  const frozen = why('container-paused', { containerId });
  if (!paused && change.draft.state !== 'running') change.transition('running', why('container-unpaused'));
  if (paused && !change.isAlready('stopped', frozen)) change.transition('stopped', frozen);
}

/** Stops a container that runs, removes one that does not. */
export function endContainer(change: Change, container: ContainerFacts, because: Why): void {
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
