import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errorCodeOf, messageOf } from '../agent-error.ts';
import { LineAssembler } from '../line-assembler.ts';

const BLOCK_BYTES = 64 * 1024;
const LINE_BYTES = 64 * 1024;

export interface LogTailOptions {
  readonly path: string;
  readonly pollMs: number;
  readonly onBlock: (block: Buffer) => void;
  /** Told whenever the log begins to be unreadable, and when it can be read again (null). */
  readonly onTrouble: (message: string | null) => void;
}

/** What is added to a log from now on, in blocks of whole lines. A rotated file is left at once: this is for onlookers. */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #lines = new LineAssembler(LINE_BYTES);
  #inode: number | null = null;
  #offset = 0;
  #troubled = false;

  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#try(true);
    this.#timer = setInterval(() => this.#try(false), options.pollMs);
  }

  /** Reads what is there a last time. */
  close(): void {
    clearInterval(this.#timer);
    this.#try(false);
  }

  /** What is stored does not depend on onlookers: nothing here may end the daemon. */
  #try(atEnd: boolean): void {
    const { path, onTrouble } = this.#options;
    try {
      this.#look(atEnd);
      if (this.#troubled) onTrouble(null);
      this.#troubled = false;
    } catch (error) {
      if (!this.#troubled) onTrouble(`the live log cannot read ${path}: ${messageOf(error)}`);
      this.#troubled = true;
    }
  }

  #look(atEnd: boolean): void {
    let file: number;
    try {
      file = openSync(this.#options.path, 'r');
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return;
      throw error;
    }
    try {
      const { ino, size } = fstatSync(file);
      if (ino !== this.#inode || size < this.#offset) this.#offset = atEnd ? size : 0;
      this.#inode = ino;
      while (this.#offset < size) {
        const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, size - this.#offset));
        const bytes = readSync(file, block, 0, block.length, this.#offset);
        if (bytes === 0) return;
        this.#offset += bytes;
        const lines = this.#lines.push(block.subarray(0, bytes));
        if (lines !== null) this.#options.onBlock(lines);
      }
    } finally {
      closeSync(file);
    }
  }
}
