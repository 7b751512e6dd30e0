/**
 * Keys of the object store for one bot, so that a bot which gets at them reaches nothing of another. Ways to make them, best
 * first:
 *
 * - *service account*: MinIO's admin API; does not expire, and goes when `remove` is called. One per bot and purpose, under
 *   an access key that is a function of both, because new keys make the ones before useless. The secret of a bot's own is
 *   kept nowhere but in its container, and the next one gets another
 * - *sts*: a session of the store's token service; expires after a week at the latest
 * - *shared*: none of these; containers get the keys of the runtime itself, and `troubles` says so
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Buckets, type ObjectStore, StoreError } from '../object-store.ts';
import { parseEndpoint } from '../s3-api/endpoint.ts';
import type { S3Access } from '../s3-api/s3-client.ts';
import type { S3Limits } from '../s3-api/s3-limits.ts';
import { storeFailure } from '../store-failure.ts';
import { type ListedAccount, MinioAdmin, type ServiceAccount } from './admin-api.ts';
import { type BotKeys, type CredentialPurpose, policyFor } from './bot-policy.ts';
import { MinioClient } from './minio-client.ts';
import { openMinioStore } from './open-minio-store.ts';
import { SessionKeys } from './session-keys.ts';
import { Turns } from './turns.ts';

export type CredentialKind = 'service-account' | 'sts' | 'shared';

export interface BotStoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** When they expire, milliseconds since the epoch; absent: never. */
  readonly until?: number;
}

export interface BotCredentialOptions {
  readonly access: S3Access;
  readonly buckets: Buckets;
  readonly store: ObjectStore;
  /** `auto` takes the best way that works. */
  readonly mode: 'auto' | CredentialKind;
  /** Calls at the same time; further ones wait. */
  readonly atOnce: number;
  /** Of one bot's keys, with all waiting. */
  readonly deadlineMs: number;
  /** How long keys of STS are asked for; the store may give less. */
  readonly sessionSeconds: number;
  readonly limits: S3Limits;
}

/** Access keys of ours begin with this; MinIO allows 20 characters. */
const PREFIX = 'THE0';
const HASH_LETTERS = 15;
const LETTER_OF: Readonly<Record<CredentialPurpose, string>> = { bot: 'B', query: 'Q' };
/** What MinIO shows of an account. */
const LONGEST_DESCRIPTION = 200;
const PROBE_ID = 'the0-credential-probe';
/** An account's secret has at most 40 characters. */
const SECRET_BYTES = 30;
/** Keys for queries that are kept, one pair per bot: queries of one bot come together. */
const MOST_KEPT = 1_000;
/** And for how long. No run lasts as long as an account of a query is left alone by the garbage collector after that. */
const KEPT_MS = 3_600_000;
const QUERY_ACCOUNT_MS = 24 * 3_600_000;

/** The access key of a bot's service account: everybody who knows the bot can tell which is its. */
export function accessKeyOf(botId: string, purpose: CredentialPurpose, owner = ''): string {
  const digest = createHash('sha256').update(`${purpose}\0${botId}\0${owner}`).digest();
  const letters = BigInt(`0x${digest.toString('hex')}`)
    .toString(36)
    .toUpperCase()
    .slice(0, HASH_LETTERS);
  return `${PREFIX}${LETTER_OF[purpose]}${letters}`;
}

export class MinioBotCredentials {
  readonly #options: BotCredentialOptions;
  readonly #client: MinioClient;
  readonly #admin: MinioAdmin;
  readonly #sessions: SessionKeys;
  readonly #turns: Turns;
  readonly #closing = new AbortController();
  readonly #ofQueries = new Map<string, KeysForQueries>();
  #mayImport = true;
  #kind: CredentialKind | null = null;
  #finding: Promise<CredentialKind> | null = null;
  #refusals: readonly string[] = [];

