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
 * @param text status line and header fields in latin1, lines ending in CRLF or LF
 * @throws UpstreamFailure when this is not HTTP/1.x or the length is not one number
 */
export function readResponseHead(text: string): ResponseHead {
  if (!STATUS_LINE.test(text)) {
    const line = text.split('\n', 1)[0] ?? '';
    throw new UpstreamFailure(`malformed HTTP response ${JSON.stringify(line.slice(0, 80).trimEnd())}`);
  }
  const status = (text.charCodeAt(9) - 48) * 100 + (text.charCodeAt(10) - 48) * 10 + (text.charCodeAt(11) - 48);
  let contentLength = -1;
  let chunked = false;
  let keepAlive = text.charCodeAt(7) === ONE;
  let lineStart = text.indexOf('\n') + 1;
  while (lineStart > 0 && lineStart < text.length) {
    const lineEnd = text.indexOf('\n', lineStart);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const colon = text.indexOf(':', lineStart);
    if (colon < 0) break;
    // Only three names matter, and they differ in length; blanks before the colon are tolerated.
    const nameLength = colon - lineStart;
    if (colon < end && (nameLength === 10 || nameLength === 14 || nameLength === 17 || text[colon - 1] === ' ')) {
      const value = text.slice(colon + 1, end).trim();
      switch (text.slice(lineStart, colon).trimEnd().toLowerCase()) {
        case 'content-length':
          contentLength = joinedLength(contentLength, value);
          break;
        case 'transfer-encoding':
          chunked ||= value.toLowerCase().endsWith('chunked');
          break;
        case 'connection':
          keepAlive = keepAliveAfter(keepAlive, value.toLowerCase());
          break;
        default:
      }
    }
    lineStart = end + 1;
  }
  return { status, contentLength, chunked, keepAlive };
}

/** A list or a repetition of one number is that number (RFC 9110, 8.6). */
function joinedLength(known: number, value: string): number {
  let length = known;
  for (const part of value.split(',')) {
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

const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d(?!\d)/;
const ONE = 0x31;
