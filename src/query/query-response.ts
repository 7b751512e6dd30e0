import type { BotAnswer } from './bot-answer.ts';
import { ZERO } from './json-bytes.ts';

/** HTTP status lines this server uses. */
export type StatusLine =
  | '200 OK'
  | '400 Bad Request'
  | '401 Unauthorized'
  | '404 Not Found'
  | '405 Method Not Allowed'
  | '413 Content Too Large'
  | '500 Internal Server Error'
  | '503 Service Unavailable';

/** Contract 8.1: 200 unless the status is exactly `error`. */
export function statusLineOf(status: string): StatusLine {
  return status === 'error' ? '500 Internal Server Error' : '200 OK';
}

/** The error shape of contract 8.1, with its trailing newline. `durationMs` becomes whole nanoseconds. */
export function errorBody(error: string, durationMs: number): string {
  return `{"status":"error","error":${JSON.stringify(error)}${tail(durationMs)}`;
}

/**
 * The response of contract 8.1 around the bot's own `data`, byte for byte.
 *
 * @returns a view of a buffer that is used again: hand it over before the next call. Larger bodies get their own.
 */
export function answerBody(answer: BotAnswer, durationMs: number): Buffer {
  const { status, error, bytes, dataFrom, dataTo } = answer;
  const dataLength = dataTo - dataFrom;
  if (status === 'ok' && error === '' && dataFrom >= 0 && dataLength <= scratch.length - ROOM_AROUND) {
    // Nearly every answer: its beginning stands in the buffer already, and nothing of it becomes a string.
    let at = OK_HEAD.length;
    if (dataLength > LOOPED_BYTES) at += bytes.copy(scratch, at, dataFrom, dataTo);
    else for (let i = dataFrom; i < dataTo; i += 1) scratch[at++] = bytes[i] ?? 0;
    at = putText(',"duration":', at);
    at = putNumber(nanoseconds(durationMs), at);
    at = putText(',"timestamp":"', at);
    at = putText(timestamp(), at);
    return scratch.subarray(0, putText('"}\n', at));
  }
  return Buffer.concat([
    Buffer.from(`{"status":${JSON.stringify(status)}`),
    Buffer.from(dataFrom < 0 ? '' : ',"data":'),
    dataFrom < 0 ? NOTHING : bytes.subarray(dataFrom, dataTo),
    Buffer.from(error === '' ? '' : `,"error":${JSON.stringify(error)}`),
    Buffer.from(tail(durationMs)),
  ]);
}

/** Short ASCII into the buffer, faster than by a call into native code. Returns where it ends. */
function putText(text: string, at: number): number {
  for (let i = 0; i < text.length; i += 1) scratch[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** A whole number from 0 in decimal digits. Returns where it ends. */
function putNumber(value: number, at: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
  let left = value;
  for (let i = end - 1; i >= at; i -= 1) {
    const quotient = Math.floor(left / 10);
    scratch[i] = ZERO + left - quotient * 10;
    left = quotient;
  }
  return end;
}

function tail(durationMs: number): string {
  return `,"duration":${nanoseconds(durationMs)},"timestamp":"${timestamp()}"}\n`;
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}

/** RFC 3339. Made once per millisecond. */
function timestamp(): string {
  const now = Date.now();
  if (now !== timestampAt) {
    timestampAt = now;
    timestampText = new Date(now).toISOString();
  }
  return timestampText;
}

let timestampAt = 0;
let timestampText = '';

const OK_HEAD = '{"status":"ok","data":';
/** Head and tail around the data: some 100 bytes. */
const ROOM_AROUND = 256;
/** Up to here a loop is faster than a call into native code. */
const LOOPED_BYTES = 256;
const NOTHING = Buffer.alloc(0);
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
scratch.write(OK_HEAD, 'latin1');
