import { ArchiveError } from './archive-error.ts';
import { BLOCK_BYTES, isInnerName, paddingOf, type TarEntry } from './tar-entry.ts';

/** Called in the order of the archive: `begin`, `data` (any number of times), `end`, for each entry. */
export interface TarSink {
  begin(entry: TarEntry): void;
  data(bytes: Buffer): void;
  end(): void;
}

/** Names and numbers that an extended header gives to the entry after it. */
interface Overrides {
  path?: string;
  linkpath?: string;
  size?: number;
  mtime?: number;
}

/** Between two entries; more than two or three make no sense. */
const MOST_EXTENDED_HEADERS = 64;
/** What may follow the end mark: tars are filled up to a whole number of blocks, or of many of them. */
const MOST_BYTES_AFTER_END = 1024 * 1024;
/** No file system opens a longer one (PATH_MAX). */
const MOST_NAME_BYTES = 4_096;
/** More than an extended header of ours, or of any program that means well, ever has. */
const MOST_EXTENDED_BYTES = 64 * 1024;

type Part =
  | { readonly kind: 'header' }
  | { readonly kind: 'extended'; readonly flag: string; readonly blocks: Buffer[]; readonly size: number }
  | { readonly kind: 'content' }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'ended' };

/**
 * Reads a tar as it comes: ustar, pax and GNU long names; regular files, directories, symbolic links. Names are made
 * relative (`./a/` is `a`); the root itself is left out.
 *
 * Its methods throw ArchiveError for whatever else it meets, and what the sink throws.
 */
export class TarReader {
  readonly #sink: TarSink;
  #part: Part = { kind: 'header' };
  /** Of the present part, without and with padding. */
  #contentLeft = 0;
  #paddingLeft = 0;
  #overrides: Overrides = {};
  #header: Buffer = Buffer.alloc(0);
  #zeroBlocks = 0;
  #extendedHeaders = 0;
  #bytesAfterEnd = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.#part.kind !== 'ended') {
      if (this.#part.kind === 'header') rest = this.#fillHeader(rest);
      else rest = this.#fillContent(rest);
    }
    this.#bytesAfterEnd += rest.length;
    if (this.#bytesAfterEnd > MOST_BYTES_AFTER_END)
      throw new ArchiveError('too-large', 'it goes on after its end mark');
  }

  /** @throws ArchiveError `truncated` */
  finish(): void {
    if (this.#part.kind !== 'ended') throw new ArchiveError('truncated', 'it ends before its end-of-archive mark');
  }

  #fillHeader(rest: Buffer): Buffer {
    const wanted = BLOCK_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
    if (this.#header.length === BLOCK_BYTES) {
      const block = this.#header;
      this.#header = Buffer.alloc(0);
      this.#readHeader(block);
    }
    return rest.subarray(wanted);
  }

  #fillContent(rest: Buffer): Buffer {
    const content = rest.subarray(0, this.#contentLeft);
    if (content.length > 0) {
      this.#contentLeft -= content.length;
      if (this.#part.kind === 'content') this.#sink.data(content);
      else if (this.#part.kind === 'extended') this.#part.blocks.push(Buffer.from(content));
    }
    const after = rest.subarray(content.length);
    if (this.#contentLeft > 0) return after;
    const padding = Math.min(after.length, this.#paddingLeft);
    this.#paddingLeft -= padding;
    if (this.#paddingLeft === 0) this.#endPart();
    return after.subarray(padding);
  }

  #begin(part: Part, size: number): void {
    this.#part = part;
    this.#contentLeft = size;
    this.#paddingLeft = paddingOf(size);
    if (size === 0) this.#endPart();
  }

  #endPart(): void {
    const part = this.#part;
    this.#part = { kind: 'header' };
    if (part.kind === 'content') this.#sink.end();
    else if (part.kind === 'extended') this.#readExtended(part.flag, Buffer.concat(part.blocks));
  }

  #readHeader(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#part = { kind: 'ended' };
      return;
    }
    if (this.#zeroBlocks > 0 || !hasRightSum(block)) {
      throw new ArchiveError('bad-header', 'there is no tar header where one must be');
    }
    const flag = String.fromCharCode(block[156] ?? 0);
    const ownSize = number(block, 124, 12);
    if ('xgLK'.includes(flag)) {
      this.#extendedHeaders += 1;
      if (this.#extendedHeaders > MOST_EXTENDED_HEADERS) {
        throw new ArchiveError('bad-header', 'it has extended headers that belong to no entry');
      }
      if (ownSize > MOST_EXTENDED_BYTES) throw new ArchiveError('bad-header', 'an extended header is too long');
      this.#begin({ kind: 'extended', flag, blocks: [], size: ownSize }, ownSize);
      return;
    }
    const entry = this.#entry(block, flag, ownSize);
    this.#overrides = {};
    this.#extendedHeaders = 0;
    if (entry.name === '') {
      this.#begin({ kind: 'skipped' }, entry.size);
      return;
    }
    this.#sink.begin(entry);
    this.#begin({ kind: 'content' }, entry.size);
  }

  #entry(block: Buffer, flag: string, ownSize: number): TarEntry {
    const isUstar = block.toString('latin1', 257, 262) === 'ustar';
    // In GNU's own format there is something else in the place of the prefix.
    const prefix = isUstar && block[262] === 0 ? text(block, 345, 155) : '';
    const short = text(block, 0, 100);
    const given = this.#overrides.path ?? (prefix === '' ? short : `${prefix}/${short}`);
    const kind = kindOf(flag, given);
    const size = kind === 'file' ? (this.#overrides.size ?? ownSize) : 0;
    return {
      name: relativeName(given, kind),
      kind,
      mode: number(block, 100, 8) & 0o777,
      size,
      mtime: this.#overrides.mtime ?? number(block, 136, 12),
      uid: number(block, 108, 8),
      gid: number(block, 116, 8),
      linkTarget: kind === 'link' ? (this.#overrides.linkpath ?? text(block, 157, 100)) : '',
    };
  }

  #readExtended(flag: string, content: Buffer): void {
    if (flag === 'L') this.#overrides.path = text(content, 0, content.length);
    else if (flag === 'K') this.#overrides.linkpath = text(content, 0, content.length);
    // What a global header (`g`) says of all entries is nothing that matters here.
    else if (flag === 'x') for (const [key, value] of paxRecords(content)) this.#override(key, value);
  }

  #override(key: string, value: string): void {
    if (key === 'path' || key === 'linkpath') this.#overrides[key] = value;
    else if (key === 'size' || key === 'mtime') {
      const parsed = Math.floor(Number(value));
      if (!Number.isSafeInteger(parsed) || (key === 'size' && parsed < 0)) {
        throw new ArchiveError('bad-header', `an extended header has a ${key} that is no number`);
      }
      this.#overrides[key] = parsed;
    } else if (key.startsWith('GNU.sparse')) {
      throw new ArchiveError('unsupported-type', 'it holds a sparse file');
    }
  }
}

