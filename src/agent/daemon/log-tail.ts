import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errorCodeOf, messageOf } from '../agent-error.ts';
import { LineAssembler } from '../line-assembler.ts';

const POLL_MS = 250;
const BLOCK_BYTES = 64 * 1024;
const LINE_BYTES = 64 * 1024;

/** What is added to a log from now on, in blocks of whole lines. A rotated file is left at once: this is for onlookers. */
export class LogTail {
  readonly #path: string;
  readonly #onBlock: (block: Buffer) => void;
  readonly #onTrouble: (message: string | null) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #lines = new LineAssembler(LINE_BYTES);
  #inode: number | null = null;
  #offset = 0;
  #troubled = false;

  /** @param onTrouble told whenever the log begins to be unreadable, and when it can be read again (null) */
  constructor(path: string, onBlock: (block: Buffer) => void, onTrouble: (message: string | null) => void) {
    this.#path = path;
    this.#onBlock = onBlock;
    this.#onTrouble = onTrouble;
    this.#try(true);
    this.#timer = setInterval(() => this.#try(false), POLL_MS);
  }

  /** Reads what is there a last time. */
  close(): void {
    clearInterval(this.#timer);
    this.#try(false);
  }

  /** What is stored does not depend on onlookers: nothing here may end the daemon. */
  #try(atEnd: boolean): void {
    try {
      this.#look(atEnd);
      if (this.#troubled) this.#onTrouble(null);
      this.#troubled = false;
    } catch (error) {
      if (!this.#troubled) this.#onTrouble(`the live log cannot read ${this.#path}: ${messageOf(error)}`);
      this.#troubled = true;
    }
  }

  #look(atEnd: boolean): void {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
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
        if (lines !== null) this.#onBlock(lines);
      }
    } finally {
      closeSync(file);
    }
  }
}
