/** Bytes that arrive in pieces, copied into one buffer that doubles. Offsets stay the same when it grows. */
export class GrowingBytes {
  #buffer: Buffer = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The buffer; only the first `length` bytes count. Another one after the next `append`. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    const needed = this.#length + to - from;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, FIRST_BYTES));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes.subarray(from, to), this.#length);
    this.#length = needed;
  }

  clear(): void {
    this.#buffer = EMPTY;
    this.#length = 0;
  }
}

const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 4096;
