/**
 * The part of an actor that is different for a scheduled bot: what to do next. Messages are handled as for a realtime one.
 *
 *                 next occurrence             claimed                   recorded as started
 *    (waiting) ──────► idle ──── due ────► starting ──── seen running ────► running
 *                      ▲ ▲ ▲                  │                               │ seen ended
 *                      │ │ └── missed ◄───────┘ not within the misfire        ▼
 *                      │ └───────────────────── window                recorded as finished
 *                      └────────────────────────────────────────── container removed
 *
 *    backing-off: the ledger cannot be asked, or the engine refused the start; nothing starts without a claim
 *
 * What makes an occurrence run at most once after its start: it is claimed in one atomic step before anything is started, only
 * the one who claimed it starts it, a container is named by its bot so that there is never a second, and its container stays
 * until its end is recorded. A run that somebody removes by hand before it was recorded as started may be begun once more.
 */
import { type Change, type Why, why } from './change.ts';
import { type Cron, nextAfter, nextOccurrence, parseCron } from './cron.ts';
import { causeOfExit } from './exit.ts';
import { type Goal, goalOf } from './goal.ts';
import type { ContainerFacts } from './observation.ts';
import { fraction } from './restart-policy.ts';
import { openRun, type RunRecord, type ScheduleRecord } from './run-record.ts';
import { endContainer, inspect, settle, showWhetherPaused, tolerate } from './steps.ts';

/** Compares the schedule, the ledger and what is seen, and asks for the one next thing. */
export function reconcileSchedule(change: Change): void {
  const { draft, settings } = change;
  const goal = goalOf(draft, settings.orphanGraceMs);
  if (goal.kind === 'tolerate') {
    tolerate(change);
    return;
  }
  change.plan({ dueAt: 0 });
  if (change.schedule.asking !== null) return;
  if (draft.seen === undefined || draft.inDoubt) beforeAnythingIsSeen(change, goal);
  else if (draft.seen !== null) withContainer(change, draft.seen, goal);
  else withoutContainer(change, goal);
}

function beforeAnythingIsSeen(change: Change, goal: Goal): void {
  const { draft } = change;
  if (
    goal.kind === 'halt' &&
    goal.to === 'blocked' &&
    draft.seen === undefined &&
    !change.isAlready('blocked', goal.why)
  ) {
    change.transition('blocked', goal.why);
  }
  if (draft.inDoubt && draft.retryAt === 0) inspect(change);
}

// While there is a container

function withContainer(change: Change, container: ContainerFacts, goal: Goal): void {
  const { draft } = change;
  const isShutDown = goal.kind === 'halt' && draft.wish === 'shut-down';
  if (container.occurrence === undefined) end(change, container, goal.kind === 'halt' ? goal.why : why('spec-changed'));
  else if (container.phase === 'created') end(change, container, why('unfinished-start'));
  else if (container.phase === 'exited') recordEnd(change, container, container.occurrence);
  else if (isShutDown) end(change, container, goal.why);
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
  else if (isOpen(record, occurrence)?.state === 'claimed') change.askLedger({ op: 'started', occurrence });
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
  const { code: cause, facts } = wasEnded ? { code: null, facts: {} } : causeOfExit(exit, ranMs);
  const told = { ...facts, occurrence, afterMs: ranMs, ...nextFact(record) };
  draft.stopAsked = false;
  if (cause === null) change.transition('idle', why('run-ended', told));
  else if (cause === 'bot-exited') change.transition('idle', why('run-finished', told));
  else change.transition('idle', why('run-failed', { ...told, cause }));
}

// While there is none

function withoutContainer(change: Change, goal: Goal): void {
  const { draft } = change;
  const { record, unsure } = change.schedule;
  const run = openRun(record);
  if (draft.retryAt > 0) {
    if (goal.kind === 'halt' && !unsure && run === null) settle(change, goal);
    return;
  }
  const mustRead = record === undefined && (goal.kind === 'schedule' || unsure);
  if (mustRead) change.askLedger({ op: 'read' });
  else if (run !== null) withOpenRun(change, run, goal);
  else if (goal.kind === 'halt') settle(change, goal);
  else if (goal.kind === 'schedule' && draft.obstacle === null) awaitOccurrence(change, record ?? null);
}

function withOpenRun(change: Change, run: RunRecord, goal: Goal): void {
  const { draft, now, settings } = change;
  const { occurrence } = run;
  const { misfireMs, foreignClaimMs } = settings.schedule;
  const inTime = now <= run.claimedAt + misfireMs + (run.mine ? 0 : foreignClaimMs);
  if (run.state === 'started') {
    if (run.mine) {
      const vanished = why('run-vanished', { occurrence, ...nextFact(change.schedule.record) });
      if (!change.isAlready('idle', vanished)) change.transition('idle', vanished);
      change.askLedger({ op: 'finished', occurrence, exitCode: null });
    } else if (goal.kind === 'halt') settle(change, goal);
    else runsElsewhere(change, occurrence);
  } else if (run.mine && inTime && goal.kind === 'schedule' && draft.obstacle === null) startRun(change, run);
  else if (run.mine || !inTime) missed(change, run, goal);
  else if (goal.kind === 'halt') settle(change, goal);
  else runsElsewhere(change, occurrence);
}

