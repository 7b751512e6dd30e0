import { closeSync, fchmodSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodeArchiveError, damaged } from './archive-error.ts';
import { ArchiveFile } from './archive-file.ts';
import { entriesOf, findDirectory, type ZipDirectory } from './zip-directory.ts';
import { type CodeEntry, codeEntry, DEFLATED, ENCRYPTED, shown } from './zip-entry.ts';

export interface ExtractLimits {
  /** Files and folders. */
  readonly codeFiles: number;
  /** Of all files together, unpacked. */
  readonly codeBytes: number;
  /** Of one file, unpacked. */
  readonly codeFileBytes: number;
  /** How many times larger than the archive its files may be together. */
  readonly codeRatio: number;
}

/** Below this much, the ratio says nothing: a small file of zeros is no bomb. */
const RATIO_FREE_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** What is at most so large, packed and unpacked, is done in one step; that is much faster for many small files. */
const ONE_STEP_BYTES = 1024 * 1024;
const ENTRIES_PER_TURN = 50;

const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
const HAS_DESCRIPTOR = 0x0008;

/**
 * Unpacks an archive into a folder of its own. Everything its directory says is checked before the first file is written;
 * what is written is checked against that (size, CRC-32). Memory does not depend on the size of the files.
 *
 * @param into does not exist yet; left half-filled when this throws
 * @throws CodeArchiveError, or the file system's error
 */
export async function extractCode(archivePath: string, into: string, limits: ExtractLimits): Promise<void> {
  const archive = new ArchiveFile(archivePath);
  try {
    const directory = findDirectory(archive);
    const headers = checkEntries(archive, directory, limits);
    const target = new Target(into, limits.codeFiles);
    let done = 0;
    for (const raw of entriesOf(archive, directory)) {
      const entry = codeEntry(raw);
      if (entry.kind === 'folder') target.folder(entry.path, entry.mode);
      else await extractFile(archive, entry, dataFrom(archive, entry, headers, directory), target);
      if (++done % ENTRIES_PER_TURN === 0) await nextTurn();
    }
  } finally {
    archive.close();
  }
}

/** Whether so many bytes are more than an archive of this size may unpack to. */
export function isBomb(bytes: number, archiveBytes: number, ratio: number): boolean {
  return bytes > RATIO_FREE_BYTES && bytes > archiveBytes * ratio;
}

/** @returns where the entries begin, in order */
function checkEntries(archive: ArchiveFile, directory: ZipDirectory, limits: ExtractLimits): Float64Array {
  if (directory.entries > limits.codeFiles)
    throw tooLarge(`has ${directory.entries} entries, more than ${limits.codeFiles}`);
  const headers = new Float64Array(directory.entries);
  let bytes = 0;
  let index = 0;
  for (const raw of entriesOf(archive, directory)) {
    const { path, sizeBytes, headerFrom } = codeEntry(raw);
    if (sizeBytes > limits.codeFileBytes) {
      throw tooLarge(`has ${shown(path)} with ${sizeBytes} bytes, more than ${limits.codeFileBytes}`);
    }
    bytes += sizeBytes;
    if (bytes > limits.codeBytes) throw tooLarge(`holds more than ${limits.codeBytes} bytes`);
    headers[index++] = headerFrom;
  }
  if (isBomb(bytes, archive.size, limits.codeRatio)) {
    throw tooLarge(`unpacks to more than ${limits.codeRatio} times its size (${bytes} bytes from ${archive.size})`);
  }
  return headers.sort();
}

/** Checks an entry's own header against the directory. @returns where its data begin */
function dataFrom(archive: ArchiveFile, entry: CodeEntry, headers: Float64Array, directory: ZipDirectory): number {
  const end = nextAfter(headers, entry.headerFrom) ?? directory.from;
  const contradiction = damaged(`contradicts itself about ${shown(entry.path)}`);
  const overlap = damaged(`has parts that overlap, at ${shown(entry.path)}`);
  if (entry.headerFrom + LOCAL.bytes + entry.name.length > end) throw overlap;
  const header = archive.read(entry.headerFrom, LOCAL.bytes + entry.name.length);
  if (header.readUInt32LE(0) !== LOCAL.signature) throw contradiction;
  const flags = header.readUInt16LE(6);
  if ((flags & ENCRYPTED) !== 0 || header.readUInt16LE(8) !== entry.method) throw contradiction;
  if ((flags & HAS_DESCRIPTOR) === 0 && header.readUInt32LE(14) !== entry.crc32) throw contradiction;
  // Who reads only the headers would see another file than who reads the directory.
  if (header.readUInt16LE(26) !== entry.name.length || !header.subarray(LOCAL.bytes).equals(entry.name))
    throw contradiction;
  const from = entry.headerFrom + LOCAL.bytes + entry.name.length + header.readUInt16LE(28);
  if (from + entry.compressedBytes > end) throw overlap;
  return from;
}

