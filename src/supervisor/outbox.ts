import type { BotMessage } from '../../actors/message.ts';
import type { Envelope } from '../kernel/behavior.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Shard } from '../kernel/shard.ts';

/** How soon envelopes that a shard had no room for are offered again. */
const RETRY_MS = 20;

/**
 * The way to one shard. What it has no room for waits here and is offered again; bounded without losing anything that
 * counts: per bot and kind of message only the newest waits, and there are only a few kinds.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #shard: () => Shard<BotMessage> | null;
  readonly #waiting = new Map<string, Envelope<BotMessage>>();
  #scheduled = false;

  /** @param shard the shard as it is now; null while it is being replaced */
  constructor(clock: Clock, shard: () => Shard<BotMessage> | null) {
    this.#clock = clock;
    this.#shard = shard;
  }

  /** A message for a shard that is being replaced is dropped: its actors are made anew from the roster, which is newer. */
  post(envelope: Envelope<BotMessage>): void {
    const shard = this.#shard();
    if (shard === null) return;
    // What waits goes first, so that the order is kept.
    if (this.#waiting.size > 0 || shard.post(envelope) === 'full') this.postLater(envelope);
  }

  postLater(envelope: Envelope<BotMessage>): void {
    const key = `${envelope.to}\0${waitingKind(envelope.message)}`;
    const older = this.#waiting.get(key);
    this.#waiting.delete(key);
    this.#waiting.set(key, older === undefined ? envelope : replaceWaiting(older, envelope));
    this.#schedule();
  }

  clear(): void {
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.schedule(RETRY_MS, () => {
      this.#scheduled = false;
      const shard = this.#shard();
      for (const [key, envelope] of this.#waiting) {
        if (shard === null || shard.post(envelope) === 'full') break;
        this.#waiting.delete(key);
      }
      if (this.#waiting.size > 0) this.#schedule();
    });
  }
}

/** Desired and removed replace each other, so do the outcomes of an effect; questions are told apart. */
function waitingKind(message: BotMessage): string {
  switch (message.kind) {
    case 'desired':
    case 'removed':
      return 'desired';
    case 'effect-done':
    case 'effect-failed':
      return 'effect';
    case 'question':
      return `question ${message.askId}`;
    default:
      return message.kind;
  }
}

/** The newer one, with what was given only once. */
function replaceWaiting(older: Envelope<BotMessage>, newer: Envelope<BotMessage>): Envelope<BotMessage> {
  const spawn = older.spawn === true || newer.spawn === true;
  return older.message.kind === 'desired' && newer.message.kind === 'desired'
    ? { ...newer, spawn, message: { ...older.message, ...newer.message } }
    : { ...newer, spawn };
}
