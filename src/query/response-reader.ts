import { ChunkedBody } from './chunked-body.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { checkBeginning, readResponseHead } from './response-head.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** Takes the body as it comes. May throw {@link UpstreamFailure} to refuse the rest. */
export interface BodySink {
  /** @param expected whole length of the body, -1 when not known. Called once, before the first piece. */
  begin(expected: number): void;
  /** @param last nothing follows: the piece need not be copied if it is the only one */
  piece(bytes: Buffer, from: number, to: number, last: boolean): void;
}

/**
 * Reads one HTTP/1.x response from a stream of bytes, cut anywhere. Tolerant where the bots' SDKs need it (sdk.md 10 #8,
 * #29): bare line feeds, HTTP/1.0, blank lines in front, a body that ends with the connection.
 *
 *     HEAD ──1xx──► HEAD
 *       ├─ content-length ──► LENGTH ──┐
 *       ├─ chunked ─────────► CHUNKED ─┼──► DONE
 *       └─ neither ─────────► CLOSE ───┘ (at the end of the connection)
 */
export class ResponseReader {
  /** Whether a byte of this response was seen; before that a request may be sent again elsewhere. */
  started = false;
  /** After the response: whether the connection may carry another request. */
  reusable = false;

  readonly #sink: BodySink;
  #state = HEAD;
  #left = 0;
  readonly #head = new GrowingBytes();
  readonly #chunked: ChunkedBody;

  constructor(sink: BodySink) {
    this.#sink = sink;
    this.#chunked = new ChunkedBody(sink);
  }

  reset(): void {
    this.started = false;
    this.reusable = false;
    this.#state = HEAD;
    this.#head.clear();
  }

  /**
   * @returns true when the response is complete
   * @throws UpstreamFailure when this is not HTTP, or the sink refuses it
   */
  push(bytes: Buffer, length: number): boolean {
    this.started = true;
    if (this.#state !== HEAD) return this.#pushBody(bytes, 0, length);
    if (this.#head.length === 0) return this.#pushHead(bytes, 0, length);
    const searched = this.#head.length;
    this.#head.append(bytes, 0, length);
    return this.#pushHead(this.#head.buffer, searched, this.#head.length);
  }

  /**
   * The bot closed the connection.
   * @returns true when that completes the response
   * @throws UpstreamFailure when half of it is missing
   */
  end(): boolean {
    this.reusable = false;
    switch (this.#state) {
      case DONE:
        return true;
      case CLOSE:
        this.#sink.piece(EMPTY, 0, 0, true);
        this.#state = DONE;
        return true;
      case LENGTH:
        throw new UpstreamFailure(`half an answer: the bot closed the connection ${this.#left} bytes before the end`);
      case CHUNKED:
        throw new UpstreamFailure('half an answer: the bot closed the connection within a chunked body');
      default:
        throw new UpstreamFailure(
          this.started
            ? 'half an answer: the bot closed the connection within the header'
            : 'EOF: the bot closed the connection without an answer',
        );
    }
  }

  /** @param searched up to here no end of the header was found */
  #pushHead(bytes: Buffer, searched: number, length: number): boolean {
    let from = 0;
    while (from < length && (bytes[from] === LF || bytes[from] === CR)) from += 1;
    // A head in pieces is read only once its end is there: a bot that sends single bytes must not have each read again.
    const whole = searched === 0 || hasEnd(bytes, Math.max(from, searched - 3), length);
    const head = whole ? readResponseHead(bytes, from, length) : null;
    if (head === null) {
      checkBeginning(bytes, from, length);
      if (length > LONGEST_HEAD)
        throw new UpstreamFailure(`the header of the answer is longer than ${LONGEST_HEAD} bytes`);
      // At a blank line or less nothing needs keeping.
      if (this.#head.length === 0) this.#head.append(bytes, 0, length);
      return false;
    }
    const { end } = head;
    if (head.status < 200) {
      if (head.status === 101) throw new UpstreamFailure('the bot switched protocols instead of answering');
      const rest = Buffer.from(bytes.subarray(end, length));
      this.#head.clear();
      return rest.length > 0 && this.push(rest, rest.length);
    }
    this.reusable = head.keepAlive;
    const bodyless = head.status === 204 || head.status === 304;
    if (bodyless) return this.#beginLength(0, bytes, end, length);
    if (head.chunked) {
      this.#state = CHUNKED;
      this.#chunked.reset();
      this.#sink.begin(-1);
      return this.#pushBody(bytes, end, length);
    }
    if (head.contentLength >= 0) return this.#beginLength(head.contentLength, bytes, end, length);
    this.#state = CLOSE;
    this.reusable = false;
    this.#sink.begin(-1);
    return this.#pushBody(bytes, end, length);
  }

  #beginLength(contentLength: number, bytes: Buffer, from: number, length: number): boolean {
    this.#state = LENGTH;
    this.#left = contentLength;
    this.#sink.begin(contentLength);
    return this.#pushBody(bytes, from, length);
  }

  #pushBody(bytes: Buffer, from: number, length: number): boolean {
    switch (this.#state) {
      case LENGTH: {
        const to = Math.min(length, from + this.#left);
        this.#left -= to - from;
        const last = this.#left === 0;
        if (to > from || last) this.#sink.piece(bytes, from, to, last);
        return last && this.#finish(to, length);
      }
      case CHUNKED: {
        const to = this.#chunked.push(bytes, from, length);
        return to >= 0 && this.#finish(to, length);
      }
      case CLOSE:
        if (length > from) this.#sink.piece(bytes, from, length, false);
        return false;
      default:
        return this.#finish(from, length);
    }
  }

  #finish(to: number, length: number): boolean {
    this.#state = DONE;
    // More than was announced: whatever it is, the next answer would begin with it.
    if (to < length) this.reusable = false;
    this.#head.clear();
    return true;
  }
}

/** Whether the blank line that ends a header is there. */
function hasEnd(bytes: Buffer, from: number, length: number): boolean {
  for (let i = from; i + 1 < length; i += 1) {
    if (bytes[i] !== LF) continue;
    if (bytes[i + 1] === LF || (bytes[i + 1] === CR && bytes[i + 2] === LF && i + 2 < length)) return true;
  }
  return false;
}

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const CLOSE = 3;
const DONE = 4;

const CR = 0x0d;
const LF = 0x0a;
const LONGEST_HEAD = 64 * 1024;
const EMPTY = Buffer.alloc(0);