  constructor(options: BotCredentialOptions) {
    const { access, atOnce, limits } = options;
    this.#options = options;
    this.#client = new MinioClient(parseEndpoint(access.endpoint, access.ssl), access, {
      ...limits,
      connections: atOnce,
    });
    this.#admin = new MinioAdmin(this.#client, access.secretKey);
    this.#sessions = new SessionKeys(access, atOnce);
    this.#turns = new Turns(atOnce);
  }

  /** `host:port`, for sentences. */
  get endpoint(): string {
    return this.#options.access.endpoint;
  }

  /** The way that was found; null: the store has not answered yet. */
  get kind(): CredentialKind | null {
    return this.#kind;
  }

  /** What somebody should know, in sentences; none when keys are scoped. */
  get troubles(): readonly string[] {
    if (this.#refusals.length === 0) return [];
    return [
      `The object store ${this.#options.access.endpoint} makes no keys for single bots (${this.#refusals.join('; ')}), so every ` +
        "bot's container holds the keys of the runtime itself and could reach the data of all bots. Give the runtime a user " +
        'that may manage service accounts, or set `--bot-credentials shared` if it has to be like this.',
    ];
  }

  /** Finds out which way works, once; a store that does not answer is asked again with the first bot. Never throws. */
  async start(): Promise<void> {
    await this.#find(AbortSignal.timeout(this.#options.deadlineMs)).catch(() => {
      // Whoever needs keys asks again, and is told.
    });
  }

  /**
   * Keys for a container that is about to be created; null when containers share those of the runtime. For a bot's own
   * container the keys of the one before are useless from now on.
   * @throws StoreError `unreachable` and `busy` pass; `refused` when the bot's id or code key cannot stand in a policy
   */
  async keysFor(bot: BotKeys): Promise<BotStoreKeys | null> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#options.deadlineMs)]);
    const kind = this.#kind ?? (await this.#find(signal));
    if (kind === 'shared') return null;
    if (bot.purpose === 'bot') return await this.#make(kind, bot, accessKeyOf(bot.botId, 'bot'), signal);
    return await this.#forQueries(kind, bot, signal);
  }

  /**
   * Access keys of accounts that are of no use any more, whoever made them: of no bot that there is, or of queries that are
   * long over. Nothing where there are no service accounts.
   * @param known ids of all bots, disabled ones too
   * @throws StoreError
   */
  async list(known: ReadonlySet<string>, signal?: AbortSignal): Promise<readonly string[]> {
    const kind = this.#kind ?? (await this.#find(AbortSignal.timeout(this.#options.deadlineMs)));
    if (kind !== 'service-account') return [];
    const inUse = new Set([...known].map((botId) => accessKeyOf(botId, 'bot')));
    const accounts = await this.#admin.accounts(signal);
    return accounts.filter((account) => isUnused(account, inUse, Date.now())).map(({ accessKey }) => accessKey);
  }

  /** Ends an account; what runs with its keys cannot reach the store any more. @throws StoreError; `refused` for one that is not a bot's */
  async remove(accessKey: string, signal?: AbortSignal): Promise<void> {
    if (!isOurs(accessKey)) throw new StoreError('refused', `${accessKey} is no account of a bot`);
    await this.#admin.removeAccount(accessKey, signal);
  }

  /** Ends the accounts of its own queries, as far as that goes at once. */
  async close(): Promise<void> {
    const accessKeys = [...this.#ofQueries.values()].map(({ accessKey }) => accessKey);
    this.#ofQueries.clear();
    this.#closing.abort();
    const signal = AbortSignal.timeout(this.#options.deadlineMs);
    const remove = (accessKey: string) => this.#turns.take(signal, () => this.#admin.removeAccount(accessKey, signal));
    // What is left is the garbage collector's.
    await Promise.allSettled(this.#kind === 'service-account' ? accessKeys.map(remove) : []);
    this.#sessions.close();
    this.#client.close();
  }

  /** One account for all queries of a bot's revision, as long as there are not too many bots. */
  async #forQueries(kind: Exclude<CredentialKind, 'shared'>, bot: BotKeys, signal: AbortSignal): Promise<BotStoreKeys> {
    const { botId, codeKey } = bot;
    if (kind === 'sts') return await this.#make(kind, bot, '', signal);
    const kept = this.#ofQueries.get(botId);
    const now = Date.now();
    if (kept?.codeKey === codeKey && now - kept.madeAt < KEPT_MS) return await kept.keys;
    // Another name every time: a run of before may still use the other.
    const accessKey = accessKeyOf(botId, 'query', randomUUID());
    const keys = this.#make(kind, bot, accessKey, signal);
    this.#ofQueries.delete(botId);
    this.#ofQueries.set(botId, { codeKey, accessKey, madeAt: now, keys });
    for (const oldest of this.#ofQueries.keys()) {
      if (this.#ofQueries.size <= MOST_KEPT) break;
      this.#ofQueries.delete(oldest);
    }
    try {
      return await keys;
    } catch (error) {
      if (this.#ofQueries.get(botId)?.keys === keys) this.#ofQueries.delete(botId);
      throw error;
    }
  }

  async #make(
    kind: Exclude<CredentialKind, 'shared'>,
    bot: BotKeys,
    accessKey: string,
    signal: AbortSignal,
  ): Promise<BotStoreKeys> {
    const policy = policyFor(bot, this.#options.buckets);
    try {
      return await this.#turns.take(signal, async () => {
        if (kind === 'sts') return await this.#sessions.assume(policy, this.#options.sessionSeconds, signal);
        const secretKey = randomBytes(SECRET_BYTES).toString('base64url');
        const description = `bot ${bot.botId}`.slice(0, LONGEST_DESCRIPTION);
        const account = { accessKey, secretKey, policy, name: nameOf(bot.purpose), description };
        // A kept connection may end at the moment it is used again, and all of it may be done twice.
        const trouble = await troubleOf(this.#account(account, signal), 'unreachable');
        if (trouble !== null) await this.#account(account, signal);
        return { accessKey, secretKey };
      });
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw storeFailure(
        'unreachable',
        { operation: 'admin', bucket: 'keys', key: bot.botId },
        'no turn in time',
        error,
      );
    }
  }

  /**
   * Mostly the account is there already.
   *
   *     renew ──► done
   *       │ not there           │ may not renew
   *     import, renew           remove, add
   *       │ may not import
   *     add
   */
  async #account(account: ServiceAccount, signal: AbortSignal): Promise<void> {
    const trouble = await troubleOf(this.#admin.renewAccount(account, signal), 'missing', 'denied');
    if (trouble === null) return;
    if (trouble === 'missing' && this.#mayImport && (await this.#import(account, signal))) return;
    if (trouble === 'denied') await this.#admin.removeAccount(account.accessKey, signal);
    await this.#admin.addAccount(account, signal);
  }

  /** @returns false when this user may not, or this server has no such thing */
  async #import(account: ServiceAccount, signal: AbortSignal): Promise<boolean> {
    const passing = { ...account, secretKey: randomBytes(SECRET_BYTES).toString('base64url') };
    const trouble = await troubleOf(this.#admin.importAccount(passing, signal), 'denied', 'refused', 'missing');
    if (trouble === null) await this.#admin.renewAccount(account, signal);
    else this.#mayImport = false;
    return trouble === null;
  }

  async #find(signal: AbortSignal): Promise<CredentialKind> {
    this.#finding ??= this.#look(signal).finally(() => {
      this.#finding = null;
    });
    return await this.#finding;
  }

  /** @throws StoreError when the store does not answer, or a way that is asked for by name does not work */
  async #look(signal: AbortSignal): Promise<CredentialKind> {
    const { mode } = this.#options;
    const refusals: string[] = [];
    if (mode !== 'shared') {
      try {
        await this.#makeBuckets(signal);
      } catch (error) {
        if (!isRefusal(error) || mode !== 'auto') throw error;
        // The runtime itself is not let in: its keys open nothing for a bot either, and may be mended.
        this.#refusals = [error.message];
        return 'shared';
      }
    }
    for (const kind of ['service-account', 'sts'] as const) {
      if (mode !== 'auto' && mode !== kind) continue;
      try {
        await this.#try(kind, signal);
        return this.#found(kind, []);
      } catch (error) {
        if (!isRefusal(error) || mode === kind) throw error;
        refusals.push(error.message);
      }
    }
    return this.#found('shared', refusals);
  }

  #found(kind: CredentialKind, refusals: readonly string[]): CredentialKind {
    this.#kind = kind;
    this.#refusals = refusals;
    return kind;
  }

  /** With keys of its own a bot makes no buckets. */
  async #makeBuckets(signal: AbortSignal): Promise<void> {
    const { store, buckets } = this.#options;
    for (const bucket of [buckets.state, buckets.logs, buckets.queryResults]) {
      if (!(await store.bucketExists(bucket, signal))) await store.createBucket(bucket, signal);
    }
  }

  /** Makes keys and looks whether they open what they should and nothing else. @throws StoreError */
  async #try(kind: Exclude<CredentialKind, 'shared'>, signal: AbortSignal): Promise<void> {
    const { access, buckets, limits } = this.#options;
    const bot = { botId: PROBE_ID, codeKey: PROBE_ID, purpose: 'query' } as const;
    const accessKey = accessKeyOf(PROBE_ID, 'query', randomUUID());
    const keys = await this.#make(kind, bot, accessKey, signal);
    const store = openMinioStore({ ...access, ...keys }, limits);
    try {
      // A store that answers "denied" here would keep every new bot from starting: it could not tell whether there is a state.
      await store.head({ bucket: buckets.state, key: `${PROBE_ID}/state.tar.gz` }, signal);
      const other = await troubleOf(
        store.head({ bucket: buckets.state, key: `${PROBE_ID}-other/state.tar.gz` }, signal),
        'denied',
      );
      if (other === null) throw new StoreError('refused', `keys of a ${kind} open more than their policy allows`);
    } finally {
      store.close();
      if (kind === 'service-account') await this.#admin.removeAccount(accessKey, signal).catch(() => {});
    }
  }
}

