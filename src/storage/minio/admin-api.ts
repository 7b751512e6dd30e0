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
  /**
   * When it ends, milliseconds since the epoch; at least a quarter of an hour ahead. MinIO forgets it then, by and by.
   * Absent: never.
   */
  readonly until?: number;
}

const accountList = v.object({
  // Go writes null for an empty list.
  accounts: v.nullable(v.array(v.object({ accessKey: v.string() }))),
});

const userList = v.record(v.string(), v.unknown());

const failure = v.object({ Code: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/)) });

/** A list of 100,000 accounts. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * What is needed of MinIO's admin API (madmin-go v3): users, and service accounts below them. Every call throws StoreError, as calls of the store
 * do; `missing` for an account that is not there, `refused` by a server that has no such API.
 */
export class MinioAdmin {
  readonly #client: S3Client;
  readonly #secretKey: string;
  readonly #seal: AdminSeal;

  /** @param secretKey of the one the client signs as */
  constructor(client: S3Client, secretKey: string) {
    this.#client = client;
    this.#secretKey = secretKey;
    this.#seal = new AdminSeal(secretKey);
  }

  /**
   * An account below the user who asks. MinIO works on it for 50 ms and more (Argon2, one account after the other), to encrypt
   * what it answers.
   */
  async addAccount({ until, ...account }: ServiceAccount, signal?: AbortSignal): Promise<void> {
    const end = until === undefined ? {} : { expiration: new Date(until).toISOString() };
    await bytesOf(
      await this.#call('PUT', 'add-service-account', {}, await this.#sealed({ ...account, ...end }), signal),
    );
  }

  /**
   * An account below a user that is there, in a tenth of the time: replaces one of this name. The secret goes over the wire
   * as it is, so `renewAccount` has to follow.
   */
  async importAccount(account: ServiceAccount, user: string, signal?: AbortSignal): Promise<void> {
    await bytesOf(await this.#call('PUT', 'import-iam', {}, await importArchive(account, user), signal));
  }

  /** Gives an account another secret and another policy; from now on the ones of before are of no use. */
  async renewAccount(
    account: Pick<ServiceAccount, 'accessKey' | 'secretKey' | 'policy'>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { accessKey, secretKey, policy } = account;
    const body = await this.#sealed({ newSecretKey: secretKey, newPolicy: policy });
    await bytesOf(await this.#call('POST', 'update-service-account', { accessKey }, body, signal));
  }

  /** An account that is not there is no error. */
  async removeAccount(accessKey: string, signal?: AbortSignal): Promise<void> {
    await this.#remove('delete-service-account', accessKey, signal);
  }

  /** Below the user who asks. Half a second of work for this process, and 64 MiB for as long. */
  async accounts(signal?: AbortSignal): Promise<readonly string[]> {
    const { accounts } = await this.#list('list-service-accounts', accountList, signal);
    return accounts?.map(({ accessKey }) => accessKey) ?? [];
  }

  /** Whether whoever asks gets a list of accounts at all. */
  async showsAccounts(signal?: AbortSignal): Promise<boolean> {
    try {
      await bytesOf(await this.#call('GET', 'list-service-accounts', {}, null, signal));
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.trouble !== 'unreachable' && error.trouble !== 'busy') return false;
      throw error;
    }
  }

  /** Without any rights. One that is there gets another secret, and keeps its rights and accounts. */
  async addUser(name: string, secretKey: string, signal?: AbortSignal): Promise<void> {
    const body = await this.#sealed({ secretKey, status: 'enabled' });
    await bytesOf(await this.#call('PUT', 'add-user', { accessKey: name }, body, signal));
  }

  /** With all accounts and sessions below it. A user that is not there is no error. */
  async removeUser(name: string, signal?: AbortSignal): Promise<void> {
    await this.#remove('remove-user', name, signal);
  }

  /** All there are. As much work as `accounts`. */
  async users(signal?: AbortSignal): Promise<readonly string[]> {
    return Object.keys(await this.#list('list-users', userList, signal));
  }

  async #remove(call: string, accessKey: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await bytesOf(await this.#call('DELETE', call, { accessKey }, null, signal));
    } catch (error) {
      if (!(error instanceof StoreError && error.trouble === 'missing')) throw error;
    }
  }

  async #list<Schema extends v.GenericSchema>(
    call: string,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<v.InferOutput<Schema>> {
    const sealed = await bytesOf(await this.#call('GET', call, {}, null, signal));
    try {
      const plain: unknown = JSON.parse((await openSealed(this.#secretKey, sealed)).toString('utf8'));
      return v.parse(schema, plain);
    } catch (error) {
      // The texts of parsers repeat what they could not read.
      const kind = error instanceof Error ? error.name : 'error';
      throw storeFailure('refused', placeOf(call), `the answer cannot be read (${kind})`);
    }
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
