import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damaged } from './archive-error.ts';

/** An archive on disk, read where it is asked for. Synchronous, like all of the agent's work before its bot runs. */
export class ArchiveFile {
  readonly size: number;
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    this.size = fstatSync(this.#descriptor).size;
  }

  /** @throws CodeArchiveError when it ends before */
  read(from: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    let done = 0;
    while (done < bytes) {
      const read = readSync(this.#descriptor, buffer, done, bytes - done, from + done);
      if (read === 0) throw damaged('is cut short');
      done += read;
    }
    return buffer;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
