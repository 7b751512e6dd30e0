import { StoreError } from '../object-store.ts';
import { parseEndpoint } from '../s3-api/endpoint.ts';
import type { S3Access } from '../s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../s3-api/s3-limits.ts';
import { MinioAdmin } from './admin-api.ts';
import { accessKeyOf } from './bot-credentials.ts';
import { MinioClient } from './minio-client.ts';

/** Accounts for queries have other letters: which of them is in use is known only to the process that made them. */
const OF_A_BOT = /^THE0B[0-9A-Z]{15}$/;

/** Service accounts of bots that are gone. */
export class MinioUnusedCredentials {
  readonly #client: MinioClient;
  readonly #admin: MinioAdmin;

  /** Nothing is sent yet. @throws StoreError `refused` when the endpoint is none */
  constructor(access: S3Access, limits: S3Limits = DEFAULT_S3_LIMITS) {
    this.#client = new MinioClient(parseEndpoint(access.endpoint, access.ssl), access, limits);
    this.#admin = new MinioAdmin(this.#client, access.secretKey);
  }

  /** Nothing, where the runtime may not manage accounts or the store has none: then it cannot have made any. */
  async list(known: ReadonlySet<string>, signal?: AbortSignal): Promise<readonly string[]> {
    try {
      const accounts = (await this.#admin.accounts(signal)).filter(({ accessKey }) => OF_A_BOT.test(accessKey));
      if (accounts.length === 0) return [];
      const used = new Set([...known].map((botId) => accessKeyOf(botId, 'bot')));
      return accounts.map(({ accessKey }) => accessKey).filter((accessKey) => !used.has(accessKey));
    } catch (error) {
      const none = ['denied', 'refused', 'missing'];
      if (error instanceof StoreError && none.includes(error.trouble)) return [];
      throw error;
    }
  }

  async remove(accessKey: string, signal?: AbortSignal): Promise<void> {
    if (!OF_A_BOT.test(accessKey)) throw new StoreError('refused', `${accessKey} is no account of a bot`);
    await this.#admin.removeAccount(accessKey, signal);
  }

  close(): void {
    this.#client.close();
  }
}