function* paxRecords(content: Buffer): Generator<readonly [string, string]> {
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const length = blank === -1 ? Number.NaN : Number(content.toString('latin1', at, blank));
    const end = at + length;
    const equals = content.indexOf(0x3d, blank);
    if (!Number.isSafeInteger(length) || end > content.length || equals === -1 || equals >= end) {
      throw new ArchiveError('bad-header', 'an extended header cannot be read');
    }
    yield [content.toString('utf8', blank + 1, equals), content.toString('utf8', equals + 1, end - 1)];
    at = end;
  }
}

function kindOf(flag: string, name: string): TarEntry['kind'] {
  switch (flag) {
    case '0':
    case '7':
      return 'file';
    case '\0':
      // Before ustar a directory was a file whose name ends in a slash.
      return name.endsWith('/') ? 'directory' : 'file';
    case '2':
      return 'link';
    case '5':
      return 'directory';
    default: {
      const what = { '1': 'a hard link', '3': 'a device', '4': 'a device', '6': 'a pipe', S: 'a sparse file' }[flag];
      throw new ArchiveError('unsupported-type', `${shown(name)} is ${what ?? 'of a type that is not known'}`);
    }
  }
}

function relativeName(given: string, kind: TarEntry['kind']): string {
  if (Buffer.byteLength(given) > MOST_NAME_BYTES) {
    throw new ArchiveError('unsafe-name', `${shown(given)} … is longer than any file's name`);
  }
  if (given.startsWith('/')) throw new ArchiveError('unsafe-name', `${shown(given)} is an absolute name`);
  const name = given
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  if (name === '' && kind === 'directory') return '';
  if (!isInnerName(name)) throw new ArchiveError('unsafe-name', `${shown(given)} leads out of the directory`);
  return name;
}

function hasRightSum(block: Buffer): boolean {
  let sum = 0;
  for (let index = 0; index < BLOCK_BYTES; index++) {
    sum += index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
  }
  return sum === number(block, 148, 8);
}

/** Octal, or big-endian binary when the first bit is set. */
function number(block: Buffer, offset: number, width: number): number {
  const first = block[offset] ?? 0;
  let value = 0;
  if ((first & 0x80) !== 0) {
    if (first === 0xff) return 0; // Negative: a time before 1970.
    value = first & 0x7f;
    for (let index = 1; index < width; index++) value = value * 256 + (block[offset + index] ?? 0);
  } else {
    const digits = text(block, offset, width).trim();
    if (!/^[0-7]*$/.test(digits)) throw new ArchiveError('bad-header', 'a tar header holds a number that is none');
    value = digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  if (!Number.isSafeInteger(value)) throw new ArchiveError('bad-header', 'a tar header holds a number out of range');
  return value;
}

function text(block: Buffer, offset: number, width: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end === -1 || end > offset + width ? offset + width : end);
}

/** A name for a message: short, on one line. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
