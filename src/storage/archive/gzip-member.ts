/**
 * The state archive: a tar.gz that any reader takes (contract 4.4), made so that a small change needs a small upload.
 *
 *   ┌ member ──────────────┐┌ member ─────┐     ┌ end member ───────────────┐
 *   │ entry: header + data ││ entry …     │  …  │ two zero blocks and stamp │
 *   └──────────────────────┘└─────────────┘     └───────────────────────────┘
 *
 * - *Member*: one gzip member (RFC 1952); readers see members one after the other as one stream. Each holds exactly one tar
 *   entry, with the extended header it may need, and its own length in its header (the way of BGZF).
 * - *End member*: what ends a tar, with the stamp of the upload in its gzip header.
 * - *Index*: where in the object each entry's member is. Found by hopping over the lengths, so nothing else is stored.
 *
 * So a new version of a file is a new member at the end (the later entry of a name wins), and a deleted one is cut out by
 * copying the ranges around it inside the store. See upload-plan.ts.
 */
import { ArchiveError } from './archive-error.ts';

/** Identifies our subfield of a gzip header's extra field. */
const SUBFIELD_ID = Buffer.from('t0', 'latin1');
const FORMAT = 1;
const KIND_ENTRY = 0;
const KIND_END = 1;

/** Fixed gzip header, length of the extra field, head of the subfield, and our eight bytes. */
export const MEMBER_HEADER_BYTES = 24;
const GZIP_TRAILER_BYTES = 8;
const MOST_END_NOTE_BYTES = 4_096;

/** Raw deflate of 1,024 zero bytes: one fixed block; as short as zlib makes it. */
const DEFLATED_ZEROS = Buffer.from('63601805a360148c540000', 'hex');
const ZEROS_BYTES = 1_024;
const ZEROS_CRC = 0xefb5af2e;

export function memberHeader(memberBytes: number): Buffer {
  return header(KIND_ENTRY, memberBytes, Buffer.alloc(0));
}

export function memberTrailer(crc: number, contentBytes: number): Buffer {
  const trailer = Buffer.alloc(GZIP_TRAILER_BYTES);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(contentBytes % 2 ** 32, 4);
  return trailer;
}

/** @param note at most 4 KiB, for whoever reads the archive again */
export function endMember(note: string): Buffer {
  const noteBytes = Buffer.from(note);
  if (noteBytes.length > MOST_END_NOTE_BYTES) throw new RangeError('the note of an archive is too long');
  const length = MEMBER_HEADER_BYTES + noteBytes.length + DEFLATED_ZEROS.length + GZIP_TRAILER_BYTES;
  return Buffer.concat([header(KIND_END, length, noteBytes), DEFLATED_ZEROS, memberTrailer(ZEROS_CRC, ZEROS_BYTES)]);
}

function header(kind: number, memberBytes: number, note: Buffer): Buffer {
  const fixed = Buffer.alloc(MEMBER_HEADER_BYTES);
  // Magic, deflate, "has an extra field", no time, "fastest", "unknown system".
  Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 4, 255]).copy(fixed);
  fixed.writeUInt16LE(12 + note.length, 10);
  SUBFIELD_ID.copy(fixed, 12);
  fixed.writeUInt16LE(8 + note.length, 14);
  fixed[16] = FORMAT;
  fixed[17] = kind;
  fixed.writeUIntLE(memberBytes, 18, 6);
  return note.length === 0 ? fixed : Buffer.concat([fixed, note]);
}

export interface Member {
  readonly offset: number;
  readonly length: number;
}

/**
 * Sees an archive's bytes pass by and notes where its members are. Anything that is not as we write it makes it
 * `foreign`: a good archive perhaps, but not one whose parts can be told apart.
 */
export class MemberScanner {
  readonly members: Member[] = [];
  foreign = false;
  /** The note of the end member; null until it was seen. */
  note: string | null = null;
  /** Bytes seen so far. */
  #position = 0;
  #nextStart = 0;
  #held: Buffer = Buffer.alloc(0);

  /** @throws ArchiveError `newer-format` */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (!this.foreign && rest.length > 0) {
      const skip = Math.min(this.#nextStart - this.#position, rest.length);
      if (skip > 0) {
        this.#position += skip;
        rest = rest.subarray(skip);
        continue;
      }
      if (this.note !== null) {
        this.foreign = true; // Something comes after the end.
        return;
      }
      // A header may lie across chunks; what is held counts as seen only once the header is whole.
      const seen = this.#held.length === 0 ? rest : Buffer.concat([this.#held, rest]);
      const needed = this.#readHeader(seen);
      if (needed > MEMBER_HEADER_BYTES + MOST_END_NOTE_BYTES) this.foreign = true;
      if (needed > seen.length) {
        this.#held = Buffer.from(seen);
        return;
      }
      rest = seen;
      this.#held = Buffer.alloc(0);
    }
  }

  /** After the last byte: whether all of it is ours and whole. */
  isWhole(): boolean {
    return !this.foreign && this.note !== null && this.#position === this.#nextStart && this.#held.length === 0;
  }

  /** @returns how many bytes the header has that begins here; more than there are: come again */
  #readHeader(held: Buffer): number {
    if (held.length < MEMBER_HEADER_BYTES) return MEMBER_HEADER_BYTES;
    const extra = held.readUInt16LE(10);
    const ours =
      held[0] === 0x1f &&
      held[1] === 0x8b &&
      held[2] === 8 &&
      held[3] === 4 &&
      extra >= 12 &&
      held.subarray(12, 14).equals(SUBFIELD_ID) &&
      held.readUInt16LE(14) === extra - 4;
    if (ours && (held[16] ?? 0) > FORMAT) {
      throw new ArchiveError(
        'newer-format',
        `its format is ${held[16]}, and this version knows ${FORMAT}: upgrade the runtime`,
      );
    }
    const kind = held[17];
    const length = held.readUIntLE(18, 6);
    const headerBytes = 12 + extra;
    if (!ours || (kind !== KIND_ENTRY && kind !== KIND_END) || length < headerBytes + GZIP_TRAILER_BYTES) {
      this.foreign = true;
      return 0;
    }
    if (held.length < headerBytes) return headerBytes;
    if (kind === KIND_END) this.note = held.toString('utf8', MEMBER_HEADER_BYTES, headerBytes);
    this.members.push({ offset: this.#nextStart, length });
    this.#nextStart += length;
    return 0;
  }
}
