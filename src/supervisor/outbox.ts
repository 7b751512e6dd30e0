import type { BotMessage, InFlightEffect } from '../../actors/message.ts';
import { mergeObservations } from '../../actors/observation.ts';
import type { Envelope } from '../kernel/behavior.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Shard } from '../kernel/shard.ts';

/**
 * The way to one shard. What it has no room for waits here and is offered again, in order per bot; bounded without losing
 * anything that counts: per bot and kind of message only the newest waits, and there are only a few kinds.
 *
 *    post ──► room? ──yes──► shard
 *              │no, or older ones of this bot wait
 *              ▼
 *    bot a:  desired · observed · command       one place per kind, kept when a newer one takes it
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #offerAgainMs: number;
  readonly #shard: () => Shard<BotMessage> | null;
  readonly #waiting = new Map<string, Map<string, Envelope<BotMessage>>>();
  /** The shard as a whole had no room: who waits goes first, whatever the bot. */
  #isFull = false;
  #cancelRetry: (() => void) | null = null;
  #closed = false;

  /**
   * @param shard the shard as it is now; null while it is being replaced
   * @param offerAgainMs how soon envelopes that it had no room for are offered again
   */
  constructor(clock: Clock, shard: () => Shard<BotMessage> | null, offerAgainMs: number) {
    this.#clock = clock;
    this.#offerAgainMs = offerAgainMs;
    this.#shard = shard;
  }

  /**
   * While the shard is being replaced, only commands are kept: the new actors are told everything else anew, from the roster
   * and the journal.
   */
  post(envelope: Envelope<BotMessage>): void {
    const shard = this.#shard();
    if (this.#closed || (shard === null && envelope.message.kind !== 'command')) return;
    if (shard === null || this.#isFull || this.#waiting.has(envelope.to)) {
      this.postLater(envelope);
    } else if (shard.post(envelope) === 'full') {
      this.#isFull = true;
      this.postLater(envelope);
    }
  }

  postLater(envelope: Envelope<BotMessage>): void {
    if (this.#closed) return;
    const { to, message } = envelope;
    let ofBot = this.#waiting.get(to);
    if (ofBot === undefined) {
      ofBot = new Map();
      this.#waiting.set(to, ofBot);
    }
    const place = placeOf(message);
    const older = ofBot.get(place);
    // The older one's place is kept: an observation must not come before the message that makes the actor.
    ofBot.set(place, older === undefined ? envelope : replaceWaiting(older, envelope));
    this.#cancelRetry ??= this.#clock.schedule(this.#offerAgainMs, () => this.#retry());
  }

  /** Takes out what waits. @returns the commands: all that is known nowhere else */
  takeCommands(): Envelope<BotMessage>[] {
    const waiting = [...this.#waiting.values()].flatMap((ofBot) => [...ofBot.values()]);
    this.#waiting.clear();
    this.#isFull = false;
    return waiting.filter(({ message }) => message.kind === 'command');
  }

  /** Nothing is posted any more. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#cancelRetry?.();
  }

  #retry(): void {
    this.#cancelRetry = null;
    this.#isFull = !this.#postWaiting();
    if (this.#waiting.size > 0) this.#cancelRetry = this.#clock.schedule(this.#offerAgainMs, () => this.#retry());
  }

  /** @returns false when there was no room for all */
  #postWaiting(): boolean {
    const shard = this.#shard();
    if (shard === null) return true;
    for (const [botId, ofBot] of this.#waiting) {
      for (const [place, envelope] of ofBot) {
        if (shard.post(envelope) === 'full') return false;
        ofBot.delete(place);
      }
      this.#waiting.delete(botId);
    }
    return true;
  }
}

/** Messages of the same place replace each other: the newer one makes the older needless. */
function placeOf(message: BotMessage): string {
  switch (message.kind) {
    case 'desired':
    case 'removed':
      return 'desired';
    case 'effect-done':
    case 'effect-failed':
      return `answer to ${message.effect} ${message.incarnation}`;
    case 'ledger-done':
    case 'ledger-failed':
      return `answer to ledger ${message.ask}`;
    case 'command':
      return message.verb;
    case 'observed':
    case 'dependency':
    case 'timer':
    // Who asked the older question is told at its deadline that there is no answer.
    case 'question':
      return message.kind;
  }
}

/** The newer one, with what was given only once. */
function replaceWaiting(older: Envelope<BotMessage>, newer: Envelope<BotMessage>): Envelope<BotMessage> {
  const spawn = older.spawn === true || newer.spawn === true;
  return { ...newer, spawn, message: replaceMessage(older.message, newer.message) };
}

function replaceMessage(older: BotMessage, newer: BotMessage): BotMessage {
  if (older.kind === 'observed' && newer.kind === 'observed') {
    return { kind: 'observed', observation: mergeObservations(older.observation, newer.observation) };
  }
  const inFlight = inFlightOf(newer) ?? inFlightOf(older);
  const awaited = inFlight === undefined ? {} : { inFlight };
  if (newer.kind === 'removed') return { ...newer, ...awaited };
  if (newer.kind !== 'desired') return newer;
  const memory = newer.memory ?? (older.kind === 'desired' ? older.memory : undefined);
  return { ...newer, ...awaited, ...(memory === undefined ? {} : { memory }) };
}

function inFlightOf(message: BotMessage): InFlightEffect | undefined {
  return message.kind === 'desired' || message.kind === 'removed' ? message.inFlight : undefined;
}
