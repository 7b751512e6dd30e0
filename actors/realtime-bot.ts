/**
 * The actor of one realtime bot.
 *
 *                      ┌────────────────────────── retry ◄──────────────────────────┐
 *                      ▼                                                            │
 *   waiting ──────► starting ──────► running ──── crash, exit, removal ───────► backing-off
 *      ▲ │             │ │             │ ▲                                          ▲
 *      │ └── adopted ──┼─┼─────────────┼─┘                                          │
 *      │               │ └─────────────┼──────────── the start failed ──────────────┘
 *      └ engine or ◄───┘               │
 *        image missing                 ▼
 *                                   stopping ──────► starting   (changed, restart)
 *                                      └───────────► stopped    (disabled, deleted)
 *                                      └───────────► blocked    (cannot be used; also straight from any other state)
 *
 * A message only changes what is known or desired; {@link reconcile} then compares the two and asks for the next thing. So it
 * does not matter in which order things become known, and the picture above is a consequence, not a table.
 */
import type { BotActorState } from './bot-actor-state.ts';
import { Change, why } from './change.ts';
import { onDesired, onRemoved, startAfresh } from './desired.ts';
import { dueOrAgain } from './due.ts';
import type { BotEffect } from './effect.ts';
import { onEffectDone, onEffectFailed, settleAnswer } from './engine-answer.ts';
import { goalOf } from './goal.ts';
import { onLedgerDone, onLedgerFailed, onScheduleTimer } from './ledger-answer.ts';
import type { BotMessage, CommandMessage, TimerMessage } from './message.ts';
import { onObserved } from './observed.ts';
import { printable } from './printable.ts';
import { reconcile } from './reconcile.ts';
import type { BotActorSettings } from './settings.ts';
import { statusOf } from './status.ts';
import { inspect } from './steps.ts';

export interface BotStep {
  readonly state: BotActorState;
  readonly effects: readonly BotEffect[];
}

/** Pure: the same state, message, time and settings give the same step. */
export function receive(state: BotActorState, message: BotMessage, now: number, settings: BotActorSettings): BotStep {
  if (message.kind === 'question') {
    return { state, effects: [{ kind: 'answer', askId: message.askId, status: statusOf(state) }] };
  }
  const change = new Change(state, now, settings);
  if (state.obstacle === 'actor-failed' && !wakes(message)) {
    if (message.kind === 'effect-done' || message.kind === 'effect-failed') settleAnswer(change, message);
    return change.finish();
  }
  switch (message.kind) {
    case 'desired':
      onDesired(change, message);
      break;
    case 'removed':
      onRemoved(change, message);
      break;
    case 'observed':
      onObserved(change, message.observation);
      break;
    case 'effect-done':
      onEffectDone(change, message);
      break;
    case 'effect-failed':
      onEffectFailed(change, message);
      break;
    case 'ledger-done':
      onLedgerDone(change, message);
      break;
    case 'ledger-failed':
      onLedgerFailed(change, message);
      break;
    case 'timer':
      onTimer(change, message);
      break;
    case 'dependency':
      onDependency(change);
      break;
    case 'command':
      onCommand(change, message);
      break;
  }
  return change.finish();
}

/** After too many failures of its own, an actor listens only to this. */
function wakes(message: BotMessage): boolean {
  return message.kind === 'desired' || message.kind === 'removed' || message.kind === 'command';
}

/** A timer that fires before its time was replaced meanwhile, or the clock was set back: it is set again. */
function onTimer(change: Change, { name }: TimerMessage): void {
  const { draft, now, settings } = change;
  const { inFlight } = draft;
  change.fired(name);
  switch (name) {
    case 'retry':
      draft.retryAt = dueOrAgain(draft.retryAt, now, Math.max(settings.restart.capMs, settings.dependencyRetryMs));
      if (draft.retryAt === 0) reconcile(change);
      break;
    case 'deadline':
      if (inFlight === null) break;
      if (inFlight.deadlineAt <= now) change.lookInto();
      else
        draft.inFlight = { ...inFlight, deadlineAt: dueOrAgain(inFlight.deadlineAt, now, longestAnswerMs(settings)) };
      break;
    case 'grace':
      draft.graceUntil = dueOrAgain(draft.graceUntil, now, settings.orphanGraceMs);
      if (draft.graceUntil > 0 || draft.wish !== 'orphan') break;
      draft.wish = 'not-desired';
      reconcile(change);
      break;
    case 'due':
    case 'ledger':
      onScheduleTimer(change, name);
      break;
  }
}

/** What was put off because the engine was away is done now; a backoff goes on. */
function onDependency(change: Change): void {
  const { draft } = change;
  if (draft.retryAt === 0 || draft.state === 'backing-off') return;
  draft.retryAt = 0;
  reconcile(change);
}

function onCommand(change: Change, { verb }: CommandMessage): void {
  const { draft, settings } = change;
  if (verb === 'renew-keys') {
    renewKeys(change);
    return;
  }
  startAfresh(change);
  const goal = goalOf(draft, settings.orphanGraceMs);
  if (goal.kind === 'schedule')
    change.plan(verb === 'restart' ? { runNow: true } : { replan: true, record: undefined });
  if (goal.kind === 'run') {
    if (verb === 'restart') draft.renew = 'operator-restart';
    if (verb === 'restart' || draft.state !== 'running') draft.startCause = `operator-${verb}`;
  }
  reconcile(change);
}

/** Asked for again and again until the container is gone. What failed before counts on: nobody has mended anything. */
function renewKeys(change: Change): void {
  const { draft, settings } = change;
  if (draft.renew !== null || goalOf(draft, settings.orphanGraceMs).kind !== 'run') return;
  draft.renew = 'keys-renewed';
  if (draft.state === 'running') draft.startCause = 'keys-renewed';
  reconcile(change);
}

/**
 * Handling a message failed: the actor is made anew from what it was told, forgets what it had concluded, and asks how things
 * are. The message is lost; if it was an observation, the question brings it back.
 * @param exhausted it happens again and again: the bot is left as it is until its spec changes or the operator says `reset`
 */
export function recover(
  before: BotActorState,
  error: Error,
  now: number,
  exhausted: boolean,
  settings: BotActorSettings,
): BotStep {
  const forgotten = { seen: undefined, inDoubt: true, held: null, upSince: 0, obstacle: null };
  const change = new Change({ ...before, ...forgotten }, now, settings);
  const { draft } = change;
  change.distrustTimers();
  draft.retryAt = 0;
  // They are set anew, and the clock may have been set back since they were set.
  draft.graceUntil = Math.min(draft.graceUntil, now + settings.orphanGraceMs);
  const { inFlight } = draft;
  if (inFlight !== null) {
    draft.inFlight = { ...inFlight, deadlineAt: Math.min(inFlight.deadlineAt, now + longestAnswerMs(settings)) };
  }
  if (draft.schedule !== null) change.plan({ asking: null, record: undefined, unsure: true, dueAt: 0 });
  const facts = { detail: printable(error.message), exhausted };
  if (exhausted) {
    draft.obstacle = 'actor-failed';
    draft.graceUntil = 0;
    if (draft.inFlight !== null) draft.inFlight = { ...draft.inFlight, deadlineAt: 0 };
    change.transition('blocked', why('actor-failed', facts));
  } else {
    change.transition('waiting', why('actor-failed', facts));
    if (draft.inFlight === null) inspect(change);
  }
  return change.finish();
}

function longestAnswerMs({ startDeadlineMs, stopDeadlineMs }: BotActorSettings): number {
  return Math.max(startDeadlineMs, stopDeadlineMs);
}
