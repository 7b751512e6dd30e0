import type { Envelope, Lane, Undelivered } from './behavior.ts';
import type { ShardEffect } from './shard.ts';

/**
 * What crosses the raw port between a shard's owner and its thread.
 *
 *     owner ── EnvelopeBatch ──► thread        at most one per turn, or one per BATCH_SIZE
 *           ◄── Report ─────────
 *
 * Batches hold columns, not objects: cloning three arrays costs far less than an object with the same keys for every message. All counts are
 * totals since the start, so that nothing drifts when a report says less than the one before.
 */
export interface EnvelopeBatch<Message> {
  readonly to: readonly string[];
  /** Index in LANES; plus SPAWN when the envelope may create the actor. */
  readonly lanes: readonly number[];
  readonly messages: readonly Message[];
  /** Effects the owner has handled. */
  readonly effectsHandled: number;
}

/** What a thread tells its owner at the end of a turn. */
export interface Report<Message, Effect> {
  readonly from: readonly string[];
  readonly effects: readonly Effect[];
  readonly undelivered: readonly Undelivered<Message>[];
  /** Envelopes that have left the port and are in a mailbox or handled. */
  readonly received: number;
  /** Messages in mailboxes. `posted - received + backlog` envelopes are unhandled. */
  readonly backlog: number;
}

/** Above this a batch is posted before the turn ends, so that both threads work at the same time. */
export const BATCH_SIZE = 256;

const LANES: readonly Lane[] = ['system', 'user', 'observation'];
const SPAWN = 4;

export class EnvelopeBatcher<Message> {
  #to: string[] = [];
  #lanes: number[] = [];
  #messages: Message[] = [];

  get size(): number {
    return this.#to.length;
  }

  add(envelope: Envelope<Message>): void {
    this.#to.push(envelope.to);
    this.#lanes.push(laneNumber(envelope.lane) + (envelope.spawn === true ? SPAWN : 0));
    this.#messages.push(envelope.message);
  }

  take(effectsHandled: number): EnvelopeBatch<Message> {
    const batch = { to: this.#to, lanes: this.#lanes, messages: this.#messages, effectsHandled };
    this.#to = [];
    this.#lanes = [];
    this.#messages = [];
    return batch;
  }
}

/** Calls `deliver` for every envelope of a batch, in order. */
export function unpackEnvelopes<Message>(
  batch: EnvelopeBatch<Message>,
  deliver: (to: string, lane: Lane, message: Message, spawn: boolean) => void,
): void {
  const { to, lanes, messages } = batch;
  for (let i = 0; i < to.length; i += 1) {
    const id = to[i];
    const code = lanes[i] ?? 0;
    const lane = LANES[code & ~SPAWN];
    const message = messages[i];
    if (id === undefined || lane === undefined || message === undefined) throw new TypeError('Torn batch of envelopes');
    deliver(id, lane, message, code >= SPAWN);
  }
}

export function unpackEffects<Message, Effect>(report: Report<Message, Effect>): ShardEffect<Effect>[] {
  const { from, effects } = report;
  return effects.map((effect, i) => {
    const id = from[i];
    if (id === undefined) throw new TypeError('Torn batch of effects');
    return { from: id, effect };
  });
}

/** Why a value cannot cross threads, or null when it can. */
export function cloneError(value: unknown): Error | null {
  try {
    structuredClone(value);
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

function laneNumber(lane: Lane): number {
  return lane === 'system' ? 0 : lane === 'user' ? 1 : 2;
}
