import type { BotAnswer } from './bot-answer.ts';

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
  const head = answer.status === 'ok' ? '{"status":"ok"' : `{"status":${JSON.stringify(answer.status)}`;
  const error = answer.error === '' ? '' : `,"error":${JSON.stringify(answer.error)}`;
  const end = error + tail(durationMs);
  const { bytes, dataFrom, dataTo } = answer;
  const dataLength = dataFrom < 0 ? 0 : dataTo - dataFrom;
  const room = (head.length + end.length) * LONGEST_CHARACTER + DATA_NAME.length + dataLength;
  const out = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
  let at = writeText(out, head, 0);
  if (dataFrom >= 0) {
    at += out.write(DATA_NAME, at, 'latin1');
    at += bytes.copy(out, at, dataFrom, dataTo);
  }
  at += writeText(out, end, at);
  return out.subarray(0, at);
}

function writeText(out: Buffer, text: string, at: number): number {
  return out.write(text, at, 'utf8');
}

function tail(durationMs: number): string {
  return `,"duration":${Math.round(durationMs * 1e6)},"timestamp":"${timestamp()}"}\n`;
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

const DATA_NAME = ',"data":';
const LONGEST_CHARACTER = 3;
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
