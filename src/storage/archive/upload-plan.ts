import type { ByteRange } from '../object-store.ts';
import { ArchiveIndex, type StoredEntry } from './archive-index.ts';
import type { Member } from './gzip-member.ts';

/** A packed entry that waits in the spool. */
export interface PackedEntry {
  readonly kind: StoredEntry['kind'];
  readonly mode: number;
  readonly size: number;
  readonly digest: string;
  /** Its member in the spool. */
  readonly at: Member;
}

/** What the next version of an archive has that this one has not, and the other way round. */
export interface ArchiveChanges {
  /** By name. Directories come before what is in them: later members are written in this order. */
  readonly packed: ReadonlyMap<string, PackedEntry>;
  readonly removed: ReadonlySet<string>;
}

/** A stretch of the next version: of the present object, or of the spool. */
export interface Segment {
  readonly from: 'object' | 'spool';
  readonly range: ByteRange;
}

export interface UploadPlan {
  /** In their order, without the end member. */
  readonly segments: readonly Segment[];
  /** What is in the archive once this is uploaded. */
  readonly index: ArchiveIndex;
}

/** More the API does not take (contract 4.5). */
const MOST_BYTES_OF_API = 100 * 1024 * 1024;
/** So far an archive may grow by garbage, unless there is more than that without. */
const MOST_BYTES_WITH_GARBAGE = 90 * 1024 * 1024;
/** Overridden members may take this part of what the current ones do. */
const GARBAGE_SHARE = 0.5;
/** And there may be this part of them, or so many: each costs a reader nearly as much as a current one. */
const GARBAGE_COUNT_SHARE = 0.25;
const GARBAGE_OF_FEW = 64;
/** Owner may write: other readers open the file a second time when it occurs twice. */
const OWNER_WRITE = 0o200;

interface Edit extends ByteRange {
  /** What comes instead: a member in the spool; null: nothing. */
  readonly by: Member | null;
}

/**
 * Lays out the next version of an archive:
 *
 *   a file that changed ─► its new member at the end, which overrides the old one (bounded garbage)
 *   a directory whose mode changed ─► its new member in the place of the old one: it must stay before what is in it
 *   a removed name, a changed type or mode, a file its owner may not write ─► every old member is cut out
 *   too much garbage, or a store in which keeping saves nothing ─► all that is overridden is cut out
 *
 * @param index of the present object; one whose parts cannot be addressed: everything must be in `packed`
 * @param minPieceBytes what the store can keep at least (PieceLimits)
 */
export function planUpload(index: ArchiveIndex, changes: ArchiveChanges, minPieceBytes: number): UploadPlan {
  if (index.endOffset === null) return freshPlan(changes);
  const edits: Edit[] = [];
  const older = new Map<string, readonly ByteRange[]>();
  const cut = (entry: StoredEntry) => edits.push(...copiesOf(entry).map((range) => ({ ...range, by: null })));
  const tail: [string, PackedEntry][] = [];

  for (const name of changes.removed) {
    const stored = index.entries.get(name);
    if (stored !== undefined) cut(stored);
  }
  for (const [name, packed] of changes.packed) {
    const stored = index.entries.get(name);
    if (stored?.kind === 'directory' && packed.kind === 'directory') {
      edits.push({ ...stored.at, by: packed.at });
      continue;
    }
    tail.push([name, packed]);
    if (stored === undefined) continue;
    if (mayOverride(stored, packed)) older.set(name, copiesOf(stored));
    else cut(stored);
  }

  const staying = [...index.entries].filter(([name]) => !changes.removed.has(name) && !changes.packed.has(name));
  const garbage = [...older.values(), ...staying.map(([, entry]) => entry.older)].flat();
  const cutBytes = bytesOf(edits);
  const kept = index.endOffset - cutBytes;
  const total = kept + [...changes.packed.values()].reduce((sum, { at }) => sum + at.length, 0);
  const garbageBytes = bytesOf(garbage);
  const tooMuch =
    garbageBytes > (total - garbageBytes) * GARBAGE_SHARE ||
    total > mostBytes(total - garbageBytes) ||
    garbage.length > Math.max(GARBAGE_OF_FEW, (staying.length + changes.packed.size) * GARBAGE_COUNT_SHARE);
  const tidy = garbageBytes > 0 && (tooMuch || kept < minPieceBytes);
  if (tidy) edits.push(...garbage.map((range) => ({ ...range, by: null })));

  edits.sort((a, b) => a.from - b.from);
  const shift = shiftOf(edits);
  const entries = new Map<string, StoredEntry>();
  for (const [name, entry] of staying) {
    const moved = tidy ? [] : entry.older.map(shift);
    entries.set(name, edits.length === 0 ? entry : { ...entry, at: shift(entry.at), older: moved });
  }
  for (const [name, packed] of changes.packed) {
    const stored = index.entries.get(name);
    if (stored?.kind !== 'directory' || packed.kind !== 'directory') continue;
    const { from } = shift({ from: stored.at.from, to: stored.at.from });
    entries.set(name, storedAs(packed, from, []));
  }

  const segments = keptSegments(edits, index.endOffset);
  let end = segments.reduce((sum, { range }) => sum + (range.to - range.from), 0);
  for (const [name, packed] of tail) {
    const overridden = tidy ? [] : (older.get(name) ?? []).map(shift);
    entries.set(name, storedAs(packed, end, overridden));
    segments.push(spoolSegment(packed.at));
    end += packed.at.length;
  }
  return { segments: joined(segments), index: new ArchiveIndex(entries, end) };
}

