import type { Lane } from './behavior.ts';
import { Ring } from './ring.ts';

/**
 * What an actor has still to read.
 *
 *     system       ──►[ring, bounded]──┐ 1st
 *     observation  ──►[ one slot    ]──┼ 2nd ──► take()
 *     user         ──►[ring, bounded]──┘ 3rd
 *
 * Each lane has a bound of its own. Observations are facts, of which only the newest matter: the slot joins what the actor has
 * not seen yet, so it cannot overflow. A message is never `undefined`.
 */
export class Mailbox<Message> {
  readonly #system: Ring<Message>;
  readonly #user: Ring<Message>;
  #observation: Message | undefined;
  /** The lane of the message that was taken last. */
  takenFrom: Lane = 'system';

  constructor(sizePerLane: number) {
    this.#system = new Ring(sizePerLane);
    this.#user = new Ring(sizePerLane);
  }

  get size(): number {
    return this.#system.length + this.#user.length + (this.#observation === undefined ? 0 : 1);
  }

  /** @returns false when the lane is full; the message is then not taken */
  put(lane: 'system' | 'user', message: Message): boolean {
    return lane === 'system' ? this.#system.push(message) : this.#user.push(message);
  }

  /** The observation the actor has not seen yet. */
  get observation(): Message | undefined {
    return this.#observation;
  }

  set observation(message: Message) {
    this.#observation = message;
  }

  take(): Message | undefined {
    if (this.#system.length > 0) {
      this.takenFrom = 'system';
      return this.#system.shift();
    }
    const observation = this.#observation;
    if (observation !== undefined) {
      this.#observation = undefined;
      this.takenFrom = 'observation';
      return observation;
    }
    this.takenFrom = 'user';
    return this.#user.shift();
  }

  /** Gives back the memory of a flood; call it when the mailbox is empty. */
  shrink(): void {
    this.#system.shrink();
    this.#user.shrink();
  }
}

/**
 * Mailboxes for the actors that have something to read. At rest an actor has none, so that a hundred thousand resting actors
 * cost nothing for theirs; some empty ones are kept (about 1 MiB at most), because an actor needs one for every burst.
 */
export class MailboxPool<Message> {
  readonly #sizePerLane: number;
  readonly #spareMailboxes: number;
  readonly #spare: Mailbox<Message>[] = [];

  constructor(sizePerLane: number, spareMailboxes = 1_024) {
    this.#sizePerLane = sizePerLane;
    this.#spareMailboxes = spareMailboxes;
  }

  acquire(): Mailbox<Message> {
    return this.#spare.pop() ?? new Mailbox(this.#sizePerLane);
  }

  /** @param mailbox an empty one, which its actor has let go */
  release(mailbox: Mailbox<Message>): void {
    if (this.#spare.length >= this.#spareMailboxes) return;
    mailbox.shrink();
    this.#spare.push(mailbox);
  }
}
