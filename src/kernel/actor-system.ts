import type { Behavior, KernelEffect, Lane, Step, Undelivered } from './behavior.ts';
import type { Clock } from './clock.ts';
import { Dispatcher } from './dispatcher.ts';
import type { KernelLimits } from './limits.ts';
import { type Mailbox, MailboxPool } from './mailbox.ts';
import { spendRestart } from './restart-budget.ts';
import { errorFrom } from './shard-errors.ts';
import { type Timer, type TimerOwner, Timers } from './timers.ts';

/** Where a system's output goes. Called during turns (and `undelivered` also during `deliver`); must not call back. */
export interface Outlet<Message, Effect> {
  effect(from: string, effect: Effect): void;
  undelivered(undelivered: Undelivered<Message>): void;
  /** The turn is over; what was given since the last call is one batch. */
  turnEnded(): void;
}

/** At rest an actor is this object, its state, its timers and a place in the map; nothing else. */
interface Actor<State, Message> extends TimerOwner<Message> {
  readonly id: string;
  state: State;
  /** Null when there is nothing to read. */
  mailbox: Mailbox<Message> | null;
  /** Times of the last throws; null as long as it never threw. */
  failures: number[] | null;
  /** In the dispatcher's queue, or running. */
  busy: boolean;
  /** Forgotten; a place in the dispatcher's queue is void. */
  gone: boolean;
  timers: Timer<this, Message> | null;
}

/**
 * Actors by id in one thread: delivers messages, runs behaviors, keeps timers, supervises.
 *
 * Supervision: what an actor throws in `receive` (or an effect that cannot be carried out) costs it that one message; its
 * state is the one before, and `recover` says how it goes on. When `recover` throws as well, or `initial` does, there is no
 * state left that can be trusted: the actor is forgotten, and the message at hand and everything in its mailbox are reported as
 * undelivered with cause `actor-lost` and the error. Its owner always hears of it, because at least one message is reported,
 * and may spawn it anew. Nothing else stops.
 */
export class ActorSystem<State, Message, Effect extends { readonly kind: string }> {
  readonly #behavior: Behavior<State, Message, Effect>;
  readonly #clock: Clock;
  readonly #limits: KernelLimits;
  readonly #outlet: Outlet<Message, Effect>;
  readonly #actors = new Map<string, Actor<State, Message>>();
  readonly #mailboxes: MailboxPool<Message>;
  readonly #timers: Timers<Actor<State, Message>, Message>;
  readonly #dispatcher: Dispatcher<Actor<State, Message>>;
  #backlog = 0;

