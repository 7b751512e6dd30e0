import { type Buckets, StoreError } from '../object-store.ts';
import { openS3Client } from '../s3/open-s3-store.ts';
import type { S3Access, S3Client } from '../s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../s3-api/s3-limits.ts';
import { AccountNames } from './account-names.ts';
import { MinioAdmin } from './admin-api.ts';

/**
 * Users of bots that are gone, with all accounts below them, and bots' accounts below the runtime's own user. Accounts for
 * queries need nobody: they go with the user of their bot, or end by themselves (`QUERY_KEYS_MS`).
 */
export class MinioUnusedCredentials {
  readonly #client: S3Client;
  readonly #admin: MinioAdmin;
  readonly #names: AccountNames;

  /** Nothing is sent yet. @throws StoreError `refused` when the endpoint is none */
  constructor(access: S3Access, buckets: Pick<Buckets, 'state'>, limits: S3Limits = DEFAULT_S3_LIMITS) {
    this.#client = openS3Client(access, limits);
    this.#admin = new MinioAdmin(this.#client, access.secretKey);
    this.#names = new AccountNames(buckets.state);
  }

  /** Nothing of what the runtime may not look at, or the store does not have: then it cannot have made any. */
  async list(known: ReadonlySet<string>, signal?: AbortSignal): Promise<{ all: number; unused: readonly string[] }> {
    const names = this.#names;
    const ours = [
      ...(await orNone(this.#admin.users(signal))).filter((name) => names.isUserOfBot(name)),
      ...(await orNone(this.#admin.accounts(signal))).filter((accessKey) => names.isAccountOfBot(accessKey)),
    ];
    if (ours.length === 0) return { all: 0, unused: [] };
    const used = new Set<string>();
    for (const botId of known) {
      used.add(names.userOf(botId)).add(names.accessKeyOf(botId)).add(names.sharedAccessKeyOf(botId));
    }
    return { all: ours.length, unused: ours.filter((name) => !used.has(name)) };
  }

  async remove(name: string, signal?: AbortSignal): Promise<void> {
    if (this.#names.isUserOfBot(name)) await this.#admin.removeUser(name, signal);
    else if (this.#names.isAccountOfBot(name)) await this.#admin.removeAccount(name, signal);
    else throw new StoreError('refused', `${name} is no account of a bot`);
  }

  close(): void {
    this.#client.close();
  }
}

async function orNone(names: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await names;
  } catch (error) {
    const none = ['denied', 'refused', 'missing'];
    if (error instanceof StoreError && none.includes(error.trouble)) return [];
    throw error;
  }
}
