import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errorCodeOf } from '../agent-error.ts';
import { type FileFacts, factsOf, isFresh, sameFacts } from './state-tree.ts';

const CHUNK_BYTES = 256 * 1024;

/** What files are read into, one after the other. */
export class ReadBuffer {
  #bytes: Buffer = Buffer.alloc(0);

  /** At most so many bytes are wanted at once. */
  for(size: number): Buffer {
    if (this.#bytes.length < Math.min(CHUNK_BYTES, size)) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, 2 ** Math.ceil(Math.log2(size))));
    }
    return this.#bytes;
  }
}

/** It had fewer bytes than it should have: somebody cut it off while it was read. */
export class FileShrank extends Error {
  override readonly name = 'FileShrank';
}

/** An open file of which one can tell afterwards whether it stayed the same while it was read. */
export class StableFile {
  readonly facts: FileFacts;
  readonly uid: number;
  readonly gid: number;
  /** When reading began. */
  readonly openedAt: number;
  readonly #descriptor: number;

  private constructor(descriptor: number, openedAt: number) {
    const stat = fstatSync(descriptor);
    this.#descriptor = descriptor;
    this.facts = factsOf(stat);
    this.uid = stat.uid;
    this.gid = stat.gid;
    this.openedAt = openedAt;
  }

  /** Null when there is no regular file of that name. @throws the file system's error, EACCES for example */
  static open(path: string, now: () => number): StableFile | null {
    let descriptor: number;
    try {
      // Never through a link, and never waiting for whoever is at the other end of a pipe.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errorCodeOf(error))) return null;
      throw error;
    }
    try {
      const file = new StableFile(descriptor, now());
      if ((file.facts.mode & constants.S_IFMT) === constants.S_IFREG) return file;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    return null;
  }

  /** Changed so shortly before it was opened that a change meanwhile may not show. */
  get isHot(): boolean {
    return isFresh(this.facts, this.openedAt);
  }

  /** Its first bytes; all that it had when it was opened. Each chunk is overwritten by the next. @throws FileShrank */
  *chunks(buffer: ReadBuffer, size = this.facts.size): Generator<Buffer> {
    const chunk = buffer.for(size);
    for (let at = 0; at < size; ) {
      const bytes = readSync(this.#descriptor, chunk, 0, Math.min(chunk.length, size - at), at);
      if (bytes === 0) throw new FileShrank();
      at += bytes;
      yield chunk.subarray(0, bytes);
    }
  }

  /** All that it had when it was opened. @throws FileShrank */
  content(): Buffer {
    const content = Buffer.allocUnsafeSlow(this.facts.size);
    let at = 0;
    for (const chunk of this.chunks(new ReadBuffer())) at += chunk.copy(content, at);
    return content;
  }

  /** The first bytes, as many as there are. */
  head(bytes: number): Buffer {
    const head = Buffer.alloc(bytes);
    return head.subarray(0, readSync(this.#descriptor, head, 0, bytes, 0));
  }

  /** How it is now. */
  currentFacts(): FileFacts {
    return factsOf(fstatSync(this.#descriptor));
  }

  isUnchanged(): boolean {
    return sameFacts(this.facts, this.currentFacts());
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
