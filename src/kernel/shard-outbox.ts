import type { MessagePort } from 'node:worker_threads';
import type { Envelope, Undelivered } from './behavior.ts';
import { systemClock } from './clock.ts';
import { errorFrom } from './shard-errors.ts';
import { BATCH_SIZE, cloneError, type EnvelopeBatch, EnvelopeBatcher } from './shard-stream.ts';

export interface ShardOutboxOptions<Message> {
  readonly stream: MessagePort;
  readonly coalesce: (older: Message, newer: Message) => Message;
  /** How far the thread may be behind, and how far ahead with its effects. */
  readonly unhandledEnvelopes: number;
  /** Takes what could not be sent, in a turn of its own. */
  readonly onUnusable: (batch: readonly Undelivered<Message>[]) => void;
}

/**
 * The owner's end of the stream to a shard's thread: batches what is posted, counts what is not handled yet, and holds back
 * observations when there is no room.
 *
 *     post ──► room? ──yes──► batch ──► port, at the end of the turn or when the batch is large
 *               │no
 *               ├─ observation: held, joined per actor ──► batch, when a report makes room
 *               └─ anything else: 'full'
 */
export class ShardOutbox<Message> {
  readonly #options: ShardOutboxOptions<Message>;
  readonly #batch = new EnvelopeBatcher<Message>();
  /** In the order in which each actor's first one came; bounded by the number of actors. */
  readonly #held = new Map<string, Envelope<Message>>();
  #unusable: Undelivered<Message>[] = [];
  #flushIsComing = false;
  #closed = false;
  #posted = 0;
  #handled = 0;
  #effectsHandled = 0;
  #effectsAcknowledged = 0;

  constructor(options: ShardOutboxOptions<Message>) {
    this.#options = options;
  }

  /** Envelopes sent, or about to be, since the start. */
  get posted(): number {
    return this.#posted;
  }

  post(envelope: Envelope<Message>): 'accepted' | 'full' {
    if (envelope.lane === 'observation') {
      if (this.#held.size > 0 || !this.#hasRoom()) this.#hold(envelope);
      else this.#add(envelope);
      return 'accepted';
    }
    if (!this.#hasRoom()) return 'full';
    this.#add(envelope);
    return 'accepted';
  }

  /** The thread has handled so many envelopes since the start. */
  confirm(handled: number): void {
    this.#handled = handled;
    for (const [id, envelope] of this.#held) {
      if (!this.#hasRoom()) return;
      this.#held.delete(id);
      this.#add(envelope);
    }
  }

  /** The owner has handled so many effects since the start. Said with the next batch, or at once when the thread may wait for it. */
  acknowledge(effectsHandled: number): void {
    this.#effectsHandled = effectsHandled;
    if (this.#effectsHandled - this.#effectsAcknowledged >= this.#options.unhandledEnvelopes / 2) this.#send();
  }

  /** Sends everything there is, held observations as well, whether there is room or not. */
  flushAll(): void {
    for (const envelope of this.#held.values()) this.#add(envelope);
    this.#held.clear();
    if (this.#batch.size > 0) this.#send();
  }

  close(): void {
    this.#closed = true;
    this.#held.clear();
  }

  #hasRoom(): boolean {
    return this.#posted - this.#handled + this.#unusable.length < this.#options.unhandledEnvelopes;
  }

  #add(envelope: Envelope<Message>): void {
    this.#posted += 1;
    this.#batch.add(envelope);
    if (this.#batch.size >= BATCH_SIZE) this.#send();
    else this.#flushSoon();
  }

  #hold(envelope: Envelope<Message>): void {
    const older = this.#held.get(envelope.to);
    if (older === undefined) {
      this.#held.set(envelope.to, envelope);
      return;
    }
    const spawn = older.spawn === true || envelope.spawn === true;
    try {
      const message = this.#options.coalesce(older.message, envelope.message);
      this.#held.set(envelope.to, { ...envelope, message, spawn });
    } catch (thrown) {
      this.#held.set(envelope.to, { ...envelope, spawn });
      this.#reject(older, errorFrom(thrown));
    }
  }

  #flushSoon(): void {
    if (this.#flushIsComing) return;
    this.#flushIsComing = true;
    systemClock.defer(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushIsComing = false;
    if (this.#closed) return;
    if (this.#batch.size > 0) this.#send();
    if (this.#unusable.length === 0) return;
    const unusable = this.#unusable;
    this.#unusable = [];
    this.#options.onUnusable(unusable);
  };

  #send(): void {
    const { batch, envelopes } = this.#batch.take(this.#effectsHandled);
    this.#effectsAcknowledged = this.#effectsHandled;
    try {
      this.#options.stream.postMessage(batch);
    } catch {
      // One message that cannot be cloned must not cost the others. Which one it is can only be found by trying each.
      this.#sendWhatClones(batch, envelopes);
    }
  }

  #sendWhatClones(batch: EnvelopeBatch<Message>, envelopes: readonly Envelope<Message>[]): void {
    const errors = batch.messages.map(cloneError);
    const isSound = (_: unknown, i: number): boolean => errors[i] === null;
    const rest = { ...batch, to: batch.to.filter(isSound), messages: batch.messages.filter(isSound) };
    this.#options.stream.postMessage(rest);
    this.#posted -= batch.to.length - rest.to.length;
    envelopes.forEach((envelope, i) => {
      const error = errors[i];
      if (error !== null && error !== undefined) this.#reject(envelope, error);
    });
  }

  #reject(envelope: Envelope<Message>, error: Error): void {
    this.#unusable.push({ envelope, cause: 'unusable', error });
    this.#flushSoon();
  }
}
