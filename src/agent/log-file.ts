import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { monotonicMs } from '../storage/monotonic-clock.ts';
import { within } from '../within.ts';
import { errorCodeOf, messageOf } from './agent-error.ts';
import { logLine } from './agent-line.ts';
import { countLines } from './line-assembler.ts';

const NEWLINE = Buffer.of(10);

export interface LogFileLimits {
  /** Size at which the file becomes `<path>.1` (one old file is kept) and a new one begins. */
  readonly fileBytes: number;
  /** What may wait for the disk; beyond it blocks are dropped and counted. */
  readonly queueBytes: number;
  /** After a failed write the next try is made so much later. */
  readonly retryMs: number;
}

/**
 * A file of whole lines that never makes its writer wait. One write is under way at a time; what comes meanwhile waits in
 * a bounded queue. When the disk is full, or too slow, blocks are dropped, and one line says how many once it works again.
 */
export class LogFile {
  readonly path: string;
  readonly #limits: LogFileLimits;
  readonly #onTrouble: (message: string) => void;
  #handle: FileHandle | null = null;
  #sizeBytes = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #pumping: Promise<void> | null = null;
  #failedAt: number | null = null;
  #lostLines = 0;
  #lostCause = '';
  /** A write failed half way: the next one first ends that line. */
  #torn = false;

  /** @param onTrouble told once whenever writing begins to fail; may not write to this file */
  constructor(path: string, limits: LogFileLimits, onTrouble: (message: string) => void) {
    this.path = path;
    this.#limits = limits;
    this.#onTrouble = onTrouble;
    this.#pumping = this.#pump(); // so that the file exists even when nothing is ever written
  }

  write(block: Buffer): void {
    const resting = this.#failedAt !== null && monotonicMs() - this.#failedAt < this.#limits.retryMs;
    if (resting || this.#queuedBytes + block.length > this.#limits.queueBytes) {
      this.#lostLines += countLines(block);
      if (!resting) this.#lostCause = 'the disk is too slow';
      return;
    }
    this.#queue.push(block);
    this.#queuedBytes += block.length;
    this.#pumping ??= this.#pump();
  }

  /** Writes what waits, for at most so long. Nothing may be written afterwards. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#lostLines > 0) this.#pumping ??= this.#pump();
    if (this.#pumping !== null) await within(this.#pumping, deadlineMs);
  }

  async #pump(): Promise<void> {
    do {
      const blocks = this.#queue;
      const lostLines = this.#lostLines;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#lostLines = 0;
      try {
        await this.#write([...this.#preface(lostLines), ...blocks]);
        this.#failedAt = null;
      } catch (error) {
        this.#lostCause = errorCodeOf(error);
        if (this.#failedAt === null)
          this.#onTrouble(`cannot write ${this.path} (${messageOf(error)}); dropping its lines`);
        this.#failedAt = monotonicMs();
        await this.#giveUpHandle();
        this.#lostLines += blocks.reduce((sum, block) => sum + countLines(block), lostLines);
      }
    } while (this.#queue.length > 0);
    this.#pumping = null;
  }

  /** What goes before the next block: the end of a torn line, and how much is missing. */
  #preface(lostLines: number): Buffer[] {
    const parts: Buffer[] = this.#torn ? [NEWLINE] : [];
    if (lostLines > 0) parts.push(logLine('warn', `dropped ${lostLines} log lines: ${this.#lostCause}`));
    return parts;
  }

  async #write(parts: readonly Buffer[]): Promise<void> {
    let data: Buffer = Buffer.concat(parts);
    this.#handle ??= await this.#open();
    if (this.#sizeBytes > 0 && this.#sizeBytes + data.length > this.#limits.fileBytes) {
      await this.#rotate();
      this.#handle = await this.#open();
    }
    while (data.length > 0) {
      const { bytesWritten } = await this.#handle.write(data);
      this.#sizeBytes += bytesWritten;
      this.#torn = data[bytesWritten - 1] !== NEWLINE[0];
      data = data.subarray(bytesWritten);
    }
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.path), { recursive: true });
    const handle = await open(this.path, 'a', 0o644);
    this.#sizeBytes = (await handle.stat()).size;
    return handle;
  }

  /** The next try opens the file anew: it may have been moved, or its disk replaced. */
  async #giveUpHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch(() => {
      // It is given up because it failed; that it also fails to close changes nothing.
    });
  }

  async #rotate(): Promise<void> {
    const old = this.#handle;
    this.#handle = null;
    await old?.close();
    await rename(this.path, `${this.path}.1`);
  }
}
