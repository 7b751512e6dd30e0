import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { Client } from 'minio';
import { ContentBody } from '../content-body.ts';
import { StoreError } from '../object-store.ts';
import type { Endpoint } from '../s3-api/endpoint.ts';
import { bodyChunks, payloadHash, wrongSize } from '../s3-api/payload-hash.ts';
import { queryString } from '../s3-api/resource-path.ts';
import {
  DEFAULT_REGION,
  patienceFor,
  type S3Access,
  type S3Answer,
  type S3Client,
  type S3Request,
} from '../s3-api/s3-client.ts';
import type { S3Limits } from '../s3-api/s3-limits.ts';
import { aborted, refuseAborted, storeFailure } from '../store-failure.ts';
import { answeringTransport, type Transport } from './answering-transport.ts';

/**
 * The `minio` package as client: it signs and sends. Its answers are taken at the transport, before it reads them, because
 * it hides the status of a failure (5xx becomes a text) and knows neither conditions nor deadlines.
 */
export class MinioClient implements S3Client {
  readonly connections: number;
  readonly #endpoint: Endpoint;
  readonly #access: S3Access;
  readonly #limits: S3Limits;
  readonly #agent: http.Agent;

  constructor(endpoint: Endpoint, access: S3Access, limits: S3Limits) {
    this.connections = limits.connections;
    this.#endpoint = endpoint;
    this.#access = access;
    this.#limits = limits;
    const options = { keepAlive: true, maxSockets: limits.connections, timeout: limits.keptMs };
    this.#agent = access.ssl ? new https.Agent(options) : new http.Agent(options);
  }

  async send(request: S3Request): Promise<S3Answer> {
    refuseAborted(request, request.signal);
    const hash = await payloadHash(request);
    const { callMs, silenceMs } = patienceFor(this.#limits, request);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`no answer within ${Math.round(callMs)} ms`)), callMs);
    const signal = request.signal === undefined ? late.signal : AbortSignal.any([late.signal, request.signal]);
    try {
      const response = await this.#respond(request, hash, signal, silenceMs);
      const body = new ContentBody(bytesOf(response, silenceMs), {
        end: (whole) => {
          if (!whole) response.destroy();
        },
        failure: (error) => failureOf(request, error),
      });
      return { status: response.statusCode ?? 0, headers: headersOf(response), body };
    } catch (error) {
      throw failureOf(request, late.signal.aborted ? late.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #respond(
    request: S3Request,
    hash: string,
    signal: AbortSignal,
    silenceMs: number,
  ): Promise<http.IncomingMessage> {
    return await new Promise((resolve, reject) => {
      const transport = answeringTransport(this.#access.ssl, { signal, silenceMs, answer: resolve, fail: reject });
      const client = this.#clientWith(transport);
      const { body } = request;
      client
        .makeRequestStreamAsync(
          {
            method: request.method,
            bucketName: request.bucket,
            ...(request.key === '' ? {} : { objectName: request.key }),
            query: queryString(request.query),
            headers: { ...request.headers, ...(body === undefined ? {} : { 'content-length': String(body.size) }) },
          },
          body === undefined || body.size === 0 ? '' : Readable.from(wholeBody(request), { objectMode: false }),
          client.enableSHA256 ? hash : '',
          [],
          this.#access.region ?? DEFAULT_REGION,
        )
        // Nothing but failures: the transport keeps the answer.
        .catch(reject);
    });
  }

  #clientWith(transport: Transport): Client {
    const { host, port } = this.#endpoint;
    const { ssl, accessKey, secretKey, sessionToken, region } = this.#access;
    return new Client({
      endPoint: host,
      port,
      useSSL: ssl,
      accessKey,
      secretKey,
      ...(sessionToken ? { sessionToken } : {}),
      region: region ?? DEFAULT_REGION,
      transport,
      transportAgent: this.#agent,
      retryOptions: { disableRetry: true },
    });
  }
}

/** As long as it promised, or an error: then the request breaks off, and nothing becomes current. */
async function* wholeBody(request: S3Request): AsyncGenerator<Buffer> {
  const size = request.body?.size ?? 0;
  let bytes = 0;
  for await (const chunk of bodyChunks(request)) {
    bytes += chunk.length;
    if (bytes > size) break;
    yield chunk;
  }
  if (bytes !== size) throw wrongSize(request, bytes);
}

async function* bytesOf(response: http.IncomingMessage, silenceMs: number): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<unknown> = response.iterator({ destroyOnReturn: false });
  for (;;) {
    const timer = setTimeout(() => response.destroy(new Error(`no sign of the store for ${silenceMs} ms`)), silenceMs);
    const result = await chunks.next().finally(() => clearTimeout(timer));
    if (result.done === true) return;
    if (Buffer.isBuffer(result.value)) yield result.value;
  }
}

function headersOf(response: http.IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

function failureOf(request: S3Request, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (request.signal?.aborted) return aborted(request, request.signal);
  // What the package refuses before it sends anything.
  if (error instanceof Error && /^Invalid/.test(error.name)) return storeFailure('refused', request, error.name, error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = code !== '' ? code : error instanceof Error ? error.message : String(error);
  return storeFailure('unreachable', request, `the connection failed (${why})`, error);
}
