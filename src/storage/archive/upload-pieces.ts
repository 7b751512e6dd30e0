import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Body, ByteRange, Piece, PieceLimits } from '../object-store.ts';
import type { Segment } from './upload-plan.ts';

const BYTES_PER_TURN = 256 * 1024;

/** Where the bytes of an upload come from. */
export interface UploadSources {
  /** Of the present object, and only of that version. */
  object(range: ByteRange): AsyncIterable<Buffer>;
  spool(range: ByteRange): Iterable<Buffer>;
  /** What comes last. */
  readonly end: Buffer;
}

type Part = Segment | { readonly from: 'end'; readonly range: ByteRange };

/**
 * Cuts a layout into what the store can do. A stretch of the object that is too small to be kept is read and uploaded
 * again, together with its neighbours; that too takes no more of a large neighbour than it needs.
 */
export function piecesOf(segments: readonly Segment[], limits: PieceLimits, sources: UploadSources): Piece[] {
  // Larger pieces when there would be too many: then more is read again.
  for (let least = limits.minPieceBytes; ; least = Math.max(1, least * 2)) {
    const groups = grouped([...segments, { from: 'end', range: { from: 0, to: sources.end.length } }], least, limits);
    if (groups.length <= limits.mostPieces) return groups.map((group) => pieceOf(group, least, sources));
  }
}

function grouped(parts: readonly Part[], least: number, limits: PieceLimits): Part[][] {
  const groups: Part[][] = [];
  let open: Part[] = [];
  let openBytes = 0;
  const close = () => {
    if (open.length > 0) groups.push(open);
    open = [];
    openBytes = 0;
  };
  const add = (part: Part) => {
    open.push(part);
    openBytes += sizeOf(part);
  };
  for (const part of parts) {
    if (part.from !== 'object') {
      add(part);
      continue;
    }
    let { from } = part.range;
    const { to } = part.range;
    if (openBytes > 0 && openBytes < least) {
      const taken = Math.min(to - from, least - openBytes);
      add({ from: 'object', range: { from, to: from + taken } });
      from += taken;
    }
    while (to - from >= Math.max(1, least)) {
      close();
      // What is left after a piece of the largest size must not be too small to be kept.
      const whole = to - from <= limits.maxPieceBytes;
      const size = whole ? to - from : Math.min(limits.maxPieceBytes, to - from - least);
      groups.push([{ from: 'object', range: { from, to: from + size } }]);
      from += size;
    }
    if (to > from) {
      if (openBytes >= least) close();
      add({ from: 'object', range: { from, to } });
    }
  }
  close();
  return groups;
}

function pieceOf(group: readonly Part[], least: number, sources: UploadSources): Piece {
  const [only] = group;
  if (group.length === 1 && only?.from === 'object' && sizeOf(only) >= least)
    return { kind: 'kept', range: only.range };
  return { kind: 'new', body: bodyOfParts(group, sources) };
}

function bodyOfParts(parts: readonly Part[], sources: UploadSources): Body {
  return {
    size: parts.reduce((sum, part) => sum + sizeOf(part), 0),
    async *read() {
      for (const { from, range } of parts) {
        if (from === 'end') yield sources.end;
        else if (from === 'object') yield* sources.object(range);
        else yield* inTurns(sources.spool(range));
      }
    },
  };
}

/** Some of it may have to be made: nobody else must wait for all of that. */
async function* inTurns(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes < BYTES_PER_TURN) continue;
    bytes = 0;
    await nextTurn();
  }
}

/** All of it as one body, for a store in which nothing can be kept. */
export function wholeBody(pieces: readonly Piece[]): Body | null {
  const bodies = pieces.flatMap((piece) => (piece.kind === 'new' ? [piece.body] : []));
  if (bodies.length < pieces.length) return null;
  return {
    size: bodies.reduce((sum, { size }) => sum + size, 0),
    async *read() {
      for (const body of bodies) yield* body.read();
    },
  };
}

function sizeOf({ range }: Part): number {
  return range.to - range.from;
}
