import { GrowingBytes } from './growing-bytes.ts';
import { HeldBody, type HeldBytes } from './held-bytes.ts';

/** `flood`: far more than the limit came, do not read on. `no-room`: see {@link HeldBytes}. */
export type ReceivedBody = 'more' | 'complete' | 'too-large' | 'no-room' | 'flood';

/** Collects the body of a request. What is too large is read on without being kept, so that the asker sees the answer. */
export class RequestBody {
  bytes: Buffer = NOTHING;
  length = 0;

  readonly #limit: number;
  readonly #held: HeldBody;
  readonly #pieces = new GrowingBytes();
  #seen = 0;
  #refused: 'too-large' | 'no-room' | null = null;

  constructor(limit: number, held: HeldBytes) {
    this.#limit = limit;
    this.#held = new HeldBody(held);
  }

  /** @param chunk valid during this call only; so are `bytes` after `complete` */
  push(chunk: ArrayBuffer, last: boolean): ReceivedBody {
    this.#seen += chunk.byteLength;
    if (this.#refused === null && this.#seen > this.#limit) this.#refused = 'too-large';
    if (this.#refused === null && !(last && this.#pieces.length === 0)) {
      if (this.#held.cover(this.#seen)) this.#pieces.append(new Uint8Array(chunk), 0, chunk.byteLength);
      else this.#refused = 'no-room';
    }
    if (this.#refused !== null) {
      this.release();
      if (last) return this.#refused;
      return this.#seen > this.#limit * DRAINED_TIMES ? 'flood' : 'more';
    }
    if (!last) return 'more';
    this.bytes = this.#pieces.length === 0 ? Buffer.from(chunk) : this.#pieces.buffer;
    this.length = this.#seen;
    return 'complete';
  }

  release(): void {
    if (this.#pieces.length > 0) this.#pieces.clear();
    this.#held.release();
  }
}

const NOTHING = Buffer.alloc(0);
/** A client that sends more than so many times the limit is cut off in the middle. */
const DRAINED_TIMES = 8;
