/**
 * The part of an actor that is different for a scheduled bot: what to do next. Messages are handled as for a realtime one. What
 * is done while a run has a container is in `scheduled-run.ts`.
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
import { type Change, why } from './change.ts';
import { type Cron, nextAfter, nextOccurrence, parseCron } from './cron.ts';
import { type Goal, goalOf } from './goal.ts';
import { fraction } from './restart-policy.ts';
import { openRun, type RunRecord, type ScheduleRecord } from './run-record.ts';
import { nextFact, wakeUpAt, withContainer } from './scheduled-run.ts';
import { inspect, settle, tolerate } from './steps.ts';

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
