import type { Change } from './change.ts';
import { why } from './change.ts';
import { causeOfExit } from './exit.ts';
import { fail } from './failure.ts';
import { goalOf, isScheduled, isWanted } from './goal.ts';
import type { EngineEffectKind } from './message.ts';
import { type ContainerFacts, mergeObservations, type Observation } from './observation.ts';
import type { ReasonCode } from './reason.ts';
import { reconcile } from './reconcile.ts';
import { inspect } from './steps.ts';

/**
 * What the engine reports by itself may come late, twice, out of order or not at all. So it is taken at its word only where
 * nothing can be broken by it: a first word that asks for no more than to adopt or to start, the same again, or the exit of
 * the very container that runs. Anything else is a hint to ask the engine, whose answer is then the truth.
 *
 * While an answer is awaited, the newest report waits with it; the answer may know more, or less.
 */
export function onObserved(change: Change, observation: Observation): void {
  const { draft } = change;
  if (draft.inFlight !== null) {
    draft.held = draft.held === null ? observation : mergeObservations(draft.held, observation);
  } else if (isHarmlessFirst(change, observation) || isExitOfRunning(change, observation)) {
    accept(change, observation, 'observed');
  } else if (!isOldNews(change, observation)) {
    inspect(change);
  }
}

/** What was reported while the answer was under way, unless the answer is the newer of the two. */
export function onHeld(change: Change, answeredAt: number): void {
  const { held } = change.draft;
  change.draft.held = null;
  if (held !== null && held.at >= answeredAt) onObserved(change, held);
}

function isHarmlessFirst({ draft, settings }: Change, { container }: Observation): boolean {
  if (draft.seen !== undefined || draft.inDoubt) return false;
  if (container === null) return true;
  const goal = goalOf(draft, settings.orphanGraceMs).kind;
  return goal === 'tolerate' || (goal === 'run' && container.phase === 'running' && isWanted(draft, container));
}

function isExitOfRunning({ draft }: Change, { container, lastExit }: Observation): boolean {
  const { seen } = draft;
  if (draft.state !== 'running' || draft.inDoubt || !seen || !container || lastExit === null) return false;
  return (
    container.phase !== 'created' &&
    container.containerId === seen.containerId &&
    lastExit.incarnation === seen.incarnation &&
    lastExit.at > draft.knownUntil
  );
}

function isOldNews({ draft }: Change, { container }: Observation): boolean {
  const { seen } = draft;
  if (seen === undefined || draft.inDoubt) return false;
  if (seen === null || container === null) return seen === container;
  if (container.containerId !== seen.containerId) return false;
  // No container becomes `created` again.
  if (container.phase === 'created') return true;
  return (
    container.phase === seen.phase &&
    container.paused === seen.paused &&
    container.endpoint?.host === seen.endpoint?.host &&
    container.endpoint?.port === seen.endpoint?.port
  );
}

/** Takes an observation for the truth: notes what ended since the last one, and acts on what is there now. */
export function accept(change: Change, observation: Observation, from: EngineEffectKind | 'observed'): void {
  const { draft } = change;
  const { container, lastExit } = observation;
  const shouldBeUp = draft.state === 'running' || draft.upSince > 0 || draft.launched;
  const isFirst = draft.seen === undefined;
  const hasNewExit = lastExit !== null && lastExit.at > draft.knownUntil;
  draft.seen = container === null ? null : withSharedTexts(change, container);
  draft.inDoubt = false;
  if (container !== null) draft.lastIncarnation = Math.max(draft.lastIncarnation, container.incarnation);
  draft.knownUntil = Math.max(draft.knownUntil, observation.at, lastExit?.at ?? 0);

  const isUp = container?.phase === 'running';
  const mattered =
    goalOf(draft, 0).kind === 'run' && !draft.stopAsked && (container === null || isWanted(draft, container));
  if (mattered && !isUp && (shouldBeUp || (container !== null && hasNewExit))) {
    const cause = causeOfEnd(change, observation, from);
    fail(change, cause, NOT_STARTED.has(cause.code) ? 'not-started' : 'ended');
  } else if (mattered && isUp && draft.state === 'running' && hasNewExit) {
    // It ended, and somebody started it again before this actor could.
    fail(change, causeOfExit(lastExit, ranMs(change)), 'ended');
  } else if (isFirst && !isUp && draft.attempt > 0 && draft.retryAt > change.now) {
    resumeBackoff(change);
  }
  if (container?.phase === 'exited' && lastExit !== null && isScheduled(draft)) change.plan({ exit: lastExit });
  if (!isUp) {
    draft.launched = false;
    draft.upSince = 0;
  }
  reconcile(change);
}

/** As far as is known the bot has not begun. */
const NOT_STARTED: ReadonlySet<ReasonCode> = new Set(['start-failed', 'start-timed-out']);

function causeOfEnd(change: Change, { container, lastExit }: Observation, from: EngineEffectKind | 'observed') {
  const { draft, now } = change;
  if (container?.phase === 'exited') return causeOfExit(lastExit, ranMs(change));
  if (container?.phase === 'created') return why('start-failed');
  if (draft.launched && from === 'inspect') return why('start-timed-out', { afterMs: now - draft.since });
  const ran = ranMs(change);
  return why('container-removed', ran === null ? {} : { afterMs: ran });
}

function ranMs({ draft, now }: Change): number | null {
  if (draft.upSince > 0) return Math.max(0, now - draft.upSince);
  return draft.launched ? Math.max(0, now - draft.since) : null;
}

/** A backoff that began before the runtime was restarted goes on. */
function resumeBackoff(change: Change): void {
  const remembered = change.draft.history.find((reason) => reason.code !== 'not-yet-observed');
  if (remembered !== undefined) change.resume('backing-off', remembered);
}

/** Every message brings its own copy of the same revisions; an actor keeps those of its spec. */
function withSharedTexts({ draft }: Change, container: ContainerFacts): ContainerFacts {
  const { spec } = draft;
  if (spec === null) return container;
  return {
    ...container,
    specRevision: container.specRevision === spec.specRevision ? spec.specRevision : container.specRevision,
    shapeRevision: container.shapeRevision === spec.shapeRevision ? spec.shapeRevision : container.shapeRevision,
  };
}
