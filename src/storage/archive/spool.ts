import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const READ_BYTES = 256 * 1024;
const FIRST_BYTES = 16 * 1024;

/** A stretch of the spool that is nowhere until it is read. */
interface Later {
  readonly from: number;
  readonly to: number;
  readonly read: () => Iterable<Buffer>;
}

/**
 * Bytes on their way to the store: a few in memory, many in a file. The file has no name, so nothing is left of it when
 * the process is killed. All calls may throw the file system's error (ENOSPC …).
 */
export class Spool {
  readonly #directory: string;
  readonly #memoryBytes: number;
  #memory: Buffer | null = null;
  #file: number | null = null;
  #length = 0;
  #scratch: Buffer = Buffer.alloc(0);
  #later: Later[] = [];
  #laterBytes = 0;

  /** @param memoryBytes from here on they are in a file in that directory, which must exist */
  constructor(directory: string, memoryBytes: number) {
    this.#directory = directory;
    this.#memoryBytes = memoryBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes that take room. */
  get heldBytes(): number {
    return this.#length - this.#laterBytes;
  }

  /** A buffer for whoever fills the spool, at least so large; what it held is lost when the next asks for one. */
  scratch(bytes: number): Buffer {
    if (this.#scratch.length < bytes) this.#scratch = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
    return this.#scratch;
  }

  append(bytes: Buffer): void {
    this.#write(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * Appends bytes that are made whenever they are read, which is always from the first to the last of them.
   * @returns where they are
   */
  appendLater(bytes: number, read: () => Iterable<Buffer>): number {
    const from = this.#length;
    this.#length += bytes;
    this.#laterBytes += bytes;
    this.#later.push({ from, to: this.#length, read });
    return from;
  }

  /** Replaces bytes that are there already. */
  patch(offset: number, bytes: Buffer): void {
    if (offset + bytes.length > this.#length) throw new RangeError('the spool is shorter than that');
    this.#write(bytes, offset);
  }

  /** Forgets what comes after so many bytes. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
    for (let last = this.#later.at(-1); last !== undefined && last.from >= length; last = this.#later.at(-1)) {
      this.#laterBytes -= last.to - last.from;
      this.#later.pop();
    }
  }

  /** Each chunk is overwritten by the next. */
  *read(from: number, to: number): Generator<Buffer> {
    if (to > this.#length) throw new RangeError('the spool is shorter than that');
    let at = from;
    for (const later of this.#later) {
      if (later.to <= at || later.from >= to) continue;
      if (later.from < at || later.to > to) throw new RangeError('a part of what is made later cannot be had');
      yield* this.#held(at, later.from);
      yield* later.read();
      at = later.to;
    }
    yield* this.#held(at, to);
  }

  *#held(from: number, to: number): Generator<Buffer> {
    if (from === to) return;
    if (this.#file === null) {
      if (this.#memory !== null && to > from) yield this.#memory.subarray(from, to);
      return;
    }
    const chunk = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, to - from));
    for (let at = from; at < to; ) {
      const bytes = readSync(this.#file, chunk, 0, Math.min(chunk.length, to - at), at);
      if (bytes === 0) throw new Error('the spool file was cut off');
      at += bytes;
      yield chunk.subarray(0, bytes);
    }
  }

  /** Empties it, and gives memory and disk back. It can be used again. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#memory = null;
    this.#scratch = Buffer.alloc(0);
    this.#later = [];
    this.#laterBytes = 0;
    this.#length = 0;
  }

  #write(bytes: Buffer, offset: number): void {
    const end = offset + bytes.length;
    if (this.#file === null && end <= this.#memoryBytes) {
      this.#grow(end);
      if (this.#memory !== null) bytes.copy(this.#memory, offset);
      return;
    }
    this.#file ??= this.#moveToFile();
    writeAll(this.#file, bytes, offset);
  }

  #grow(needed: number): void {
    const present = this.#memory?.length ?? 0;
    if (this.#memory !== null && needed <= present) return;
    const grown = Buffer.alloc(Math.min(this.#memoryBytes, Math.max(needed, present * 2, FIRST_BYTES)));
    this.#memory?.copy(grown, 0, 0, this.#length);
    this.#memory = grown;
  }

  #moveToFile(): number {
    const path = join(this.#directory, `.the0-spool-${process.pid}-${process.hrtime.bigint()}`);
    const file = openSync(path, 'wx+', 0o600);
    try {
      unlinkSync(path);
      if (this.#memory !== null) writeAll(file, this.#memory.subarray(0, this.#length), 0);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#memory = null;
    return file;
  }
}

function writeAll(file: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offset + done);
  }
}
