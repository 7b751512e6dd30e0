import type { NotedPlace } from '../event-store.ts';

/** What a stream says of itself; times are ms since 1970 by the clock of NATS. */
export interface StreamSight {
  readonly created: number;
  readonly first: number;
  readonly last: number;
  /** When the event came that has the number up to which all was applied; null: not known. */
  readonly placeAt: number | null;
  /** What the clock shows now; null: not known. */
  readonly now: number | null;
}

/** Where reading goes on. */
export interface Resumption {
  readonly epoch: number;
  /** Events with numbers above this one are read. */
  readonly after: number;
  /** Of these, those that came until then had been applied before; null: there are none. */
  readonly oldUntil: number | null;
  /** `anew`: another stream than before. `back`: the same, without what it had last. */
  readonly life: 'first' | 'same' | 'anew' | 'back';
}

/** Times of one event, come by in two ways, differ by no more than what rounding makes, ms. */
const ROUNDING_MS = 1;

/**
 * Tells whether a stream still is the one that was read before. One that was restored from an older copy, or has lost its
 * last writes with its host, gives numbers once more that were read already: it ends before them, or has an event of
 * another time there. Then a new epoch begins, and it is read from its first event; but what came until the last event that
 * had been applied is left out. That had been applied as well, and later events, which the stream has lost, or people may
 * have changed the bots since: to apply it again would bring deleted bots and old configs back. In a stream that was made
 * anew there is nothing of that kind, so all of it is applied.
 */
export function resume(before: NotedPlace | null, stream: StreamSight): Resumption {
  const { created, first, last, placeAt, now } = stream;
  if (before === null) return { epoch: created, after: 0, oldUntil: null, life: 'first' };
  const { epoch, sequence, lastAt, notedAt } = before;
  const next = { epoch: Math.max(created, epoch + 1), after: Math.max(first - 1, 0) };
  if (before.created !== created) return { ...next, oldUntil: null, life: 'anew' };
  const isOther = placeAt !== null && lastAt !== null && Math.abs(placeAt - lastAt) > ROUNDING_MS;
  if (last >= sequence && !isOther) return { epoch, after: sequence, oldUntil: before.oldUntil, life: 'same' };
  // A clock that was ahead and was put right says nothing; ours has noted it soon after.
  const isTrusted = lastAt !== null && (now === null || lastAt <= now);
  // It goes back once more before all was read that it had after it went back: nothing newer was applied.
  const oldUntil = isTrusted ? lastAt : (before.oldUntil ?? notedAt);
  return { ...next, oldUntil, life: 'back' };
}