/** The smallest above; the same number twice is its own next. Null: there is none. */
function nextAfter(sorted: Float64Array, value: number): number | null {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low + 1] ?? null;
}

async function extractFile(archive: ArchiveFile, entry: CodeEntry, from: number, target: Target): Promise<void> {
  const file = await target.file(entry);
  try {
    const { compressedBytes, sizeBytes } = entry;
    if (entry.method !== DEFLATED) {
      for (const chunk of chunksOf(archive, from, compressedBytes)) file.write(chunk);
    } else if (compressedBytes <= ONE_STEP_BYTES && sizeBytes <= ONE_STEP_BYTES) {
      const { inflateRawSync } = await import('node:zlib');
      // One byte more than there should be, so that it shows.
      file.write(inflateRawSync(archive.read(from, compressedBytes), { maxOutputLength: sizeBytes + 1 }));
    } else {
      const { createInflateRaw } = await import('node:zlib');
      const { pipeline } = await import('node:stream/promises');
      await pipeline(
        chunksOf(archive, from, compressedBytes),
        createInflateRaw({ chunkSize: CHUNK_BYTES }),
        async (inflated: AsyncIterable<Buffer>) => {
          for await (const chunk of inflated) file.write(chunk);
        },
      );
    }
    file.end();
  } catch (error) {
    throw inflateTrouble(error, entry.path);
  } finally {
    file.close();
  }
}

function* chunksOf(archive: ArchiveFile, from: number, bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) yield archive.read(from + at, Math.min(CHUNK_BYTES, bytes - at));
}

/** What node:zlib says of bad data. */
function inflateTrouble(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return damaged(`contradicts itself about the size of ${shown(path)}`);
  return code.startsWith('Z_') ? damaged(`holds ${shown(path)} in a form that cannot be unpacked (${code})`) : error;
}

/** The folder that is filled. Nothing in it is ever written twice. */
class Target {
  readonly #root: string;
  readonly #most: number;
  /** Folders that were made, and whether the archive has an entry for them. */
  readonly #folders = new Map<string, boolean>();
  #found = 0;

  constructor(root: string, most: number) {
    this.#root = root;
    this.#most = most;
    mkdirSync(root, { mode: 0o755 });
  }

  folder(path: string, mode: number): void {
    if (this.#folders.get(path) === true) throw duplicate(path);
    this.#make(path, mode);
    this.#folders.set(path, true);
  }

  async file(entry: CodeEntry): Promise<TargetFile> {
    this.#make(dirname(entry.path), 0o755);
    this.#count();
    const { crc32 } = await import('node:zlib');
    try {
      return new TargetFile(join(this.#root, entry.path), entry, crc32);
    } catch (error) {
      throw isTaken(error) ? duplicate(entry.path) : error;
    }
  }

  /** With the folders above it. */
  #make(path: string, mode: number): void {
    if (path === '.' || this.#folders.has(path)) return;
    this.#make(dirname(path), 0o755);
    this.#count();
    try {
      mkdirSync(join(this.#root, path), { mode });
    } catch (error) {
      throw isTaken(error) ? duplicate(path) : error;
    }
    this.#folders.set(path, false);
  }

  #count(): void {
    if (++this.#found > this.#most) throw tooLarge(`has more than ${this.#most} files and folders`);
  }
}

class TargetFile {
  readonly #descriptor: number;
  readonly #entry: CodeEntry;
  readonly #crc32: (data: Buffer, value: number) => number;
  #sum = 0;
  #bytes = 0;

  constructor(path: string, entry: CodeEntry, crc32: (data: Buffer, value: number) => number) {
    this.#entry = entry;
    this.#crc32 = crc32;
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  write(chunk: Buffer): void {
    const { path, sizeBytes } = this.#entry;
    this.#bytes += chunk.length;
    if (this.#bytes > sizeBytes) throw damaged(`contradicts itself about the size of ${shown(path)}`);
    this.#sum = this.#crc32(chunk, this.#sum);
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#descriptor, chunk, at);
  }

  /** All is written. */
  end(): void {
    const { path, sizeBytes, crc32, mode } = this.#entry;
    if (this.#bytes !== sizeBytes) throw damaged(`contradicts itself about the size of ${shown(path)}`);
    if (this.#sum !== crc32) throw damaged(`is damaged: the checksum of ${shown(path)} is wrong`);
    // Not left to the umask.
    fchmodSync(this.#descriptor, mode);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Also where the file system takes two names for one. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'ENOTDIR');
}

function duplicate(path: string): CodeArchiveError {
  return new CodeArchiveError('unsafe', `has two entries with the name ${shown(path)}`);
}

function tooLarge(message: string): CodeArchiveError {
  return new CodeArchiveError('too-large', message);
}