interface KeysForQueries {
  readonly codeKey: string;
  readonly accessKey: string;
  readonly madeAt: number;
  readonly keys: Promise<BotStoreKeys>;
}

const NAME = /^the0 (?:bot|query) (\d{1,12})$/;

function isUnused({ accessKey, name }: ListedAccount, inUse: ReadonlySet<string>, now: number): boolean {
  if (!isOurs(accessKey)) return false;
  if (accessKey.startsWith(PREFIX + LETTER_OF.bot)) return !inUse.has(accessKey);
  const madeAt = Number(NAME.exec(name)?.[1] ?? 0) * 1_000;
  return now - madeAt > QUERY_ACCOUNT_MS;
}

/** At most 32 characters. */
function nameOf(purpose: CredentialPurpose): string {
  return `the0 ${purpose} ${Math.floor(Date.now() / 1_000)}`;
}

/** It would be the same the next time. */
function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && error.trouble !== 'unreachable' && error.trouble !== 'busy';
}

function isOurs(accessKey: string): boolean {
  return /^THE0[BQ][0-9A-Z]{15}$/.test(accessKey);
}

/** @returns null when it went well, or the trouble when it is one of these; throws any other */
async function troubleOf(call: Promise<unknown>, ...expected: readonly StoreError['trouble'][]) {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof StoreError && expected.includes(error.trouble)) return error.trouble;
    throw error;
  }
}
