import { type Addresses, AddressReader, AddressWriter } from './addresses.ts';
import type { Envelope, Lane, Undelivered } from './behavior.ts';
import type { ShardEffect } from './shard.ts';
import { errorFrom } from './shard-errors.ts';

/**
 * What crosses the raw port between a shard's owner and its thread.
 *
 *     owner ── EnvelopeBatch ──► thread        at most one per turn, or one per BATCH_SIZE
 *           ◄── Report ─────────
 *
 * Batches hold columns, not objects: cloning two arrays costs far less than an object with the same keys for every message. All
 * counts are totals since the start, so that nothing drifts when a report says less than the one before.
 */
export interface EnvelopeBatch<Message> extends Addresses {
  /** For each message the actor's number times 8, plus its lane's index in LANES, plus SPAWN when it may create the actor. */
  readonly to: readonly number[];
  readonly messages: readonly Message[];
  /** Effects the owner has handled. */
  readonly effectsHandled: number;
}

/**
 * What a thread tells its owner at the end of a turn: of effects and undelivered messages at once, of mere progress whenever it
 * is REPORTED_SHARE of the owner's bound. So the owner's count lags by less than that, and an owner that is refused will hear.
 */
export interface Report<Message, Effect> extends Addresses {
  /** For each effect the actor's number. */
  readonly from: readonly number[];
  readonly effects: readonly Effect[];
  readonly undelivered: readonly Undelivered<Message>[];
  /** Envelopes received, less the messages in mailboxes (timers' ones included, so it may fall). */
  readonly handled: number;
}

export const REPORTED_SHARE = 1 / 4;

/** Above this a batch is posted before the turn ends, so that both threads work at the same time. */
export const BATCH_SIZE = 256;

const LANES: readonly Lane[] = ['system', 'user', 'observation'];
const SPAWN = 4;

export class EnvelopeBatcher<Message> {
  readonly #addresses = new AddressWriter();
  #to: number[] = [];
  #messages: Message[] = [];
  #envelopes: Envelope<Message>[] = [];

  get size(): number {
    return this.#to.length;
  }

  add(envelope: Envelope<Message>): void {
    const lane = envelope.lane === 'system' ? 0 : envelope.lane === 'user' ? 1 : 2;
    this.#to.push(this.#addresses.number(envelope.to) * 8 + lane + (envelope.spawn === true ? SPAWN : 0));
    this.#messages.push(envelope.message);
    this.#envelopes.push(envelope);
  }

  take(effectsHandled: number): { batch: EnvelopeBatch<Message>; envelopes: readonly Envelope<Message>[] } {
    const batch = { ...this.#addresses.take(), to: this.#to, messages: this.#messages, effectsHandled };
    const envelopes = this.#envelopes;
    this.#to = [];
    this.#messages = [];
    this.#envelopes = [];
    return { batch, envelopes };
  }
}

export class EnvelopeUnpacker<Message> {
  readonly #addresses = new AddressReader();
  readonly #deliver: (to: string, lane: Lane, message: Message, spawn: boolean) => void;

  /** @param deliver called for every envelope of a batch, in order */
  constructor(deliver: (to: string, lane: Lane, message: Message, spawn: boolean) => void) {
    this.#deliver = deliver;
  }

  unpack(batch: EnvelopeBatch<Message>): void {
    this.#addresses.learn(batch);
    const { to, messages } = batch;
    for (let i = 0; i < to.length; i += 1) {
      const code = to[i] ?? -1;
      const lane = LANES[code & 3];
      const message = messages[i];
      if (lane === undefined || message === undefined) throw new TypeError('Torn batch of envelopes');
      this.#deliver(this.#addresses.id(code >> 3), lane, message, (code & SPAWN) !== 0);
    }
  }
}

export class EffectUnpacker<Effect> {
  readonly #addresses = new AddressReader();

  unpack(report: Report<unknown, Effect>): ShardEffect<Effect>[] {
    this.#addresses.learn(report);
    return report.effects.map((effect, i) => ({ from: this.#addresses.id(report.from[i] ?? -1), effect }));
  }
}

/** Why a value cannot cross threads, or null when it can. */
export function cloneError(value: unknown): Error | null {
  try {
    structuredClone(value);
    return null;
  } catch (thrown) {
    return errorFrom(thrown);
  }
}