  constructor(
    behavior: Behavior<State, Message, Effect>,
    clock: Clock,
    limits: KernelLimits,
    outlet: Outlet<Message, Effect>,
  ) {
    this.#behavior = behavior;
    this.#clock = clock;
    this.#limits = limits;
    this.#outlet = outlet;
    this.#mailboxes = new MailboxPool(limits.mailboxSize);
    this.#dispatcher = new Dispatcher(clock, limits.turnBudgetMs, {
      begin: (now) => this.#deliverDueTimers(now),
      run: (actor, now) => this.#run(actor, now),
      end: () => this.#endTurn(),
    });
    this.#timers = new Timers(clock, limits.mailboxSize, () => this.#dispatcher.wake());
  }

  /** Messages in all mailboxes. */
  get backlog(): number {
    return this.#backlog;
  }

  get size(): number {
    return this.#actors.size;
  }

  /**
   * Puts a message into a mailbox. The one that spawns an actor goes into the system lane, whatever its own, so that it is the
   * first the actor sees. What cannot be delivered is reported with the next turn.
   */
  deliver(to: string, lane: Lane, message: Message, spawn: boolean): void {
    let actor = this.#actors.get(to);
    let into = lane;
    if (actor === undefined) {
      actor = spawn ? this.#spawn(to, lane, message) : undefined;
      into = 'system';
    }
    if (actor === undefined) {
      if (!spawn) this.#undelivered(to, lane, message, 'no-such-actor');
      return;
    }
    if (into === 'observation') this.#observe(actor, message);
    else if (!this.#put(actor, into, message)) this.#undelivered(to, lane, message, 'mailbox-full');
  }

  /** A turn comes even if there is nothing to read: its end is needed. */
  wake(): void {
    this.#dispatcher.wake();
  }

  /** Lets actors read what was delivered before the turn comes, see {@link Dispatcher.runEarly}. */
  runEarly(): void {
    this.#dispatcher.runEarly();
  }

  /** Stops the turns, not the deliveries: whoever takes the effects is too far behind. */
  pause(): void {
    this.#dispatcher.pause();
  }

  resume(): void {
    this.#dispatcher.resume();
  }

  /**
   * Treats an actor as if `receive` had thrown `error`.
   * @throws what `recover` throws: there is no message at hand with which the loss of the actor could be reported
   */
  fail(id: string, error: Error): void {
    const actor = this.#actors.get(id);
    if (actor === undefined) return;
    this.#recover(actor, error);
    this.#dispatcher.wake();
  }

  /** Snapshots of these actors, or of all. One whose snapshot throws is supervised like one whose `receive` throws. */
  snapshot(ids: readonly string[] | null): unknown[] {
    const now = this.#clock.now();
    const snapshots: unknown[] = [];
    for (const id of ids ?? [...this.#actors.keys()]) {
      const actor = this.#actors.get(id);
      if (actor === undefined) continue;
      try {
        snapshots.push(this.#behavior.snapshot(actor.state, now));
      } catch (thrown) {
        this.fail(id, errorFrom(thrown));
      }
    }
    return snapshots;
  }

  /** Forgets everything at once; nothing is reported any more. */
  close(): void {
    this.#dispatcher.pause();
    this.#timers.clear();
    this.#actors.clear();
    this.#backlog = 0;
  }

  #spawn(id: string, lane: Lane, message: Message): Actor<State, Message> | undefined {
    try {
      const state = this.#behavior.initial(id);
      const actor = { id, state, mailbox: null, failures: null, busy: false, gone: false, timers: null };
      this.#actors.set(id, actor);
      return actor;
    } catch (thrown) {
      this.#undelivered(id, lane, message, 'actor-lost', errorFrom(thrown));
      return undefined;
    }
  }

  #put(actor: Actor<State, Message>, lane: 'system' | 'user', message: Message): boolean {
    actor.mailbox ??= this.#mailboxes.acquire();
    if (!actor.mailbox.put(lane, message)) return false;
    this.#backlog += 1;
    this.#makeBusy(actor);
    return true;
  }

  #observe(actor: Actor<State, Message>, message: Message): void {
    actor.mailbox ??= this.#mailboxes.acquire();
    const older = actor.mailbox.observation;
    if (older === undefined) {
      actor.mailbox.observation = message;
      this.#backlog += 1;
      this.#makeBusy(actor);
      return;
    }
    try {
      actor.mailbox.observation = this.#behavior.coalesce(older, message);
    } catch (thrown) {
      actor.mailbox.observation = message;
      this.#undelivered(actor.id, 'observation', older, 'unusable', errorFrom(thrown));
    }
  }

  #makeBusy(actor: Actor<State, Message>): void {
    if (actor.busy) return;
    actor.busy = true;
    this.#dispatcher.ready(actor);
  }

  #run(actor: Actor<State, Message>, now: number): boolean {
    for (let handled = 0; handled < this.#limits.messagesPerActorTurn; handled += 1) {
      const message = actor.mailbox?.take();
      if (message === undefined) break;
      this.#backlog -= 1;
      this.#handle(actor, message, now);
    }
    const { mailbox } = actor;
    if (mailbox !== null && mailbox.size > 0) return true;
    actor.busy = false;
    actor.mailbox = null;
    if (mailbox !== null) this.#mailboxes.release(mailbox);
    return false;
  }

  #handle(actor: Actor<State, Message>, message: Message, now: number): void {
    try {
      this.#take(actor, this.#behavior.receive(actor.state, message, now), now);
    } catch (thrown) {
      this.#recoverOrLose(actor, errorFrom(thrown), message);
    }
  }

  #take(actor: Actor<State, Message>, step: Step<State, Effect>, now: number): void {
    for (const effect of step.effects) this.#carryOut(actor, effect, now);
    actor.state = step.state;
  }

  #carryOut(actor: Actor<State, Message>, effect: Effect, now: number): void {
    if (isKernelEffect<Message>(effect)) {
      if (actor.gone) return;
      // A time in the past means now; otherwise a timer that is set again and again would always come before all others.
      if (effect.kind === 'timer') this.#timers.set(actor, effect.key, Math.max(effect.at, now), effect.message);
      else this.#timers.cancel(actor, effect.key);
      return;
    }
    this.#outlet.effect(actor.id, effect);
    if (effect.kind === 'ended') this.#forget(actor, 'no-such-actor');
  }

  #recover(actor: Actor<State, Message>, error: Error): void {
    if (actor.gone) return;
    const now = this.#clock.now();
    actor.failures ??= [];
    const exhausted = spendRestart(actor.failures, now, this.#limits.restartBudget);
    this.#take(actor, this.#behavior.recover(actor.state, error, now, exhausted), now);
  }

  #recoverOrLose(actor: Actor<State, Message>, error: Error, message: Message): void {
    const lane = actor.mailbox?.takenFrom ?? 'system';
    try {
      this.#recover(actor, error);
    } catch (thrown) {
      const cause = errorFrom(thrown);
      this.#undelivered(actor.id, lane, message, 'actor-lost', cause);
      this.#forget(actor, 'actor-lost', cause);
    }
  }

  #forget(actor: Actor<State, Message>, cause: Undelivered<Message>['cause'], error?: Error): void {
    if (actor.gone) return;
    actor.gone = true;
    this.#timers.cancelAll(actor);
    this.#actors.delete(actor.id);
    const { mailbox } = actor;
    if (mailbox === null) return;
    this.#backlog -= mailbox.size;
    for (let message = mailbox.take(); message !== undefined; message = mailbox.take()) {
      this.#undelivered(actor.id, mailbox.takenFrom, message, cause, error);
    }
  }

  #undelivered(to: string, lane: Lane, message: Message, cause: Undelivered<Message>['cause'], error?: Error): void {
    const envelope = { to, lane, message };
    this.#outlet.undelivered(error === undefined ? { envelope, cause } : { envelope, cause, error });
    this.#dispatcher.wake();
  }

  #deliverDueTimers(now: number): void {
    for (let delivered = 0; delivered < this.#limits.dueTimersPerTurn; delivered += 1) {
      const timer = this.#timers.due(now);
      if (timer === undefined) return;
      if (this.#put(timer.owner, 'system', timer.message)) this.#timers.cancel(timer.owner, timer.key);
      // Its system lane is full: the actor gets a turn, then the timer is tried again.
      else this.#timers.putOff(timer, now + Math.max(1, this.#limits.turnBudgetMs));
    }
  }

  #endTurn(): boolean {
    const more = this.#timers.due(this.#clock.now()) !== undefined;
    this.#timers.arm();
    this.#outlet.turnEnded();
    return more;
  }
}

/** The kernel's own kinds of effect are reserved: a behavior's effect of that kind has that shape. */
function isKernelEffect<Message>(effect: { readonly kind: string }): effect is KernelEffect<Message> {
  return effect.kind === 'timer' || effect.kind === 'cancel-timer';
}
