import { isBlank } from './json-bytes.ts';
import { UpstreamFailure } from './upstream-failure.ts';

export interface ResponseHead {
  /** Only tells an interim response and one without body; otherwise the body decides (contract 8.3). */
  readonly status: number;
  /** -1: not given. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** By version and `Connection`; the framing may still forbid it. */
  readonly keepAlive: boolean;
  /** Offset past the blank line that ends it. */
  readonly end: number;
}

/**
 * Reads status line and header fields, lines ending in CRLF or LF, up to the blank line at their end. Looks at bytes once and
 * makes no strings but of the three fields that matter.
 *
 * @returns null when the blank line has not come yet
 * @throws UpstreamFailure when this is not HTTP/1.x or the length is not one number
 */
export function readResponseHead(bytes: Buffer, from: number, to: number): ResponseHead | null {
  let end = endOfLine(bytes, from, to);
  if (end === to) return null;
  if (!isStatusLine(bytes, from, to)) throw malformed(bytes, from, to);
  let contentLength = -1;
  let chunked = false;
  let keepAlive = bytes[from + 7] === ONE;
  // Bytes are compared in place: heads are short, and a call into native code per field costs more than the whole loop.
  for (let at = end + 1; at < to; at = end + 1) {
    end = endOfLine(bytes, at, to);
    if (end === to) return null;
    if (end === at || (end === at + 1 && bytes[at] === CR)) {
      return { status: digits(bytes, from + 9, from + 12), contentLength, chunked, keepAlive, end: end + 1 };
    }
    const first = (bytes[at] ?? 0) | 0x20;
    if (first !== LOWER_C && first !== LOWER_T) continue;
    const colon = endOfName(bytes, at, end);
    if (colon < 0) continue;
    if (isName(bytes, at, colon, 'content-length')) contentLength = joinedLength(contentLength, bytes, colon + 1, end);
    else if (isName(bytes, at, colon, 'connection'))
      keepAlive = keepAliveAfter(keepAlive, lowerCase(bytes, colon, end));
    else if (isName(bytes, at, colon, 'transfer-encoding'))
      chunked ||= lowerCase(bytes, colon, end).endsWith('chunked');
  }
  return null;
}

/**
 * Looks at a head whose end has not come yet: what cannot become HTTP is not waited for.
 *
 * @throws UpstreamFailure when it does not begin as HTTP/1.x does
 */
export function checkBeginning(bytes: Buffer, from: number, to: number): void {
  if (!beginsLikeVersion(bytes, from, to)) throw malformed(bytes, from, to);
}

function beginsLikeVersion(bytes: Buffer, from: number, to: number): boolean {
  const length = Math.min(VERSION.length, to - from);
  for (let i = 0; i < length; i += 1) if (bytes[from + i] !== VERSION.charCodeAt(i)) return false;
  return true;
}

function malformed(bytes: Buffer, from: number, to: number): UpstreamFailure {
  const line = bytes.toString('latin1', from, Math.min(to, from + 80)).split('\n', 1)[0] ?? '';
  return new UpstreamFailure(`malformed HTTP response ${JSON.stringify(line.trimEnd())}`);
}

/** `HTTP/1.0 200` or `HTTP/1.1 200`; a reason may follow or not. */
function isStatusLine(bytes: Buffer, from: number, to: number): boolean {
  if (to - from < 13 || bytes[from + 8] !== SPACE || digits(bytes, from + 9, from + 12) < 100) return false;
  if (!beginsLikeVersion(bytes, from, to)) return false;
  const minor = bytes[from + 7];
  const after = bytes[from + 12];
  return (minor === ZERO || minor === ONE) && (after === SPACE || after === CR || after === LF);
}

function endOfLine(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== LF) at += 1;
  return at;
}

/** @returns where the colon stands; -1 when there is none in this line */
function endOfName(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== COLON) at += 1;
  return at < end ? at : -1;
}

/** In any case; blanks before the colon are tolerated. */
function isName(bytes: Buffer, from: number, colon: number, name: string): boolean {
  let to = colon;
  while (to > from && bytes[to - 1] === SPACE) to -= 1;
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i += 1) if (((bytes[from + i] ?? 0) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

function lowerCase(bytes: Buffer, colon: number, end: number): string {
  return bytes
    .toString('latin1', colon + 1, end)
    .trim()
    .toLowerCase();
}

/** @returns -1 when these are not digits only */
function digits(bytes: Buffer, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return to > from ? number : -1;
}

/** A list or a repetition of one number is that number (RFC 9110, 8.6). */
function joinedLength(known: number, bytes: Buffer, valueFrom: number, valueTo: number): number {
  let length = known;
  let from = valueFrom;
  while (from <= valueTo) {
    let to = from;
    while (to < valueTo && bytes[to] !== COMMA) to += 1;
    let first = from;
    let last = to;
    while (first < last && isBlank(bytes[first] ?? 0)) first += 1;
    while (last > first && isBlank(bytes[last - 1] ?? 0)) last -= 1;
    const given = last - first > LONGEST_LENGTH ? -1 : digits(bytes, first, last);
    if (given < 0 || (length >= 0 && length !== given)) {
      throw new UpstreamFailure(
        `bad Content-Length ${JSON.stringify(bytes.toString('latin1', valueFrom, valueTo).trim().slice(0, 80))}`,
      );
    }
    length = given;
    from = to + 1;
  }
  return length;
}

function keepAliveAfter(keepAlive: boolean, connection: string): boolean {
  if (connection.includes('close')) return false;
  return keepAlive || connection.includes('keep-alive');
}

const VERSION = 'HTTP/1.';
const LONGEST_LENGTH = 15;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COMMA = 0x2c;
const ZERO = 0x30;
const ONE = 0x31;
const COLON = 0x3a;
const LOWER_C = 0x63;
const LOWER_T = 0x74;
