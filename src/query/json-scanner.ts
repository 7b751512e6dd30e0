import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON as COLON_BYTE,
  COMMA,
  isBlank,
  isHexDigit,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  LOWER_U,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
} from './json-bytes.ts';
import { firstNumberState, isNumberByte, NUMBER_ENDS, nextNumberState } from './json-number.ts';

/**
 * Reads JSON as it comes, byte by byte, without making values of it (RFC 8259).
 *
 * Answers of bots pass through us: we must know that they are JSON and where `data` begins and ends, nothing else. Parsing
 * and printing again would cost the thread 200 ms for a large answer and would spoil integers above 2^53 (order ids). A scan
 * costs little per piece, so a bot that answers 16 MiB holds up nobody, and `data` leaves as the bytes that came.
 *
 *      {"status":"ok","data":{"position":3}}
 *       ^------^ ^--^  ^--^   ^------------^    members: key from, key to, value from, value to
 */
export class JsonScanner {
  /**
   * Members of the root object, four offsets each: key and value, both with their quotes. Only the first `memberSlots` count:
   * an array that is emptied would have to grow again for the next message.
   */
  readonly members: number[] = [];
  memberSlots = 0;
  /** Nothing but ASCII in the strings, and no escapes: their bytes are their text. */
  plain = true;
  /** First byte of the root value; 0 before it was seen. */
  root = 0;
  /** Offset past the root value; -1 until it is complete. */
  valueEnd = -1;
  /** What is wrong, in words; null while all is well. */
  problem: string | null = null;

  #state = VALUE;
  /** One entry per open container: is it an object? Only the first `#depth` count. */
  readonly #open: boolean[] = [];
  #depth = 0;
  #inKey = false;
  /** What is left of a literal (`rue`) or of the hex digits of an escape. */
  #rest = '';
  #hexLeft = 0;

  reset(): void {
    this.memberSlots = 0;
    this.plain = true;
    this.root = 0;
    this.valueEnd = -1;
    this.problem = null;
    this.#state = VALUE;
    this.#depth = 0;
  }

  /**
   * Takes the bytes from `from` to `to`. Offsets in the results are offsets in `bytes`, so the next piece must follow at `to`
   * of the same (or a grown) buffer. Stops at the first problem; bytes after the root value are not looked at.
   */
  scan(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to && this.valueEnd < 0 && this.problem === null) {
      if (this.#state === STRING) {
        let byte = bytes[at] ?? 0;
        let seen = 0;
        while (byte !== QUOTE && byte !== BACKSLASH && byte >= SPACE) {
          seen |= byte;
          at += 1;
          if (at === to) break;
          byte = bytes[at] ?? 0;
        }
        if (seen >= 0x80) this.plain = false;
        if (at === to) return;
      }
      const byte = bytes[at] ?? 0;
      // A number ends at the byte after it, which belongs to what comes next.
      if (this.#state >= NUMBER_ENDS && !isNumberByte(byte)) this.#endValue(at);
      else at = this.#step(byte, at);
    }
  }

