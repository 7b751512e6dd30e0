const NEWLINE = 10;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into blocks of whole lines, so that lines of two streams can share a file without mixing inside a
 * line. A block goes through as one piece: at 100 MB/s there is no time to look at single lines.
 */
export class LineAssembler {
  readonly #maxLineBytes: number;
  #pending: Buffer = EMPTY;

  /** @param maxLineBytes a longer line is broken up, with a newline after each piece; nothing is lost */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Whole lines, each ended by a newline; null when none is complete yet. */
  push(chunk: Buffer): Buffer | null {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    const rest = chunk.subarray(end);
    if (end === 0) {
      this.#pending = Buffer.concat([this.#pending, rest]);
      return this.#pending.length > this.#maxLineBytes ? this.#breakUpPending() : null;
    }
    const lines = chunk.subarray(0, end);
    const block = this.#pending.length === 0 ? lines : Buffer.concat([this.#pending, lines]);
    // A copy: a slice would keep the whole chunk in memory.
    this.#pending = rest.length === 0 ? EMPTY : Buffer.from(rest);
    return block.length > this.#maxLineBytes ? breakUpLongLines(block, this.#maxLineBytes) : block;
  }

  /** What came after the last newline, ended by one; null when there is nothing. */
  end(): Buffer | null {
    if (this.#pending.length === 0) return null;
    const block = breakUpLongLines(Buffer.concat([this.#pending, Buffer.of(NEWLINE)]), this.#maxLineBytes);
    this.#pending = EMPTY;
    return block;
  }

  #breakUpPending(): Buffer {
    const pieces: Buffer[] = [];
    let from = 0;
    for (; this.#pending.length - from >= this.#maxLineBytes; from += this.#maxLineBytes) {
      pieces.push(this.#pending.subarray(from, from + this.#maxLineBytes), Buffer.of(NEWLINE));
    }
    this.#pending = Buffer.from(this.#pending.subarray(from));
    return Buffer.concat(pieces);
  }
}

export function countLines(block: Buffer): number {
  let count = 0;
  for (let index = 0; index < block.length; index++) if (block[index] === NEWLINE) count++;
  return count;
}

function breakUpLongLines(block: Buffer, maxLineBytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let from = 0; from < block.length; ) {
    const newline = block.indexOf(NEWLINE, from);
    if (newline - from <= maxLineBytes) {
      pieces.push(block.subarray(from, newline + 1));
      from = newline + 1;
    } else {
      pieces.push(block.subarray(from, from + maxLineBytes), Buffer.of(NEWLINE));
      from += maxLineBytes;
    }
  }
  return Buffer.concat(pieces);
}
