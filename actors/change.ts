import type { BotActorState } from './bot-actor-state.ts';
import { memoryOf } from './bot-actor-state.ts';
import type { BotEffect, BotState, EngineEffect } from './effect.ts';
import type { BotMessage, EngineEffectKind, TimerName } from './message.ts';
import type { Incarnation } from './observation.ts';
import type { Reason, ReasonCode, ReasonFacts } from './reason.ts';
import { routeOf } from './route.ts';
import type { LedgerRequest } from './run-record.ts';
import { newSchedule, type ScheduleState } from './schedule-state.ts';
import type { BotActorSettings } from './settings.ts';

/** A reason before it knows when and of which start. */
export interface Why {
  readonly code: ReasonCode;
  readonly facts: ReasonFacts;
}

const NO_FACTS: ReasonFacts = {};

export function why(code: ReasonCode, facts: ReasonFacts = NO_FACTS): Why {
  return { code, facts };
}

/** How many times longer than for other answers one waits for that to a claim. */
const CLAIM_PATIENCE = 20;

type Draft = { -readonly [Key in keyof BotActorState]: BotActorState[Key] };

/**
 * What one message makes of an actor: a draft of its next state, and the effects asked for on the way.
 *
 * Timers and the route are functions of the state, so nobody sets them: {@link Change.finish} compares the state before with
 * the one after and asks for the difference.
 */
export class Change {
  readonly draft: Draft;
  readonly now: number;
  readonly settings: BotActorSettings;
  readonly #before: BotActorState;
  readonly #effects: BotEffect[] = [];
  /** Which timers are not what the state before says: one that fired, or all. */
  #unset: TimerName | 'all' | null = null;
  #ended = false;

  constructor(before: BotActorState, now: number, settings: BotActorSettings) {
    this.#before = before;
    this.draft = { ...before };
    this.now = now;
    this.settings = settings;
  }

  /** The only way to another state, or to another reason for the same one: there is always a reason, and it is recorded. */
  transition(to: BotState, { code, facts }: Why): void {
    const { draft, now } = this;
    const from = draft.state;
    const reason: Reason = {
      code,
      facts,
      at: now,
      incarnation: draft.incarnation,
      specRevision: draft.spec?.specRevision ?? draft.seen?.specRevision ?? '',
    };
    if (to !== from) draft.since = now;
    draft.state = to;
    draft.history = withReason(draft.history, reason, this.settings.historyLength);
    this.#record(from, reason);
  }

  /** Goes back to a state of before a restart of the runtime, for the reason of then. */
  resume(to: BotState, remembered: Reason): void {
    const { draft, now } = this;
    const from = draft.state;
    draft.since = now;
    draft.state = to;
    draft.history = withReason(draft.history, remembered, this.settings.historyLength);
    this.#record(from, remembered);
  }

