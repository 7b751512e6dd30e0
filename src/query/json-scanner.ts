import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON as COLON_BYTE,
  COMMA,
  isBlank,
  isDigit,
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
import { firstNumberState, isNumberByte, NO_NUMBER, NUMBER_ENDS, NUMBER_ZERO, nextNumberState } from './json-number.ts';

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
  /** Within the root object, and in nothing deeper: what begins or ends here is a member, or its name. */
  #atMember = false;
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
    this.#atMember = false;
  }

  /**
   * Takes the bytes from `from` to `to`. Offsets in the results are offsets in `bytes`, so the next piece must follow at `to`
   * of the same (or a grown) buffer. Stops at the first problem; bytes after the root value are not looked at.
   */
  scan(bytes: Uint8Array, from: number, to: number): void {
    // The state stays in a variable, not in a field: this loop is the largest part of what a query costs in our code.
    let state = this.#state;
    let at = from;
    while (at < to && state !== OVER) {
      let byte = bytes[at] ?? 0;
      if (state === STRING) {
        let seen = 0;
        while (byte !== QUOTE && byte !== BACKSLASH && byte >= SPACE) {
          seen |= byte;
          at += 1;
          if (at === to) break;
          byte = bytes[at] ?? 0;
        }
        if (seen >= 0x80) this.plain = false;
        if (at === to) break;
      }
      switch (state) {
        case STRING:
          state = this.#inString(byte, at);
          break;
        case FIRST_ITEM:
          if (byte === CLOSE_ARRAY) state = this.#close(at);
          else if (!isBlank(byte)) state = this.#startValue(byte, at);
          break;
        case VALUE:
          if (!isBlank(byte)) state = this.#startValue(byte, at);
          break;
        case FIRST_KEY:
          if (byte === CLOSE_OBJECT) state = this.#close(at);
          else if (!isBlank(byte)) state = this.#startKey(byte, at);
          break;
        case KEY:
          if (!isBlank(byte)) state = this.#startKey(byte, at);
          break;
        case COLON:
          if (byte === COLON_BYTE) state = VALUE;
          else if (!isBlank(byte)) state = this.#fail(byte, at, 'after an object key');
          break;
        case NEXT:
          if (!isBlank(byte)) state = this.#next(byte, at);
          break;
        case ESCAPE:
          state = this.#escape(byte, at);
          break;
        case HEX:
          if (!isHexDigit(byte)) state = this.#fail(byte, at, 'in a \\u escape');
          else if (--this.#hexLeft === 0) state = STRING;
          break;
        case LITERAL:
          state = this.#literal(byte, at);
          break;
        default:
          if (state > NUMBER_ZERO && isDigit(byte)) break;
          if (state >= NUMBER_ENDS && !isNumberByte(byte)) {
            // A number ends at the byte after it, which belongs to what comes next.
            state = this.#endValue(at);
            continue;
          }
          state = nextNumberState(state, byte);
          if (state === NO_NUMBER) state = this.#fail(byte, at, 'in a number');
      }
      at += 1;
    }
    this.#state = state;
  }

  /** No more bytes come. A root number is complete only now. */
  finish(at: number): void {
    if (this.#state >= NUMBER_ENDS) this.#state = this.#endValue(at);
    if (this.#state !== OVER) this.#over('unexpected end of JSON input');
  }

  // Each of these takes one byte and returns the next state.

  #startValue(byte: number, at: number): number {
    if (this.#depth === 0) this.root = byte;
    else if (this.#atMember) this.#mark(at);
    switch (byte) {
      case QUOTE:
        this.#inKey = false;
        return STRING;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        return this.#openContainer(byte === OPEN_OBJECT);
      case LOWER_T:
        return this.#startLiteral('rue');
      case LOWER_F:
        return this.#startLiteral('alse');
      case LOWER_N:
        return this.#startLiteral('ull');
      default:
        return this.#startNumber(byte, at);
    }
  }

  #openContainer(isObject: boolean): number {
    if (this.#depth === MAX_DEPTH) return this.#over('exceeded max depth');
    this.#open[this.#depth] = isObject;
    this.#atMember = isObject && this.#depth === 0;
    this.#depth += 1;
    return isObject ? FIRST_KEY : FIRST_ITEM;
  }

  #startNumber(byte: number, at: number): number {
    const state = firstNumberState(byte);
    return state === NO_NUMBER ? this.#fail(byte, at, 'looking for beginning of value') : state;
  }

  #startLiteral(rest: string): number {
    this.#rest = rest;
    return LITERAL;
  }

  #literal(byte: number, at: number): number {
    if (byte !== this.#rest.charCodeAt(0)) return this.#fail(byte, at, 'in a literal');
    this.#rest = this.#rest.slice(1);
    return this.#rest === '' ? this.#endValue(at + 1) : LITERAL;
  }

  /** At the byte that ends the string, or its plain part. */
  #inString(byte: number, at: number): number {
    if (byte === QUOTE) return this.#inKey ? this.#endKey(at + 1) : this.#endValue(at + 1);
    if (byte !== BACKSLASH) return this.#fail(byte, at, 'in a string');
    this.plain = false;
    return ESCAPE;
  }

  #escape(byte: number, at: number): number {
    if (byte === LOWER_U) {
      this.#hexLeft = 4;
      return HEX;
    }
    return ESCAPABLE.includes(String.fromCharCode(byte)) ? STRING : this.#fail(byte, at, 'in a string escape');
  }

  #startKey(byte: number, at: number): number {
    if (byte !== QUOTE) return this.#fail(byte, at, 'looking for beginning of object key string');
    if (this.#atMember) this.#mark(at);
    this.#inKey = true;
    return STRING;
  }

  #endKey(at: number): number {
    if (this.#atMember) this.#mark(at);
    return COLON;
  }

  #endValue(at: number): number {
    if (this.#depth === 0) {
      this.valueEnd = at;
      return OVER;
    }
    if (this.#atMember) this.#mark(at);
    return NEXT;
  }

  #next(byte: number, at: number): number {
    const inObject = this.#open[this.#depth - 1] === true;
    if (byte === COMMA) return inObject ? KEY : VALUE;
    if (byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return this.#close(at);
    return this.#fail(byte, at, inObject ? 'after object key:value pair' : 'after array element');
  }

  #close(at: number): number {
    this.#depth -= 1;
    this.#atMember = this.#depth === 1 && this.#open[0] === true;
    return this.#endValue(at + 1);
  }

  #mark(at: number): void {
    this.members[this.memberSlots] = at;
    this.memberSlots += 1;
  }

  #fail(byte: number, at: number, where: string): number {
    const shown =
      byte > SPACE && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, '0')}`;
    return this.#over(`invalid character ${shown} ${where} (byte ${at})`);
  }

  #over(problem: string): number {
    this.problem = problem;
    return OVER;
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
/** The root value is complete, or there is a problem. */
const OVER = -1;
