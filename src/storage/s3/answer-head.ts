import { ConnectionFailure } from './connection-failure.ts';

/** Status line and headers of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Names in lower case; of a repeated one all values, joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether the connection may be used again. */
  readonly keepAlive: boolean;
}

export const MOST_HEAD_BYTES = 32 * 1024;

/** @param text up to the blank line @throws ConnectionFailure when this is no HTTP/1.x */
export function parseHead(text: string): AnswerHead {
  const [statusLine = '', ...lines] = text.split(/\r?\n/);
  const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine);
  if (match === null) throw new ConnectionFailure('the answer is not HTTP/1.x');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (field === null) throw new ConnectionFailure('the answer has a header line that is none');
    const name = (field[1] ?? '').toLowerCase();
    const value = field[2] ?? '';
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known}, ${value}`);
  }
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  const keepAlive = match[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  return { status: Number(match[2]), headers, keepAlive };
}

/** How many bytes the body has: a number, `chunked`, or `until-end` of the connection (RFC 9112, 6.3). */
export type BodyLength = number | 'chunked' | 'until-end';

/** @throws ConnectionFailure when the length is not one number */
export function bodyLength(method: string, { status, headers }: AnswerHead): BodyLength {
  if (method === 'HEAD' || status === 204 || status === 304) return 0;
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new ConnectionFailure('the answer has an unknown transfer coding');
    return 'chunked';
  }
  const length = headers.get('content-length');
  if (length === undefined) return 'until-end';
  if (!/^\d{1,15}$/.test(length)) throw new ConnectionFailure('the length of the answer is not one number');
  return Number(length);
}
