import type { StoreError, StoreTrouble } from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import type { S3Answer } from './s3-client.ts';
import { xmlText } from './xml.ts';

/** A page of a listing has at most this; anything else is far smaller. */
const MOST_XML_BYTES = 8 * 1024 * 1024;
const MOST_ERROR_BYTES = 64 * 1024;

/** @throws StoreError when the answer is not one of these */
export async function expectStatus(call: StoreCall, answer: S3Answer, ...wanted: readonly number[]): Promise<void> {
  if (!wanted.includes(answer.status)) throw await failureOf(call, answer);
}

/** Of what the store says only its code is used: its texts may repeat what was signed. */
export async function failureOf(call: StoreCall, answer: S3Answer): Promise<StoreError> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_ERROR_BYTES) break;
  }
  const code = codeIn(Buffer.concat(chunks).toString('utf8'));
  const said = code ?? codeOf(answer.headers.get('x-minio-error-code') ?? null);
  // To HEAD a store may say nothing but that it is the one who answers.
  const mute = answer.status === 404 && said === null && answer.headers.has('x-amz-request-id');
  return failureFor(call, answer.status, mute ? 'NoSuchKey' : said);
}

/** Object or bucket; the answer is read then. @throws StoreError when it is not the store that has nothing there */
export async function isMissing(call: StoreCall, answer: S3Answer): Promise<boolean> {
  if (answer.status !== 404) return false;
  // A state that cannot be had must not pass for one that does not exist.
  const failure = await failureOf(call, answer);
  if (failure.trouble === 'missing') return true;
  throw failure;
}

/** An error that comes with status 200, as completing an upload and copying a part may answer. */
export function failureInside(call: StoreCall, xml: string): StoreError | null {
  return xml.includes('<Error>') ? failureFor(call, 200, codeIn(xml)) : null;
}

function failureFor(call: StoreCall, status: number, code: string | null): StoreError {
  const foreign = status === 404 && code === null ? 'but not from the store' : '';
  const said = [status === 200 ? '' : String(status), code ?? foreign].filter((part) => part !== '').join(' ');
  return storeFailure(troubleOf(status, code), call, said === '' ? 'the store reports an error' : said);
}

export async function drain(answer: S3Answer): Promise<void> {
  for await (const _ of answer.body) {
    // Only so that the connection can be used again.
  }
}

/** @throws StoreError `unreachable` when it is larger than such an answer can be */
export async function textOf(call: StoreCall, answer: S3Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > MOST_XML_BYTES)
      throw storeFailure('unreachable', call, `the answer has more than ${MOST_XML_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function codeIn(xml: string): string | null {
  return codeOf(xmlText(xml, 'Code'));
}

function codeOf(text: string | null): string | null {
  return text !== null && /^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : null;
}

const TROUBLE_BY_CODE: Readonly<Record<string, StoreTrouble>> = {
  PreconditionFailed: 'changed',
  ConditionalRequestConflict: 'changed',
  NoSuchKey: 'missing',
  NoSuchBucket: 'missing',
  // Not the object: somebody has ended the upload.
  NoSuchUpload: 'refused',
  AccessDenied: 'denied',
  ExpiredToken: 'denied',
  InvalidToken: 'denied',
  InvalidTokenId: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  RequestTimeTooSkewed: 'denied',
  RequestTimeout: 'unreachable',
  SlowDown: 'busy',
  SlowDownRead: 'busy',
  SlowDownWrite: 'busy',
  InternalError: 'busy',
  ServiceUnavailable: 'busy',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
};

function troubleOf(status: number, code: string | null): StoreTrouble {
  const known = code === null ? undefined : TROUBLE_BY_CODE[code];
  if (known !== undefined) return known;
  switch (status) {
    case 401:
    case 403:
      return 'denied';
    case 404:
      // Not in the words of a store: somebody who stands before it, and does not find it.
      return code === null ? 'unreachable' : 'missing';
    case 409:
    case 412:
      return 'changed';
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return 'busy';
    case 507:
      return 'full';
    default:
      return 'refused';
  }
}
