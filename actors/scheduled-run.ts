import { type Change, type Why, why } from './change.ts';
import { causeOfExit } from './exit.ts';
import type { Goal } from './goal.ts';
import type { ContainerFacts } from './observation.ts';
import { openRun, type RunRecord, type ScheduleRecord } from './run-record.ts';
import { endContainer, showWhetherPaused } from './steps.ts';

/**
 * One run of a scheduled bot, from when its container is seen to when its end is recorded and the container is gone. For the
 * whole see `scheduled-bot.ts`.
 */
export function withContainer(change: Change, container: ContainerFacts, goal: Goal): void {
  const { draft } = change;
  const mustEnd = goal.kind === 'halt' && (draft.wish === 'shut-down' || goal.why.code === 'kept-elsewhere');
  if (container.occurrence === undefined) end(change, container, goal.kind === 'halt' ? goal.why : why('spec-changed'));
  else if (container.phase === 'created') end(change, container, why('unfinished-start'));
  else if (container.phase === 'exited') recordEnd(change, container, container.occurrence);
  else if (mustEnd) end(change, container, goal.why);
  else watchRun(change, container, container.occurrence, goal);
}

function end(change: Change, container: ContainerFacts, because: Why): void {
  if (change.draft.retryAt === 0) endContainer(change, container, because);
}

/** It runs and is left to: disabling, deleting or changing a bot does not end a run (contract 5.10). */
function watchRun(change: Change, container: ContainerFacts, occurrence: number, goal: Goal): void {
  const { draft, now, settings } = change;
  if (draft.upSince === 0) {
    const tookMs = now - draft.since;
    const isNews = draft.launched;
    draft.launched = false;
    draft.upSince = isNews ? now : Math.min(now, container.incarnation);
    draft.incarnation = container.incarnation;
    draft.attempt = 0;
    if (!container.paused) {
      change.transition(
        'running',
        isNews ? why('run-started', { occurrence, tookMs }) : why('run-adopted', { occurrence }),
      );
    }
  }
  if (draft.state === 'stopping') {
    // It was to be ended, for having run too long, and is still there.
    if (draft.retryAt === 0)
      endContainer(change, container, why('run-too-long', { limitMs: settings.schedule.longestRunMs }));
    return;
  }
  const goesOn = goal.kind === 'halt' ? why('run-goes-on', { cause: goal.why.code }) : null;
  if (container.paused || draft.history.at(-1)?.code === 'container-paused') showWhetherPaused(change, container);
  else if (goesOn !== null && !change.isAlready('running', goesOn)) change.transition('running', goesOn);
  if (endIfTooLong(change, container) || draft.retryAt > 0) return;
  const { record } = change.schedule;
  if (record === undefined) change.askLedger({ op: 'read' });
  else {
    const run = isOpen(record, occurrence);
    // A claim of another runtime is not ours to begin; it is ended like one of ours.
    if (run?.state === 'claimed' && run.mine) change.askLedger({ op: 'started', occurrence });
  }
}

function endIfTooLong(change: Change, container: ContainerFacts): boolean {
  const { draft, now, settings } = change;
  const { longestRunMs } = settings.schedule;
  if (longestRunMs === 0) return false;
  const endAt = draft.upSince + longestRunMs;
  if (now < endAt) {
    wakeUpAt(change, endAt);
    return false;
  }
  end(change, container, why('run-too-long', { limitMs: longestRunMs }));
  return true;
}

/** The result first, then the container: it is the only witness until then. */
function recordEnd(change: Change, container: ContainerFacts, occurrence: number): void {
  const { draft } = change;
  if (draft.retryAt > 0) return;
  const { record, exit } = change.schedule;
  if (record === undefined) change.askLedger({ op: 'read' });
  else if (isOpen(record, occurrence) !== null) {
    change.askLedger({ op: 'finished', occurrence, exitCode: exit?.code ?? null });
  } else {
    if (draft.state !== 'idle') tellEnd(change, occurrence);
    const { id: botId, incarnation } = draft;
    change.ask({ kind: 'remove', botId, incarnation, containerId: container.containerId });
  }
}

/** A bot's run is told by its end, and goes on in `idle`; where nobody wants the bot, that is told when it has settled. */
function tellEnd(change: Change, occurrence: number): void {
  const { draft, now } = change;
  const { exit, record } = change.schedule;
  const began = draft.upSince > 0 ? draft.upSince : (draft.seen?.incarnation ?? now);
  const ranMs = Math.max(0, (exit?.at ?? now) - began);
  draft.attempt = 0;
  const wasEnded = draft.stopAsked && draft.state === 'stopping';
  draft.stopAsked = false;
  if (exit === null && !wasEnded) {
    change.transition('idle', why('run-end-unseen', { occurrence, ...nextFact(record) }));
    return;
  }
  const { code: cause, facts } = wasEnded ? { code: null, facts: {} } : causeOfExit(exit, ranMs);
  const told = { ...facts, occurrence, afterMs: ranMs, ...nextFact(record) };
  if (cause === null) change.transition('idle', why('run-ended', told));
  else if (cause === 'bot-exited') change.transition('idle', why('run-finished', told));
  else change.transition('idle', why('run-failed', { ...told, cause }));
}

/** Looks again then, or before, so that a clock that is set forward is noticed. @param at milliseconds since the epoch */
export function wakeUpAt(change: Change, at: number): void {
  change.plan({ dueAt: Math.min(at, change.now + change.settings.schedule.lookAgainMs) });
}

function isOpen(record: ScheduleRecord | null, occurrence: number): RunRecord | null {
  const run = openRun(record);
  return run?.occurrence === occurrence ? run : null;
}

/** When the bot runs next, for a reason. */
export function nextFact(record: ScheduleRecord | null | undefined): { readonly next?: number } {
  const next = record?.next ?? null;
  return next === null || next <= 0 ? {} : { next };
}
