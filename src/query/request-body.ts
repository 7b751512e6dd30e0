import { GrowingBytes } from './growing-bytes.ts';
import { HeldBody, type HeldBytes } from './held-bytes.ts';

/** `flood`: far more than the limit came, do not read on. `no-room`: see {@link HeldBytes}. */
export type ReceivedBody = 'more' | 'complete' | 'too-large' | 'no-room' | 'flood';

/** Collects the body of a request. What is too large is read on without being kept, so that the asker sees the answer. */
export class RequestBody {
  bytes: Buffer = NOTHING;
  length = 0;

  readonly #limit: number;
  readonly #heldBytes: HeldBytes;
  /** Only for a body in several pieces. */
  #pieces: GrowingBytes | null = null;
  #held: HeldBody | null = null;
  #refused: 'too-large' | 'no-room' | null = null;

  constructor(limit: number, held: HeldBytes) {
    this.#limit = limit;
    this.#heldBytes = held;
  }

  /** @param chunk valid during this call only; so are `bytes` after `complete` */
  push(chunk: ArrayBuffer, last: boolean): ReceivedBody {
    this.length += chunk.byteLength;
    if (this.length > this.#limit) this.#refused = 'too-large';
    else if (this.#refused === null && !(last && this.#pieces === null) && !this.#keep(chunk))
      this.#refused = 'no-room';
    if (this.#refused !== null) {
      this.release();
      if (last) return this.#refused;
      return this.length > this.#limit * DRAINED_TIMES ? 'flood' : 'more';
    }
    if (!last) return 'more';
    this.bytes = this.#pieces === null ? Buffer.from(chunk) : this.#pieces.buffer;
    return 'complete';
  }

  release(): void {
    this.#pieces?.clear();
    this.#held?.release();
  }

  #keep(chunk: ArrayBuffer): boolean {
    this.#held ??= new HeldBody(this.#heldBytes);
    this.#pieces ??= new GrowingBytes();
    if (!this.#held.cover(this.length)) return false;
    this.#pieces.append(new Uint8Array(chunk), 0, chunk.byteLength);
    return true;
  }
}

const NOTHING = Buffer.alloc(0);
/** A client that sends more than so many times the limit is cut off in the middle. */
const DRAINED_TIMES = 8;
