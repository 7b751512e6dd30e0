import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCodeOf } from '../agent-error.ts';
import { countLines } from '../line-assembler.ts';
import { endOfLines, type LogSlice } from './log-chunk.ts';
import { decodePosition, encodePosition, type LogPosition } from './log-position.ts';

const FORMAT = 'the0-log-1';
const BLOCK_BYTES = 64 * 1024;

/** A file that is open, so that it can be read on after it was renamed. */
interface OpenLog {
  readonly fd: number;
  readonly inode: number;
}

/**
 * The local log as one stream of bytes, across rotations (`bot.log` becomes `bot.log.1`, once; see log-file.ts):
 *
 *   bot.log.1 ──read to its end──► bot.log ──► …
 *
 * Lines that were not sent before their file was rotated away for the second time are dropped and counted. Where it is, is
 * kept in a file beside the log, for the next agent on the same directory.
 */
export class LogSource {
  readonly #path: string;
  readonly #positionPath: string;
  #position: LogPosition;
  #open: OpenLog | null = null;
  #droppedLines = 0;

  /** @param newSource 16 hex digits, used when this directory has not been read before */
  constructor(path: string, newSource: string) {
    this.#path = path;
    this.#positionPath = `${path}.sent`;
    this.#position = readPosition(this.#positionPath) ?? { source: newSource, sentBytes: 0, inode: 0, offset: 0 };
    mkdirSync(dirname(path), { recursive: true });
    // At once, so that this directory is known again even if nothing is ever acknowledged to this agent.
    this.#save();
  }

  get position(): LogPosition {
    return this.#position;
  }

  /** Of lines that were lost since the last call. */
  takeDroppedLines(): number {
    const lines = this.#droppedLines;
    this.#droppedLines = 0;
    return lines;
  }

  /** The stored log knows better how far it is: an acknowledgement was lost. */
  catchUp(position: LogPosition): void {
    if (position.source !== this.#position.source || position.sentBytes <= this.#position.sentBytes) return;
    this.#close();
    this.#position = position;
    this.#save();
  }

  /**
   * The next whole lines; null when there are none. With `final` also a last line that was not ended.
   * @throws what the file system throws
   */
  next(mostBytes: number, final: boolean): { readonly slice: LogSlice; readonly after: LogPosition } | null {
    for (;;) {
      const open = this.#current();
      if (open === null) return null;
      const { fd, inode } = open;
      const { source, sentBytes, offset } = this.#position;
      const size = fstatSync(fd).size;
      const rotated = inodeOf(this.#path) !== inode;
      const whole = endOfLines(fd, offset, size, mostBytes);
      // A rotated file gets no more bytes: what it ends with is a line.
      const to = whole === offset && (rotated || final) ? size : whole;
      if (to > offset) {
        const after = { source, sentBytes: sentBytes + (to - offset), inode, offset: to };
        return { slice: { fd, from: offset, to }, after };
      }
      if (!rotated || !this.#moveOn(open)) return null;
    }
  }

  /** Everything before `after` is stored. */
  sent(after: LogPosition): void {
    this.#position = after;
    this.#save();
  }

  close(): void {
    this.#close();
  }

  /** The file that holds the next byte. */
  #current(): OpenLog | null {
    if (this.#open !== null && fstatSync(this.#open.fd).size < this.#position.offset) this.#startOf(this.#open.inode);
    if (this.#open !== null && !this.#isLost(this.#open)) return this.#open;
    if (this.#open !== null) this.#drop(this.#open);
    this.#open = this.#find();
    return this.#open;
  }

  /** Rotated away for the second time; only our handle keeps it. */
  #isLost({ fd }: OpenLog): boolean {
    return fstatSync(fd).nlink === 0;
  }

  #drop(open: OpenLog): void {
    this.#droppedLines += linesFrom(open.fd, this.#position.offset);
    this.#close();
    this.#startOf(0);
  }

  #find(): OpenLog | null {
    const files = [openLog(`${this.#path}.1`), openLog(this.#path)].filter((file) => file !== null);
    const known = files.find(
      ({ fd, inode }) => inode === this.#position.inode && fstatSync(fd).size >= this.#position.offset,
    );
    const chosen = known ?? files[0] ?? null;
    for (const file of files) if (file !== chosen) closeSync(file.fd);
    if (chosen !== null && known === undefined) this.#startOf(chosen.inode);
    return chosen;
  }

  /** From a file's end to the start of the one after it. @returns false while that one is not there */
  #moveOn(open: OpenLog): boolean {
    const wasLast = inodeOf(`${this.#path}.1`) === open.inode;
    const next = openLog(wasLast ? this.#path : `${this.#path}.1`);
    if (next === null) return false;
    this.#close();
    this.#open = next;
    this.#startOf(next.inode);
    return true;
  }

  #startOf(inode: number): void {
    this.#position = { ...this.#position, inode, offset: 0 };
  }

  #close(): void {
    if (this.#open !== null) closeSync(this.#open.fd);
    this.#open = null;
  }

  #save(): void {
    const draft = `${this.#positionPath}.new`;
    writeFileSync(draft, `${FORMAT} ${encodePosition(this.#position)}\n`);
    renameSync(draft, this.#positionPath);
  }
}

function openLog(path: string): OpenLog | null {
  try {
    const fd = openSync(path, 'r');
    return { fd, inode: fstatSync(fd).ino };
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Null when there is no such file. */
function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** An older or newer format, or garbage: as if the directory had not been read before; the stored log may know the rest. */
function readPosition(path: string): LogPosition | null {
  try {
    const [format, text] = readFileSync(path, 'utf8').trimEnd().split(' ');
    return format === FORMAT ? decodePosition(text ?? '') : null;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function linesFrom(fd: number, from: number): number {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let lines = 0;
  for (let position = from; ; ) {
    const length = readSync(fd, buffer, 0, buffer.length, position);
    if (length === 0) return lines;
    lines += countLines(buffer.subarray(0, length));
    position += length;
  }
}