/** Another runtime has taken it: looked at again, for it may end, or never begin. */
function runsElsewhere(change: Change, occurrence: number): void {
  const elsewhere = why('run-elsewhere', { occurrence });
  if (!change.isAlready('idle', elsewhere)) change.transition('idle', elsewhere);
  change.plan({ record: undefined });
  wakeUpAt(change, change.now + change.settings.schedule.misfireMs);
}

function startRun(change: Change, { occurrence, claimedAt }: RunRecord): void {
  const { draft, now, settings } = change;
  if (draft.spec === null) return;
  draft.incarnation = Math.max(now, draft.lastIncarnation + 1);
  draft.lastIncarnation = draft.incarnation;
  draft.launched = true;
  draft.stopAsked = false;
  const lateMs = Math.max(0, now - occurrence * 1000);
  const { since, record, runNow: isAsked } = change.schedule;
  const byDowntime = occurrence * 1000 < since;
  change.plan({ exit: null, runNow: false });
  const facts = { occurrence, lateMs, byDowntime, ...nextFact(record) };
  change.transition('starting', isAsked ? why('run-asked-for', { occurrence }) : why('run-due', facts));
  change.ask({
    kind: 'start',
    botId: draft.id,
    incarnation: draft.incarnation,
    specRevision: draft.spec.specRevision,
    inPlace: null,
    occurrence,
    notAfter: claimedAt + settings.schedule.misfireMs,
    priority: 'live',
  });
}

function missed(change: Change, { occurrence }: RunRecord, goal: Goal): void {
  const { draft, now } = change;
  const { record, since } = change.schedule;
  if (goal.kind === 'schedule' && draft.obstacle === null) {
    const lateMs = Math.max(0, now - occurrence * 1000);
    const facts = { occurrence, lateMs, byDowntime: occurrence * 1000 < since, ...nextFact(record) };
    change.transition('idle', why('run-missed', facts));
  }
  draft.attempt = 0;
  change.askLedger({ op: 'missed', occurrence });
}

function awaitOccurrence(change: Change, record: ScheduleRecord | null): void {
  const { draft, now, settings } = change;
  const { jitterMs, timeZone } = settings.schedule;
  const { runNow, replan } = change.schedule;
  const cron = parseCron(draft.spec?.schedule ?? '');
  const schedule = draft.spec?.schedule;
  if (cron.kind === 'problem' || schedule === undefined || schedule === null) return;
  // The Go runtime writes the year 1 for "never".
  const next = record !== null && record.next !== null && record.next > 0 ? record.next : null;
  // Nothing up to the last one is run any more, not even when the clock is set back.
  const last = record?.run?.occurrence ?? 0;
  const isOld =
    replan || record === null || (record.schedule ?? schedule) !== schedule || (next !== null && next <= last);
  const reckoned = isOld || next === null ? nextAfter(cron, Math.max(now / 1000, last), timeZone) : next;
  if (isOld || reckoned !== next) {
    change.askLedger({ op: 'plan', schedule, expected: record?.next ?? null, next: reckoned });
    return;
  }
  const dueAt = next === null ? Number.POSITIVE_INFINITY : next * 1000 + Math.floor(fraction(draft.id) * jitterMs);
  if (runNow) claimNow(change, record, cron);
  else if (next !== null && dueAt <= now) claim(change, record, cron, next, dueAt);
  else rest(change, next, dueAt);
}

function claim(change: Change, record: ScheduleRecord, cron: Cron, occurrence: number, dueAt: number): void {
  const { now, settings } = change;
  const next = nextOccurrence(cron, occurrence, now / 1000, settings.schedule.timeZone);
  requestClaim(change, { occurrence, expected: record.next, next, dueAt });
}

/** Besides the schedule; but where an occurrence is due anyhow, that is the one. */
function claimNow(change: Change, record: ScheduleRecord, cron: Cron): void {
  const { now } = change;
  const { next } = record;
  if (next !== null && next > 0 && next * 1000 <= now) {
    claim(change, record, cron, next, now);
    return;
  }
  const occurrence = Math.max(Math.floor(now / 1000), (record.run?.occurrence ?? 0) + 1);
  requestClaim(change, { occurrence, expected: next, next, dueAt: now });
}

function requestClaim(
  change: Change,
  claimed: { occurrence: number; expected: number | null; next: number | null; dueAt: number },
): void {
  const { draft, now } = change;
  change.askLedger({ op: 'claim', ...claimed, incarnation: Math.max(now, draft.lastIncarnation + 1) });
}

function rest(change: Change, next: number | null, dueAt: number): void {
  const { draft } = change;
  draft.retryAt = 0;
  const told = draft.history.at(-1);
  const isTold = draft.state === 'idle' && told?.facts['next'] === (next ?? undefined);
  const resting = next === null ? why('schedule-never') : why('next-run', { next });
  if (next === null ? !change.isAlready('idle', resting) : !isTold) change.transition('idle', resting);
  if (next !== null) wakeUpAt(change, dueAt);
}

function wakeUpAt(change: Change, at: number): void {
  change.plan({ dueAt: Math.min(at, change.now + change.settings.schedule.lookAgainMs) });
}

function isOpen(record: ScheduleRecord | null, occurrence: number): RunRecord | null {
  const run = openRun(record);
  return run?.occurrence === occurrence ? run : null;
}

function nextFact(record: ScheduleRecord | null | undefined): { readonly next?: number } {
  const next = record?.next ?? null;
  return next === null || next <= 0 ? {} : { next };
}
