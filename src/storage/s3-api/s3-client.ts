/**
 * Words of this folder: the S3 REST API as the port needs it. A *client* signs one request, sends it and hands back the
 * *answer*; what to ask and what an answer means is decided here. The client: `../s3`.
 *
 * In the agent's bundle, once per bot: no packages, no node:http.
 */
import type { Body } from '../object-store.ts';
import type { StoreCall } from '../store-failure.ts';
import type { S3Limits } from './s3-limits.ts';

export interface S3Request extends StoreCall {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case; without what the client adds (host, length, date, signature). */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Bytes that the store moves by itself before it answers: it may be silent for longer. */
  readonly movedBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface S3Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** To be read to its end, or ended with `return()`. Throws StoreError `unreachable` when less comes than promised. */
  readonly body: AsyncIterableIterator<Buffer>;
}

export interface S3Client {
  /** Requests that may run at the same time. */
  readonly connections: number;
  /** @throws StoreError `unreachable`; `refused` when the body is not what it promised to be */
  send(request: S3Request): Promise<S3Answer>;
  close(): void;
}

/** How to reach the store and as whom (contract 4.2). */
export interface S3Access {
  /** `host` or `host:port`, no scheme. */
  readonly endpoint: string;
  readonly ssl: boolean;
  readonly accessKey: string;
  readonly secretKey: string;
  /** With temporary credentials (STS). */
  readonly sessionToken?: string;
  /** `us-east-1` when left out, which is also what MinIO wants. */
  readonly region?: string;
}

export const DEFAULT_REGION = 'us-east-1';

/** Longest wait of a call that moves so many bytes, and the longest silence in it. */
export function patienceFor(limits: S3Limits, request: S3Request): { callMs: number; silenceMs: number } {
  const moved = ((request.movedBytes ?? 0) / limits.slowestBytesPerSecond) * 1000;
  const sent = ((request.body?.size ?? 0) / limits.slowestBytesPerSecond) * 1000;
  return { callMs: limits.callMs + moved + sent, silenceMs: limits.silenceMs + moved };
}
