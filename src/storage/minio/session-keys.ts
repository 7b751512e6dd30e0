import http from 'node:http';
import https from 'node:https';
import { StoreError, type StoreTrouble } from '../object-store.ts';
import type { S3Access } from '../s3-api/s3-client.ts';
import { DEFAULT_REGION } from '../s3-api/s3-client.ts';
import { storeFailure } from '../store-failure.ts';
import type { BotStoreKeys } from './bot-credentials.ts';
import type { BotPolicy } from './bot-policy.ts';

const CALL = { operation: 'sts', bucket: 'AssumeRole', key: '' };

/**
 * Temporary keys from a store's STS (`AssumeRole` with a policy of its own,
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
 */
export class SessionKeys {
  readonly #access: S3Access;
  readonly #sockets: number;
  #agent: http.Agent | null = null;

  /** @param sockets calls at the same time; further ones wait */
  constructor(access: S3Access, sockets: number) {
    this.#access = access;
    this.#sockets = sockets;
  }

  /** @throws StoreError */
  async assume(policy: BotPolicy, seconds: number, signal: AbortSignal): Promise<BotStoreKeys> {
    const { AssumeRoleProvider } = await import('minio/dist/esm/AssumeRoleProvider.mjs');
    const { endpoint, ssl, accessKey, secretKey, region } = this.#access;
    this.#agent ??= new (ssl ? https : http).Agent({ keepAlive: true, maxSockets: this.#sockets });
    const provider = new AssumeRoleProvider({
      stsEndpoint: `${ssl ? 'https' : 'http'}://${endpoint}`,
      accessKey,
      secretKey,
      region: region ?? DEFAULT_REGION,
      durationSeconds: seconds,
      policy: JSON.stringify(policy),
      transportAgent: this.#agent,
    });
    const asked = Date.now() + seconds * 1_000;
    const granting = provider.performRequest().then((answer) => {
      const { accessKey: own, secretKey: secret, sessionToken } = provider.parseCredentials(answer);
      if (sessionToken === undefined) throw storeFailure('refused', CALL, 'the answer holds no session token');
      const granted = Date.parse(answer.AssumeRoleResponse.AssumeRoleResult.Credentials.Expiration);
      // The store may grant less. By a clock that is ahead of ours it seems to grant more.
      const until = Number.isNaN(granted) ? asked : Math.min(asked, granted);
      return { accessKey: own, secretKey: secret, sessionToken, until };
    });
    return await this.#within(granting, signal);
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  /** The package has no deadline, so its connections end with ours. */
  async #within<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    let onAbort = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        reject(storeFailure('unreachable', CALL, 'no answer in time'));
        this.close();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
    try {
      return await Promise.race([answer.catch((error: unknown) => Promise.reject(failureOf(error))), late]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** The package's texts repeat the store's, so only a code is taken from them. */
function failureOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const errno = inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? inner.code : null;
  if (errno !== null) return storeFailure('unreachable', CALL, `the connection failed (${errno})`, error);
  const text = inner instanceof Error ? inner.message : '';
  const code = /Unable to obtain credentials: ([A-Za-z0-9._-]{1,64})/.exec(text)?.[1] ?? 'no such service';
  return storeFailure(TROUBLE[code] ?? 'refused', CALL, code);
}

const TROUBLE: Readonly<Record<string, StoreTrouble>> = {
  AccessDenied: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  InternalError: 'busy',
  SlowDown: 'busy',
  ServiceUnavailable: 'busy',
};
