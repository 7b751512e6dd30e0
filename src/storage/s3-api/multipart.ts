import { LinkedAbort } from '../../linked-abort.ts';
import { type Body, bodyOf, type Piece, type PieceLimits, StoreError, type WriteOptions } from '../object-store.ts';
import { checkPieces, pieceBytes } from '../piece-check.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import { drain, expectStatus, failureInside, textOf } from './answer.ts';
import { etagOf, quoted } from './etag.ts';
import { metadataHeaders } from './object-info.ts';
import { resourcePath } from './resource-path.ts';
import type { S3Client, S3Request } from './s3-client.ts';
import { xmlText } from './xml.ts';

interface Rewrite {
  readonly etag: string;
  readonly pieces: readonly Piece[];
  readonly options: Omit<WriteOptions, 'condition'>;
  readonly limits: PieceLimits & { readonly abortMs: number };
}

/**
 * A multipart upload whose parts are ranges of the present version, copied inside the store, and new bytes:
 *
 *     create ──► parts, a few at a time ──► complete (If-Match) ──► current
 *                          └──── any failure: abort
 *
 * Who is killed in between leaves an upload that nobody sees and that takes room. It is left to the clean-up (`gc`), which may
 * list uploads: an agent may not, and its next start has better things to do.
 *
 * The same list of parts gives the same ETag again: a version that only repeats the one before cannot be told from it.
 */
export async function rewriteObject(client: S3Client, call: StoreCall, rewrite: Rewrite): Promise<string> {
  checkPieces(call, rewrite.pieces, rewrite.limits);
  const { etag, pieces, options } = rewrite;
  const uploadId = await create(client, call, options);
  // Ends the other parts when one fails.
  const ending = new LinkedAbort(options.signal === undefined ? [] : [options.signal]);
  const { signal } = ending;
  try {
    const parts = await inParallel(pieces, client.connections, ending, (piece, index) =>
      sendPart(client, call, { piece, uploadId, etag, number: index + 1, signal }),
    );
    const bytes = pieces.reduce((sum, piece) => sum + pieceBytes(piece), 0);
    return await complete(client, call, { uploadId, etag, parts, bytes, signal });
  } catch (error) {
    throw await abortedUpload(client, call, uploadId, rewrite.limits.abortMs, error);
  } finally {
    ending.release();
  }
}

async function create(client: S3Client, call: StoreCall, options: Omit<WriteOptions, 'condition'>): Promise<string> {
  const headers = { 'content-type': options.contentType, ...metadataHeaders(options.metadata) };
  const answer = await client.send({
    ...call,
    method: 'POST',
    query: { uploads: '' },
    headers,
    body: NOTHING,
    signal: options.signal,
  });
  await expectStatus(call, answer, 200);
  const uploadId = xmlText(await textOf(call, answer), 'UploadId');
  if (!uploadId) throw storeFailure('unreachable', call, 'the answer names no upload');
  return uploadId;
}

interface Part {
  readonly piece: Piece;
  readonly uploadId: string;
  readonly etag: string;
  readonly number: number;
  readonly signal: AbortSignal;
}

/** @returns the part's ETag */
async function sendPart(client: S3Client, call: StoreCall, part: Part): Promise<string> {
  const { piece, uploadId, etag, number, signal } = part;
  const query = { partNumber: String(number), uploadId };
  const request: S3Request = { ...call, method: 'PUT', query, signal };
  if (piece.kind === 'new') {
    const answer = await client.send({ ...request, body: piece.body });
    await expectStatus(call, answer, 200);
    await drain(answer);
    return etagOf(call, answer.headers.get('etag'));
  }
  const headers = {
    'x-amz-copy-source': resourcePath(call),
    'x-amz-copy-source-range': `bytes=${piece.range.from}-${piece.range.to - 1}`,
    'x-amz-copy-source-if-match': quoted(etag),
  };
  const answer = await client.send({ ...request, headers, body: NOTHING, movedBytes: pieceBytes(piece) });
  await expectStatus(call, answer, 200);
  const xml = await textOf(call, answer);
  const failure = failureInside(call, xml);
  if (failure !== null) throw failure;
  return etagOf(call, xmlText(xml, 'ETag'));
}

interface Completion {
  readonly uploadId: string;
  readonly etag: string;
  readonly parts: readonly string[];
  readonly bytes: number;
  readonly signal: AbortSignal;
}

async function complete(client: S3Client, call: StoreCall, completion: Completion): Promise<string> {
  const { uploadId, etag, parts, bytes, signal } = completion;
  const list = parts.map((part, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${quoted(part)}</ETag></Part>`);
  const answer = await client.send({
    ...call,
    method: 'POST',
    query: { uploadId },
    headers: { 'if-match': quoted(etag), 'content-type': 'application/xml' },
    body: bodyOf(Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`)),
    movedBytes: bytes,
    signal,
  });
  await expectStatus(call, answer, 200);
  const xml = await textOf(call, answer);
  const failure = failureInside(call, xml);
  if (failure !== null) throw failure;
  return etagOf(call, xmlText(xml, 'ETag'));
}

/** With a deadline of its own, for the caller's may be what ended the rewrite. @returns the error to throw */
async function abortedUpload(
  client: S3Client,
  call: StoreCall,
  uploadId: string,
  abortMs: number,
  error: unknown,
): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(abortMs);
    const answer = await client.send({ ...call, method: 'DELETE', query: { uploadId }, signal });
    await expectStatus(call, answer, 200, 204, 404);
    await drain(answer);
    return error;
  } catch (left) {
    const trouble = error instanceof StoreError ? error.trouble : 'refused';
    const why = left instanceof Error ? left.message : String(left);
    const message = error instanceof Error ? error.message : String(error);
    return new StoreError(trouble, `${message}; its parts stay in the store (${why})`, { cause: error });
  }
}

/** Results in the order of the items. After a failure no further item begins, and all that began have ended. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  ending: LinkedAbort,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await work(item, index);
  };
  const failures: unknown[] = [];
  const failed = (error: unknown) => {
    failures.push(error);
    ending.abort();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, () => worker().catch(failed)));
  if (failures.length > 0) throw failures[0];
  return results;
}

const NOTHING: Body = bodyOf(Buffer.alloc(0));