/** How large an archive may be that has so many bytes without garbage: close to what the API takes, half of what is left. */
function mostBytes(liveBytes: number): number {
  if (liveBytes >= MOST_BYTES_OF_API) return Number.POSITIVE_INFINITY;
  return Math.max(MOST_BYTES_WITH_GARBAGE, (liveBytes + MOST_BYTES_OF_API) / 2);
}

function freshPlan({ packed }: ArchiveChanges): UploadPlan {
  const entries = new Map<string, StoredEntry>();
  const segments: Segment[] = [];
  let end = 0;
  for (const [name, entry] of packed) {
    entries.set(name, storedAs(entry, end, []));
    segments.push(spoolSegment(entry.at));
    end += entry.at.length;
  }
  return { segments: joined(segments), index: new ArchiveIndex(entries, end) };
}

/**
 * The Go runtime, and npm's tar, truncate a file that they meet again (contract 4.4): that works only with a regular file
 * its owner may write, and leaves it the mode that it had.
 */
function mayOverride(stored: StoredEntry, packed: PackedEntry): boolean {
  const areFiles = stored.kind === 'file' && packed.kind === 'file';
  return areFiles && stored.mode === packed.mode && (stored.mode & OWNER_WRITE) !== 0;
}

function copiesOf(entry: StoredEntry): readonly ByteRange[] {
  return [...entry.older, entry.at];
}

function storedAs(packed: PackedEntry, from: number, older: readonly ByteRange[]): StoredEntry {
  const { kind, mode, size, digest, at } = packed;
  return { kind, mode, size, digest, at: { from, to: from + at.length }, older };
}

function spoolSegment({ offset, length }: Member): Segment {
  return { from: 'spool', range: { from: offset, to: offset + length } };
}

/** Where a range that no edit touches is after the edits, which are in order and apart from each other. */
function shiftOf(edits: readonly Edit[]): (range: ByteRange) => ByteRange {
  const moves: number[] = [];
  let move = 0;
  for (const { from, to, by } of edits) {
    move += (by?.length ?? 0) - (to - from);
    moves.push(move);
  }
  return ({ from, to }) => {
    // How many edits lie before it.
    let low = 0;
    let high = edits.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((edits[middle]?.to ?? 0) <= from) low = middle + 1;
      else high = middle;
    }
    const by = moves[low - 1] ?? 0;
    return { from: from + by, to: to + by };
  };
}

function keptSegments(edits: readonly Edit[], endOffset: number): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const { from, to, by } of edits) {
    if (from > at) segments.push({ from: 'object', range: { from: at, to: from } });
    if (by !== null) segments.push(spoolSegment(by));
    at = to;
  }
  if (endOffset > at) segments.push({ from: 'object', range: { from: at, to: endOffset } });
  return segments;
}

/** Neighbours that lie together become one. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (last !== undefined && last.from === segment.from && last.range.to === segment.range.from) {
      result[result.length - 1] = { from: last.from, range: { from: last.range.from, to: segment.range.to } };
    } else {
      result.push(segment);
    }
  }
  return result;
}

function bytesOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + (to - from), 0);
}