  /** No more bytes come. A root number is complete only now. */
  finish(at: number): void {
    if (this.problem !== null || this.valueEnd >= 0) return;
    if (this.#state >= NUMBER_ENDS) this.#endValue(at);
    if (this.valueEnd < 0) this.problem = 'unexpected end of JSON input';
  }

  /** Takes one byte and returns where to go on. */
  #step(byte: number, at: number): number {
    switch (this.#state) {
      case FIRST_ITEM:
        if (byte === CLOSE_ARRAY) this.#close(at);
        else if (!isBlank(byte)) this.#startValue(byte, at);
        break;
      case VALUE:
        if (!isBlank(byte)) this.#startValue(byte, at);
        break;
      case FIRST_KEY:
        if (byte === CLOSE_OBJECT) this.#close(at);
        else if (!isBlank(byte)) this.#startKey(byte, at);
        break;
      case KEY:
        if (!isBlank(byte)) this.#startKey(byte, at);
        break;
      case COLON:
        if (byte === COLON_BYTE) this.#state = VALUE;
        else if (!isBlank(byte)) this.#fail(byte, at, 'after an object key');
        break;
      case NEXT:
        this.#next(byte, at);
        break;
      case STRING:
        if (byte === BACKSLASH) {
          this.plain = false;
          this.#state = ESCAPE;
        } else if (byte !== QUOTE) this.#fail(byte, at, 'in a string');
        else if (this.#inKey) this.#endKey(at + 1);
        else this.#endValue(at + 1);
        break;
      case ESCAPE:
        if (byte === LOWER_U) {
          this.#hexLeft = 4;
          this.#state = HEX;
        } else if (ESCAPABLE.includes(String.fromCharCode(byte))) this.#state = STRING;
        else this.#fail(byte, at, 'in a string escape');
        break;
      case HEX:
        if (!isHexDigit(byte)) this.#fail(byte, at, 'in a \\u escape');
        else if (--this.#hexLeft === 0) this.#state = STRING;
        break;
      case LITERAL:
        if (byte !== this.#rest.charCodeAt(0)) this.#fail(byte, at, 'in a literal');
        else {
          this.#rest = this.#rest.slice(1);
          if (this.#rest === '') this.#endValue(at + 1);
        }
        break;
      default:
        this.#number(byte, at);
    }
    return at + 1;
  }

  #startValue(byte: number, at: number): void {
    if (this.#depth === 0) this.root = byte;
    else if (this.#atRootMember()) this.#mark(at);
    switch (byte) {
      case QUOTE:
        this.#inKey = false;
        this.#state = STRING;
        return;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (this.#depth === MAX_DEPTH) {
          this.problem = 'exceeded max depth';
          return;
        }
        this.#open[this.#depth] = byte === OPEN_OBJECT;
        this.#depth += 1;
        this.#state = byte === OPEN_OBJECT ? FIRST_KEY : FIRST_ITEM;
        return;
      case LOWER_T:
        this.#startLiteral('rue');
        return;
      case LOWER_F:
        this.#startLiteral('alse');
        return;
      case LOWER_N:
        this.#startLiteral('ull');
        return;
      default: {
        const number = firstNumberState(byte);
        if (number === undefined) this.#fail(byte, at, 'looking for beginning of value');
        else this.#state = number;
      }
    }
  }

  #startLiteral(rest: string): void {
    this.#rest = rest;
    this.#state = LITERAL;
  }

  #startKey(byte: number, at: number): void {
    if (byte !== QUOTE) {
      this.#fail(byte, at, 'looking for beginning of object key string');
      return;
    }
    if (this.#atRootMember()) this.#mark(at);
    this.#inKey = true;
    this.#state = STRING;
  }

  #endKey(at: number): void {
    if (this.#atRootMember()) this.#mark(at);
    this.#state = COLON;
  }

  #endValue(at: number): void {
    if (this.#depth === 0) {
      this.valueEnd = at;
      return;
    }
    if (this.#atRootMember()) this.#mark(at);
    this.#state = NEXT;
  }

  #next(byte: number, at: number): void {
    const inObject = this.#open[this.#depth - 1] === true;
    if (byte === COMMA) this.#state = inObject ? KEY : VALUE;
    else if (byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) this.#close(at);
    else if (!isBlank(byte)) this.#fail(byte, at, inObject ? 'after object key:value pair' : 'after array element');
  }

  #close(at: number): void {
    this.#depth -= 1;
    this.#endValue(at + 1);
  }

  #mark(at: number): void {
    this.members[this.memberSlots] = at;
    this.memberSlots += 1;
  }

  #atRootMember(): boolean {
    return this.#depth === 1 && this.#open[0] === true;
  }

  #number(byte: number, at: number): void {
    const next = nextNumberState(this.#state, byte);
    if (next === undefined) this.#fail(byte, at, 'in a number');
    else this.#state = next;
  }

  #fail(byte: number, at: number, where: string): void {
    const shown =
      byte > SPACE && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, '0')}`;
    this.problem = `invalid character ${shown} ${where} (byte ${at})`;
  }
}

/** As deep as Go's decoder goes. */
const MAX_DEPTH = 10_000;

const ESCAPABLE = '"\\/bfnrt';

// States; those of a number begin at 10 (json-number.ts).
const VALUE = 0;
const FIRST_ITEM = 1;
const FIRST_KEY = 2;
const KEY = 3;
const COLON = 4;
const NEXT = 5;
const STRING = 6;
const ESCAPE = 7;
const HEX = 8;
const LITERAL = 9;
