import * as v from 'valibot';
import { bodyOf, StoreError, type StoreTrouble } from '../object-store.ts';
import type { S3Answer, S3Client } from '../s3-api/s3-client.ts';
import { storeFailure } from '../store-failure.ts';
import { importArchive } from './account-import.ts';
import { AdminSeal, openSealed } from './admin-cipher.ts';
import type { BotPolicy } from './bot-policy.ts';

/** An account below the one that makes it: it may what its policy allows, as far as its maker may. */
export interface ServiceAccount {
  /** 3 to 20 characters. */
  readonly accessKey: string;
  /** 8 to 40 characters. */
  readonly secretKey: string;
  readonly policy: BotPolicy;
  /** For people who look at the list: at most 32 characters. */
  readonly name: string;
  /** At most 256 characters. */
  readonly description: string;
}

export interface ListedAccount {
  readonly accessKey: string;
  readonly name: string;
}

const listing = v.object({
  // Go writes null for an empty list.
  accounts: v.nullable(v.array(v.object({ accessKey: v.string(), name: v.optional(v.string(), '') }))),
});

const ownAccount = v.object({ AccountName: v.pipe(v.string(), v.nonEmpty()) });

const failure = v.object({ Code: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/)) });

/** A list of 100,000 accounts. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * What is needed of MinIO's admin API (madmin-go v3): service accounts. Every call throws StoreError, as calls of the store
 * do; `missing` for an account that is not there, `refused` by a server that has no such API.
 */
export class MinioAdmin {
  readonly #client: S3Client;
  readonly #secretKey: string;
  readonly #seal: AdminSeal;
  #parent: string | null = null;

  /** @param secretKey of the one the client signs as */
  constructor(client: S3Client, secretKey: string) {
    this.#client = client;
    this.#secretKey = secretKey;
    this.#seal = new AdminSeal(secretKey);
  }

  /** MinIO works on it for 50 ms and more (Argon2, one account after the other), to encrypt what it answers. */
  async addAccount(account: ServiceAccount, signal?: AbortSignal): Promise<void> {
    await bytesOf(await this.#call('PUT', 'add-service-account', {}, await this.#sealed(account), signal));
  }

  /**
   * The same in a tenth of the time, for whoever may import (`admin:ImportIAM`): replaces an account of this name. The secret
   * goes over the wire as it is, so `renewAccount` has to follow.
   */
  async importAccount(account: ServiceAccount, signal?: AbortSignal): Promise<void> {
    const archive = await importArchive(account, await this.#ownName(signal));
    await bytesOf(await this.#call('PUT', 'import-iam', {}, archive, signal));
  }

  /** Gives an account another secret and another policy; from now on the ones of before are of no use. */
  async renewAccount(account: Omit<ServiceAccount, 'name' | 'description'>, signal?: AbortSignal): Promise<void> {
    const { accessKey, secretKey, policy } = account;
    const body = await this.#sealed({ newSecretKey: secretKey, newPolicy: policy });
    await bytesOf(await this.#call('POST', 'update-service-account', { accessKey }, body, signal));
  }

  /** An account that is not there is no error. */
  async removeAccount(accessKey: string, signal?: AbortSignal): Promise<void> {
    try {
      await bytesOf(await this.#call('DELETE', 'delete-service-account', { accessKey }, null, signal));
    } catch (error) {
      if (!(error instanceof StoreError && error.trouble === 'missing')) throw error;
    }
  }

  /** Of the one who asks. Half a second of work for this process, and 64 MiB for as long. */
  async accounts(signal?: AbortSignal): Promise<readonly ListedAccount[]> {
    const call = 'list-service-accounts';
    const sealed = await bytesOf(await this.#call('GET', call, {}, null, signal));
    try {
      const plain: unknown = JSON.parse((await openSealed(this.#secretKey, sealed)).toString('utf8'));
      return v.parse(listing, plain).accounts ?? [];
    } catch (error) {
      // The texts of parsers repeat what they could not read.
      const kind = error instanceof Error ? error.name : 'error';
      throw storeFailure('refused', placeOf(call), `the answer cannot be read (${kind})`);
    }
  }

  /** The user below whom new accounts are: the caller, or whom the caller is below. */
  async #ownName(signal: AbortSignal | undefined): Promise<string> {
    if (this.#parent !== null) return this.#parent;
    const call = 'accountinfo';
    const text = (await bytesOf(await this.#call('GET', call, {}, null, signal))).toString('utf8');
    const parsed = v.safeParse(ownAccount, parseJson(text));
    if (!parsed.success) throw storeFailure('refused', placeOf(call), 'the answer names no account');
    this.#parent = parsed.output.AccountName;
    return this.#parent;
  }

  async #sealed(body: unknown): Promise<Buffer> {
    return await this.#seal.seal(Buffer.from(JSON.stringify(body)));
  }

  async #call(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    name: string,
    query: Readonly<Record<string, string>>,
    body: Buffer | null,
    signal: AbortSignal | undefined,
  ): Promise<S3Answer> {
    const answer = await this.#client.send({
      ...placeOf(name),
      method,
      query,
      ...(body === null ? {} : { body: bodyOf(body) }),
      signal,
    });
    if (answer.status === 200 || answer.status === 204) return answer;
    const text = (await bytesOf(answer)).toString('utf8');
    const code = codeIn(text);
    throw storeFailure(
      troubleOf(answer.status, code),
      placeOf(name),
      `${answer.status}${code === '' ? '' : ` ${code}`}`,
    );
  }
}

/** Where the admin API is, in the words of an object's place. */
function placeOf(name: string) {
  return { operation: 'admin', bucket: 'minio', key: `admin/v3/${name}` };
}

/** Of what the server says only its code is used: its texts may repeat what was signed. */
function codeIn(text: string): string {
  const parsed = v.safeParse(failure, parseJson(text));
  // XML of a store that is no MinIO, or HTML of something before it.
  return parsed.success ? parsed.output.Code : (/<Code>([A-Za-z0-9._-]{1,64})<\/Code>/.exec(text)?.[1] ?? '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asks finds that nothing of what it looks for is there.
    return null;
  }
}

function troubleOf(status: number, code: string): StoreTrouble {
  if (status === 401 || status === 403) return 'denied';
  if (status === 429 || status >= 500 || code === 'XMinioServerNotInitialized')
    return status === 501 ? 'refused' : 'busy';
  return status === 404 && /^XMinio(Admin|InvalidIAM)/.test(code) ? 'missing' : 'refused';
}

async function bytesOf(answer: S3Answer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw storeFailure('refused', placeOf(''), `the answer has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
