import { UpstreamFailure } from './upstream-failure.ts';

export interface ResponseHead {
  /** Only tells an interim response and one without body; otherwise the body decides (contract 8.3). */
  readonly status: number;
  /** -1: not given. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** By version and `Connection`; the framing may still forbid it. */
  readonly keepAlive: boolean;
}

/**
 * Reads status line and header fields, lines ending in CRLF or LF, with the blank line at their end. Looks at bytes and
 * makes no strings but of the three fields that matter.
 *
 * @throws UpstreamFailure when this is not HTTP/1.x or the length is not one number
 */
export function readResponseHead(bytes: Buffer, from: number, to: number): ResponseHead {
  if (!isStatusLine(bytes, from, to)) {
    const line = bytes.toString('latin1', from, Math.min(to, from + 80)).split('\n', 1)[0] ?? '';
    throw new UpstreamFailure(`malformed HTTP response ${JSON.stringify(line.trimEnd())}`);
  }
  let contentLength = -1;
  let chunked = false;
  let keepAlive = bytes[from + 7] === ONE;
  let at = bytes.indexOf(LF, from) + 1;
  while (at < to) {
    const name = nameAt(bytes, at, to);
    const lineEnd = bytes.indexOf(LF, at);
    if (name !== null) {
      const value = bytes.toString('latin1', bytes.indexOf(COLON, at) + 1, lineEnd).trim();
      if (name === CONTENT_LENGTH) contentLength = joinedLength(contentLength, value);
      else if (name === CONNECTION) keepAlive = keepAliveAfter(keepAlive, value.toLowerCase());
      else chunked ||= value.toLowerCase().endsWith('chunked');
    }
    at = lineEnd + 1;
  }
  return { status: digits(bytes, from + 9, 3), contentLength, chunked, keepAlive };
}

/** `HTTP/1.0 200` or `HTTP/1.1 200`; a reason may follow or not. */
function isStatusLine(bytes: Buffer, from: number, to: number): boolean {
  if (to - from < 13 || bytes[from + 8] !== SPACE || digits(bytes, from + 9, 3) < 100) return false;
  for (let i = 0; i < VERSION.length; i += 1) if (bytes[from + i] !== VERSION.charCodeAt(i)) return false;
  const minor = bytes[from + 7];
  const after = bytes[from + 12];
  return (minor === ZERO || minor === ONE) && (after === SPACE || after === CR || after === LF);
}

/** The field name that begins here, when it is one that matters; in any case, blanks before the colon are tolerated. */
function nameAt(bytes: Buffer, from: number, to: number): string | null {
  const first = (bytes[from] ?? 0) | 0x20;
  if (first !== 0x63 && first !== 0x74) return null;
  for (const name of NAMES) {
    let i = 0;
    while (i < name.length && ((bytes[from + i] ?? 0) | 0x20) === name.charCodeAt(i)) i += 1;
    if (i < name.length) continue;
    while (from + i < to && bytes[from + i] === SPACE) i += 1;
    if (bytes[from + i] === COLON) return name;
  }
  return null;
}

/** @returns -1 when these are not all digits */
function digits(bytes: Buffer, from: number, count: number): number {
  let number = 0;
  for (let i = 0; i < count; i += 1) {
    const digit = (bytes[from + i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** A list or a repetition of one number is that number (RFC 9110, 8.6). */
function joinedLength(known: number, value: string): number {
  let length = known;
  for (const part of value.includes(',') ? value.split(',') : [value]) {
    const text = part.trim();
    const given = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    if (given < 0 || (length >= 0 && length !== given)) {
      throw new UpstreamFailure(`bad Content-Length ${JSON.stringify(value.slice(0, 80))}`);
    }
    length = given;
  }
  return length;
}

function keepAliveAfter(keepAlive: boolean, connection: string): boolean {
  if (connection.includes('close')) return false;
  return keepAlive || connection.includes('keep-alive');
}

const CONTENT_LENGTH = 'content-length';
const CONNECTION = 'connection';
const NAMES = [CONTENT_LENGTH, CONNECTION, 'transfer-encoding'];
const VERSION = 'HTTP/1.';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
const COLON = 0x3a;
