/**
 * Words of this folder: a *channel* is a socket read and written in turns; the *pool* keeps a few of them for a moment;
 * *patience* bounds all waits of one call. Together an HTTP/1.1 client that is just enough for a store, because node:http
 * would cost every agent 0.85 MB.
 */
import { ContentBody } from '../content-body.ts';
import type { Endpoint } from '../s3-api/endpoint.ts';
import { bodyChunks, payloadHash, wrongSize } from '../s3-api/payload-hash.ts';
import { queryString, resourcePath } from '../s3-api/resource-path.ts';
import { patienceFor, type S3Access, type S3Answer, type S3Client, type S3Request } from '../s3-api/s3-client.ts';
import type { S3Limits } from '../s3-api/s3-limits.ts';
import { aborted, refuseAborted, storeFailure } from '../store-failure.ts';
import { answerBody } from './answer-body.ts';
import { type AnswerHead, bodyLength, MOST_HEAD_BYTES, parseHead } from './answer-head.ts';
import type { ByteChannel } from './byte-channel.ts';
import { ConnectionFailure } from './connection-failure.ts';
import { type Connection, ConnectionPool } from './connection-pool.ts';
import { readHead } from './lines.ts';
import { Patience } from './patience.ts';
import { signedHeaders } from './signature.ts';

/** `100 Continue` and the like, before the answer proper. */
const MOST_INTERIM_ANSWERS = 8;

export class LightS3Client implements S3Client {
  readonly connections: number;
  readonly #endpoint: Endpoint;
  readonly #access: S3Access;
  readonly #limits: S3Limits;
  readonly #pool: ConnectionPool;

  constructor(endpoint: Endpoint, access: S3Access, limits: S3Limits) {
    this.connections = limits.connections;
    this.#endpoint = endpoint;
    this.#access = access;
    this.#limits = limits;
    this.#pool = new ConnectionPool(endpoint, access.ssl, limits);
  }

  async send(request: S3Request): Promise<S3Answer> {
    refuseAborted(request, request.signal);
    const hash = await payloadHash(request);
    const hasEffect = request.method !== 'GET' && request.method !== 'HEAD';
    for (let fresh = false; ; fresh = true) {
      let connection: Connection | null = null;
      try {
        connection = await this.#pool.take(fresh, request.signal);
        return await this.#exchange(connection.channel, request, hash);
      } catch (error) {
        if (connection !== null) this.#pool.discard(connection.channel);
        if (!(error instanceof ConnectionFailure)) throw error;
        // The other side may have ended a kept connection while the request was on its way. Only reads are made again.
        const again = connection?.used === true && error.unanswered && !hasEffect && request.signal?.aborted !== true;
        if (!again) throw failureOf(request, error);
      }
    }
  }

  close(): void {
    this.#pool.close();
  }

  async #exchange(channel: ByteChannel, request: S3Request, hash: string): Promise<S3Answer> {
    const { callMs, silenceMs } = patienceFor(this.#limits, request);
    const patience = new Patience(silenceMs, callMs);
    const onAbort = () => channel.destroy();
    request.signal?.addEventListener('abort', onAbort);
    const forget = () => request.signal?.removeEventListener('abort', onAbort);
    try {
      refuseAborted(request, request.signal);
      const sent = await this.#write(channel, request, hash, patience);
      const head = await finalHead(channel, patience);
      const length = bodyLength(request.method, head);
      if (typeof length === 'number') patience.extend((length / this.#limits.slowestBytesPerSecond) * 1000);
      // What was not sent to its end, or ends with the connection, leaves nothing to build on.
      const reusable = sent && head.keepAlive && length !== 'until-end';
      const body = new ContentBody(answerBody(channel, length, patience), {
        end: (whole) => {
          forget();
          if (whole && reusable) this.#pool.release(channel);
          else this.#pool.discard(channel);
        },
        failure: (error) => (error instanceof ConnectionFailure ? failureOf(request, error) : error),
      });
      return { status: head.status, headers: head.headers, body };
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** @returns false when the store answers, or goes away, before it has everything */
  async #write(channel: ByteChannel, request: S3Request, hash: string, patience: Patience): Promise<boolean> {
    const path = resourcePath(request);
    const query = queryString(request.query);
    const length: Record<string, string> =
      request.body === undefined ? {} : { 'content-length': `${request.body.size}` };
    const headers = signedHeaders(
      {
        method: request.method,
        path,
        query,
        headers: { ...request.headers, ...length, host: this.#endpoint.authority },
        payloadHash: hash,
        now: Date.now(),
      },
      this.#access,
    );
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${request.method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\n${lines.join('')}\r\n`;
    if (!(await channel.write(head, patience))) return false;
    let left = request.body?.size ?? 0;
    for await (const chunk of bodyChunks(request)) {
      const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      if (part.length > 0 && !(await channel.write(part, patience))) return false;
      if (left === 0) break;
    }
    if (left > 0) throw wrongSize(request, (request.body?.size ?? 0) - left);
    return true;
  }
}

async function finalHead(channel: ByteChannel, patience: Patience): Promise<AnswerHead> {
  for (let interim = 0; interim <= MOST_INTERIM_ANSWERS; interim += 1) {
    const head = parseHead(await readHead(channel, patience, MOST_HEAD_BYTES));
    if (head.status >= 200) return head;
  }
  throw new ConnectionFailure('the answer does not come to its point');
}

function failureOf(request: S3Request, error: ConnectionFailure): Error {
  if (request.signal?.aborted) return aborted(request, request.signal);
  return storeFailure('unreachable', request, error.message, error);
}
