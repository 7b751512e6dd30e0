import type { Readable } from 'node:stream';
import { ArchiveError } from './archive-error.ts';
import { ArchiveIndex, type StoredEntry } from './archive-index.ts';
import { type ContentDigest, contentDigests } from './content-digest.ts';
import { type Member, MemberScanner } from './gzip-member.ts';
import { type Stamp, stampOfNote } from './stamp.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader, type TarSink } from './tar-reader.ts';

/** Above one of them an archive is not read any further. */
export interface ArchiveLimits {
  /** Files, links and directories. */
  readonly entries: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of all files. */
  readonly totalBytes: number;
}

export interface ArchiveContents {
  readonly index: ArchiveIndex;
  /** Null: another program wrote it. */
  readonly stamp: Stamp | null;
}

const INFLATED_CHUNK_BYTES = 64 * 1024;

/**
 * Reads an archive once, from its first byte to its last: entries go to the sink as they come, and what is known of them
 * becomes the index. Any tar.gz will do; the parts of one that this runtime has written can be addressed afterwards.
 *
 * @param archive the bytes; what it throws is thrown
 * @throws ArchiveError; what was given to the sink until then is of no use
 */
export async function readArchive(
  archive: AsyncIterable<Buffer>,
  sink: TarSink,
  limits: ArchiveLimits,
): Promise<ArchiveContents> {
  const scanner = new MemberScanner();
  const catalogue = new Catalogue(sink, limits, await contentDigests());
  const reader = new TarReader(catalogue);
  for await (const chunk of inflated(scanned(archive, scanner))) reader.push(chunk);
  reader.finish();
  return catalogue.contents(scanner);
}

async function* scanned(archive: AsyncIterable<Buffer>, scanner: MemberScanner): AsyncGenerator<Buffer> {
  for await (const chunk of archive) {
    scanner.push(chunk);
    yield chunk;
  }
}

async function* inflated(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const [{ createGunzip }, { pipeline }] = await Promise.all([import('node:zlib'), import('node:stream')]);
  const gunzip = createGunzip({ chunkSize: INFLATED_CHUNK_BYTES });
  // Its error is the one that reading ends with.
  pipeline(compressed, gunzip, () => {});
  try {
    for await (const chunk of buffersOf(gunzip)) yield chunk;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'Z_BUF_ERROR') throw new ArchiveError('truncated', 'it ends in the middle', { cause: error });
    if (typeof code === 'string' && code.startsWith('Z_')) {
      throw new ArchiveError('not-gzip', 'it cannot be decompressed', { cause: error });
    }
    throw error;
  }
}

async function* buffersOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a stream of bytes gave something else');
    yield chunk;
  }
}

interface FoundEntry {
  readonly entry: TarEntry;
  readonly digest: string;
}

/** Holds what passes to the sink against the limits, and notes it. */
class Catalogue implements TarSink {
  readonly #sink: TarSink;
  readonly #limits: ArchiveLimits;
  readonly #newDigest: () => ContentDigest;
  readonly #found: FoundEntry[] = [];
  /** Bytes of the files as they will be: a name that comes again counts once. */
  readonly #sizes = new Map<string, number>();
  #totalBytes = 0;
  #current: { readonly entry: TarEntry; readonly digest: ContentDigest } | null = null;

  constructor(sink: TarSink, limits: ArchiveLimits, newDigest: () => ContentDigest) {
    this.#sink = sink;
    this.#limits = limits;
    this.#newDigest = newDigest;
  }

  begin(entry: TarEntry): void {
    this.#admit(entry);
    const digest = this.#newDigest();
    if (entry.kind === 'link') digest.update(Buffer.from(entry.linkTarget));
    this.#current = { entry, digest };
    this.#sink.begin(entry);
  }

  data(bytes: Buffer): void {
    this.#current?.digest.update(bytes);
    this.#sink.data(bytes);
  }

  end(): void {
    this.#sink.end();
    if (this.#current === null) return;
    const { entry, digest } = this.#current;
    this.#found.push({ entry, digest: entry.kind === 'directory' ? '' : digest.end() });
    this.#current = null;
  }

  contents(scanner: MemberScanner): ArchiveContents {
    const stamp = scanner.isWhole() && scanner.note !== null ? stampOfNote(scanner.note) : null;
    const addressable = stamp !== null && scanner.members.length === this.#found.length + 1;
    const entries = new Map<string, StoredEntry>();
    for (const [position, { entry, digest }] of this.#found.entries()) {
      const { name, kind, mode, size } = entry;
      const before = entries.get(name);
      const older = before === undefined ? [] : [...before.older, before.at];
      entries.set(name, { kind, mode, size, digest, at: rangeOf(scanner.members[position]), older });
    }
    const endOffset = addressable ? (scanner.members.at(-1)?.offset ?? null) : null;
    return { index: new ArchiveIndex(entries, endOffset), stamp };
  }

  #admit({ name, size }: TarEntry): void {
    const { entries, fileBytes, totalBytes } = this.#limits;
    if (size > fileBytes) {
      throw new ArchiveError('file-too-large', `${name} has ${size} bytes, and ${fileBytes} are allowed`);
    }
    this.#totalBytes += size - (this.#sizes.get(name) ?? 0);
    this.#sizes.set(name, size);
    if (this.#totalBytes > totalBytes) {
      throw new ArchiveError('too-large', `its files have more than ${totalBytes} bytes`);
    }
    if (this.#sizes.size > entries || this.#found.length > MOST_COPIES * entries + MOST_COPIES_OF_FEW) {
      throw new ArchiveError('too-many-entries', `it has more than ${entries} files and directories`);
    }
  }
}

/** Overridden entries count too, and an archive of ours has fewer (upload-plan.ts). */
const MOST_COPIES = 4;
const MOST_COPIES_OF_FEW = 4_096;

function rangeOf(member: Member | undefined): { from: number; to: number } {
  return member === undefined ? { from: 0, to: 0 } : { from: member.offset, to: member.offset + member.length };
}
