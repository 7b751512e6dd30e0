import { type Document, Int32 } from 'mongodb';
import type { NotedPlace, ReachedPlace } from '../event-store.ts';
import { comparePlaces, type StreamPlace } from '../lifecycle-event.ts';
import { int64 } from './collections.ts';

/**
 * How places of the stream of events stand in documents: that of the last event that was written into a bot in its `the0`,
 * that of a deletion in its tombstone, and up to which one all was applied in `the0_feeds`.
 */
const FORMAT = 1;

export function stored({ epoch, sequence }: StreamPlace): Document {
  return { format: new Int32(FORMAT), epoch: int64(epoch), seq: int64(sequence) };
}

export function placeIn(document: Document | null): StreamPlace | null {
  const { epoch, seq } = document ?? {};
  return isWholeNumber(epoch) && isWholeNumber(seq) ? { epoch, sequence: seq } : null;
}

/** Bound to the place: an older version of this program notes only the place, and does not know of this. */
export function storedStream({ epoch, sequence, created, lastAt, oldUntil }: ReachedPlace): Document {
  const optional = (value: number | null) => (value === null ? null : int64(value));
  return {
    epoch: int64(epoch),
    seq: int64(sequence),
    created: int64(created),
    lastAt: optional(lastAt),
    oldUntil: optional(oldUntil),
  };
}

export function notedIn(document: Document | null): NotedPlace | null {
  const place = placeIn(document);
  if (document === null || place === null) return null;
  const { at, stream } = document;
  const notedAt = at instanceof Date ? at.getTime() : 0;
  const of = placeIn(stream);
  if (of === null || comparePlaces(of, place) !== 0 || !isWholeNumber(stream.created)) {
    // An older version took for the epoch when the stream was made.
    return { ...place, created: place.epoch, lastAt: null, oldUntil: null, notedAt };
  }
  const { created, lastAt, oldUntil } = stream;
  return { ...place, created, lastAt: numberOrNull(lastAt), oldUntil: numberOrNull(oldUntil), notedAt };
}

function numberOrNull(value: unknown): number | null {
  return isWholeNumber(value) ? value : null;
}

export function isEarlier(document: Document, place: StreamPlace): boolean {
  const written = placeIn(typeof document['the0'] === 'object' ? document['the0'] : null);
  return written === null || comparePlaces(written, place) < 0;
}

/** The same as a condition of MongoDB, so that nobody writes in between. What is no number is no place. */
export function earlierThan(place: StreamPlace | null, prefix = 'the0.'): Document {
  if (place === null) return {};
  const [epoch, seq] = [`${prefix}epoch`, `${prefix}seq`];
  const older = { [epoch]: int64(place.epoch), [seq]: { $lt: int64(place.sequence) } };
  const none = [epoch, seq].map((field) => ({ $nor: [{ [field]: { $type: 'number' } }] }));
  return { $or: [...none, { [epoch]: { $lt: int64(place.epoch) } }, older] };
}

export function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}
