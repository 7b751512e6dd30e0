import { damaged } from './archive-error.ts';
import type { ArchiveFile } from './archive-file.ts';
import { unsupported, type ZipEntry } from './zip-entry.ts';

/** Where an archive's directory is: at its end, so that it can be written in one go. */
export interface ZipDirectory {
  readonly from: number;
  readonly bytes: number;
  readonly entries: number;
}

/*
 *   entry 0: header, name, extra, data [, data descriptor]      APPNOTE.TXT 4.3.6; sizes are taken from the directory only,
 *   entry 1: …                                                  so it does not matter that a streaming writer leaves them
 *   directory: one record per entry                             out of the header
 *   [end record 64, locator 64]
 *   end record
 */
const END = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff } as const;
const END_64 = { signature: 0x06064b50, bytes: 56 } as const;
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 } as const;
const RECORD = { signature: 0x02014b50, bytes: 46 } as const;
/** What stands where a number is too large for its field, and is in a 64-bit one elsewhere. */
const ELSEWHERE_32 = 0xffffffff;
const ELSEWHERE_16 = 0xffff;
const EXTRA_64 = 0x0001;

/** Larger than the largest record there can be. */
const WINDOW_BYTES = 256 * 1024;

/** @throws CodeArchiveError */
export function findDirectory(archive: ArchiveFile): ZipDirectory {
  const tailBytes = Math.min(archive.size, END.bytes + END.longestComment);
  const tailFrom = archive.size - tailBytes;
  const tail = archive.read(tailFrom, tailBytes);
  for (let at = tailBytes - END.bytes; at >= 0; at -= 1) {
    // The comment may hold anything, also the signature; it must reach exactly to the end.
    if (tail.readUInt32LE(at) !== END.signature) continue;
    if (at + END.bytes + tail.readUInt16LE(at + 20) !== tailBytes) continue;
    return readEnd(archive, tail.subarray(at), tailFrom + at);
  }
  throw damaged('is no ZIP, or is cut short');
}

function readEnd(archive: ArchiveFile, end: Buffer, at: number): ZipDirectory {
  if (end.readUInt16LE(4) !== 0 || end.readUInt16LE(6) !== 0) {
    // 0xffff may also say that the disk is in the 64-bit record.
    if (end.readUInt16LE(4) !== ELSEWHERE_16 && end.readUInt16LE(6) !== ELSEWHERE_16) {
      throw unsupported('is one part of several');
    }
  }
  const small = { from: end.readUInt32LE(16), bytes: end.readUInt32LE(12), entries: end.readUInt16LE(10) };
  const isElsewhere =
    small.from === ELSEWHERE_32 ||
    small.bytes === ELSEWHERE_32 ||
    small.entries === ELSEWHERE_16 ||
    hasLocator(archive, at);
  if (!isElsewhere) return checked(small, at);
  const locatorAt = at - LOCATOR_64.bytes;
  if (!hasLocator(archive, at)) return checked(small, at);
  const end64At = whole(archive.read(locatorAt, LOCATOR_64.bytes).readBigUInt64LE(8));
  if (end64At + END_64.bytes > locatorAt) throw damaged('has a directory in the wrong place');
  const end64 = archive.read(end64At, END_64.bytes);
  if (end64.readUInt32LE(0) !== END_64.signature) throw damaged('has a directory in the wrong place');
  return checked(
    {
      from: whole(end64.readBigUInt64LE(48)),
      bytes: whole(end64.readBigUInt64LE(40)),
      entries: whole(end64.readBigUInt64LE(32)),
    },
    end64At,
  );
}

function hasLocator(archive: ArchiveFile, endAt: number): boolean {
  const from = endAt - LOCATOR_64.bytes;
  return from >= 0 && archive.read(from, 4).readUInt32LE(0) === LOCATOR_64.signature;
}

/** The directory must end where the end record begins: else something was cut out, or put before. */
function checked(directory: ZipDirectory, endAt: number): ZipDirectory {
  if (directory.from + directory.bytes !== endAt) throw damaged('has a directory in the wrong place');
  if (directory.entries * RECORD.bytes > directory.bytes) throw damaged('has a directory that is cut short');
  return directory;
}

/** What the directory says, entry by entry; never more of it in memory than a window. @throws CodeArchiveError */
export function* entriesOf(archive: ArchiveFile, directory: ZipDirectory): Generator<ZipEntry> {
  const end = directory.from + directory.bytes;
  let windowFrom = directory.from;
  let window = archive.read(windowFrom, Math.min(WINDOW_BYTES, end - windowFrom));
  let at = 0;
  for (let index = 0; index < directory.entries; index += 1) {
    const needed = recordBytes(window, at);
    if (needed === null || at + needed > window.length) {
      windowFrom += at;
      at = 0;
      window = archive.read(windowFrom, Math.min(WINDOW_BYTES, end - windowFrom));
    }
    const bytes = recordBytes(window, at);
    if (bytes === null || at + bytes > window.length) throw damaged('has a directory that is cut short');
    yield readRecord(window.subarray(at, at + bytes));
    at += bytes;
  }
  if (windowFrom + at !== end) throw damaged('has a directory that is longer than it says');
}

/** Null when not even that is in the window. */
function recordBytes(window: Buffer, at: number): number | null {
  if (at + RECORD.bytes > window.length) return null;
  if (window.readUInt32LE(at) !== RECORD.signature) throw damaged('has a directory that cannot be read');
  return RECORD.bytes + window.readUInt16LE(at + 28) + window.readUInt16LE(at + 30) + window.readUInt16LE(at + 32);
}

function readRecord(record: Buffer): ZipEntry {
  const nameEnd = RECORD.bytes + record.readUInt16LE(28);
  const sizes = {
    sizeBytes: record.readUInt32LE(24),
    compressedBytes: record.readUInt32LE(20),
    headerFrom: record.readUInt32LE(42),
  };
  return {
    name: record.subarray(RECORD.bytes, nameEnd),
    host: record.readUInt8(5),
    flags: record.readUInt16LE(8),
    method: record.readUInt16LE(10),
    crc32: record.readUInt32LE(16),
    attributes: record.readUInt32LE(38),
    ...with64(sizes, record.subarray(nameEnd, nameEnd + record.readUInt16LE(30))),
  };
}

type Sizes = Pick<ZipEntry, 'sizeBytes' | 'compressedBytes' | 'headerFrom'>;

/** Of these, in this order, the extra field has those that are too large for the record (APPNOTE.TXT 4.5.3). */
function with64(sizes: Sizes, extra: Buffer): Sizes {
  const missing = (['sizeBytes', 'compressedBytes', 'headerFrom'] as const).filter(
    (name) => sizes[name] === ELSEWHERE_32,
  );
  if (missing.length === 0) return sizes;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== EXTRA_64) continue;
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    if (field.length < missing.length * 8) break;
    const found = missing.map((name, index) => [name, whole(field.readBigUInt64LE(index * 8))] as const);
    return { ...sizes, ...Object.fromEntries(found) };
  }
  throw damaged('has an entry without its size');
}

function whole(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw damaged('names a size that cannot be');
  return Number(value);
}