  #record(from: BotState, reason: Reason): void {
    const { draft } = this;
    this.#effects.push({ kind: 'record', botId: draft.id, from, to: draft.state, reason, memory: memoryOf(draft) });
  }

  /** Is the bot in this state for this very reason? Then there is nothing to say. */
  isAlready(state: BotState, { code, facts }: Why): boolean {
    const reason = this.draft.history.at(-1);
    return this.draft.state === state && reason?.code === code && sameFacts(reason.facts, facts);
  }

  /** Asks the engine; the answer is awaited until the deadline of this kind of effect. */
  ask(effect: EngineEffect): void {
    const { draft, now, settings } = this;
    draft.inFlight = {
      effect: effect.kind,
      incarnation: effect.incarnation,
      specRevision: draft.spec?.specRevision ?? '',
      deadlineAt: now + deadlineOf(effect.kind, settings),
      overdue: false,
    };
    this.#effects.push(effect);
  }

  /** Of a scheduled bot: what its actor knows besides. */
  get schedule(): ScheduleState {
    this.draft.schedule ??= newSchedule(this.now);
    return this.draft.schedule;
  }

  plan(changes: Partial<ScheduleState>): void {
    this.draft.schedule = { ...this.schedule, ...changes };
  }

  /** Asks the ledger. A claim may have to wait until fewer runs are under way, so its answer is awaited for longer. */
  askLedger(request: LedgerRequest): void {
    const { draft, now, settings } = this;
    const ask = Math.max(now, this.schedule.lastAsk + 1);
    const patience = request.op === 'claim' ? CLAIM_PATIENCE : 1;
    const deadlineAt = now + patience * settings.schedule.ledgerDeadlineMs;
    this.plan({ asking: { ask, request, deadlineAt }, lastAsk: ask, dueAt: 0 });
    this.#effects.push({ kind: 'ledger', botId: draft.id, ask, request });
  }

  /** Asks for an inspect besides the effect in flight, whose answer is overdue. */
  lookInto(): void {
    const { draft, now, settings } = this;
    if (draft.inFlight === null) return;
    draft.inFlight = { ...draft.inFlight, deadlineAt: now + settings.stopDeadlineMs, overdue: true };
    this.#effects.push({ kind: 'inspect', botId: draft.id, incarnation: draft.inFlight.incarnation });
  }

  /** This timer is not set any more, because it is what is being handled. */
  fired(name: TimerName): void {
    this.#unset = name;
  }

  /** What is set is not known: all timers are set anew. */
  distrustTimers(): void {
    this.#unset = 'all';
  }

  /** The actor's work is over. */
  end(): void {
    this.#ended = true;
  }

  finish(): { readonly state: BotActorState; readonly effects: readonly BotEffect[] } {
    const { draft } = this;
    const before = this.#before;
    draft.route = publishable(draft);
    if (draft.route !== undefined && draft.route !== before.route)
      this.#effects.push({ kind: 'route', botId: draft.id, route: draft.route });
    this.#timer('retry', before.retryAt, draft.retryAt, draft.lastIncarnation);
    this.#timer('grace', before.graceUntil, draft.graceUntil, draft.lastIncarnation);
    this.#timer(
      'deadline',
      before.inFlight?.deadlineAt ?? 0,
      draft.inFlight?.deadlineAt ?? 0,
      draft.inFlight?.incarnation ?? 0,
    );
    this.#timer('due', before.schedule?.dueAt ?? 0, draft.schedule?.dueAt ?? 0, 0);
    this.#timer('ledger', before.schedule?.asking?.deadlineAt ?? 0, draft.schedule?.asking?.deadlineAt ?? 0, 0);
    if (this.#ended) this.#effects.push({ kind: 'ended', botId: draft.id });
    return { state: draft, effects: this.#effects };
  }

  #timer(name: TimerName, setFor: number, wanted: number, incarnation: Incarnation): void {
    if (this.#unset !== 'all' && (this.#unset === name ? 0 : setFor) === wanted) return;
    if (wanted === 0) {
      this.#effects.push({ kind: 'cancel-timer', key: name });
      return;
    }
    const message: BotMessage = { kind: 'timer', name, incarnation };
    this.#effects.push({ kind: 'timer', key: name, at: wanted, message });
  }
}

/** How long the answer to an effect of this kind is awaited; milliseconds. */
export function deadlineOf(effect: EngineEffectKind, settings: BotActorSettings): number {
  return effect === 'start' ? settings.startDeadlineMs : settings.stopDeadlineMs;
}

/** The newest `length` reasons. That nothing was known yet is not worth remembering once something is. */
function withReason(history: readonly Reason[], reason: Reason, length: number): readonly Reason[] {
  const kept = history.filter((older) => older.code !== 'not-yet-observed' && older !== reason);
  return [...kept.slice(Math.max(0, kept.length - length + 1)), reason];
}

/** What the route should be; the same object as before as long as nothing changed. */
function publishable(state: BotActorState): BotActorState['route'] {
  const before = state.route;
  // As long as nothing is known of the bot, what was published (perhaps by an actor before this one) stays.
  if (state.seen === undefined) return before;
  if (state.state !== 'running' || state.wish !== 'desired' || state.spec === null) return null;
  const route = routeOf(state.spec, state.seen);
  if (route === null || !before) return route;
  const same =
    route.incarnation === before.incarnation &&
    route.endpoint.host === before.endpoint.host &&
    route.endpoint.port === before.endpoint.port;
  return same ? before : route;
}

function sameFacts(a: ReasonFacts, b: ReasonFacts): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
