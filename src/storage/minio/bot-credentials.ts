/**
 * Keys of the object store for one bot, so that a bot which gets at them reaches nothing of another. Ways to make them, best
 * first:
 *
 * - *service account*: MinIO's admin API; does not expire. Below a user of the bot's own, and where such users cannot be
 *   made, below the one that the runtime is: then a bot can end the keys of others, and `troubles` says so
 * - *sts*: a session of the store's token service; expires after a week at the latest. MinIO has the same weakness there
 * - *shared*: none of these; containers get the keys of the runtime itself, and `troubles` says so
 *
 * New keys make the ones before useless where there is an account.
 */
import { randomUUID } from 'node:crypto';
import { LinkedAbort } from '../../linked-abort.ts';
import { type Buckets, type ObjectStore, StoreError } from '../object-store.ts';
import { openS3Client, openS3Store } from '../s3/open-s3-store.ts';
import type { S3Access, S3Client } from '../s3-api/s3-client.ts';
import type { S3Limits } from '../s3-api/s3-limits.ts';
import { storeFailure } from '../store-failure.ts';
import { AccountNames, queryAccessKey } from './account-names.ts';
import { MinioAdmin } from './admin-api.ts';
import { type AccountParent, BotAccounts, QUERY_KEYS_MS, troubleOf } from './bot-accounts.ts';
import { type BotKeys, policyFor } from './bot-policy.ts';
import { SessionKeys } from './session-keys.ts';
import { Turns } from './turns.ts';

export type CredentialKind = 'service-account' | 'sts' | 'shared';

/** A way to make keys: accounts below somebody, or sessions. */
type Way = AccountParent | 'session';

const WAYS = { own: 'service-account', shared: 'service-account', session: 'sts' } as const satisfies Record<
  Way,
  CredentialKind
>;

export interface BotStoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** When they expire, milliseconds since the epoch; absent: never. */
  readonly until?: number;
}

/** Keys that are known already; what they are good for may still have to be made in the store. */
export interface BotStoreKeysToBe extends BotStoreKeys {
  /** Resolves when they open what they should. Rejects with StoreError, as `keysFor`; nobody has to listen. */
  readonly usable: Promise<void>;
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

const PROBE_ID = 'the0-credential-probe';
/** Keys for queries that are kept, one pair per bot: queries of one bot come together. */
const MOST_KEPT = 1_000;
/** And for how long. What is left of their time is longer than any query runs. */
const KEPT_MS = QUERY_KEYS_MS / 2;

export class MinioBotCredentials {
  readonly #options: BotCredentialOptions;
  readonly #client: S3Client;
  readonly #admin: MinioAdmin;
  readonly #sessions: SessionKeys;
  readonly #names: AccountNames;
  readonly #accounts: BotAccounts;
  readonly #turns: Turns;
  readonly #closing = new AbortController();
  readonly #ofQueries = new Map<string, KeysForQueries>();
  /** Null: the store has not answered yet. */
  #way: Way | 'none' | null = null;
  #finding: Promise<Way | 'none'> | null = null;
  #refusals: readonly string[] = [];
  /** Whether a bot's keys can end those of others. */
  #isWeak = false;
  /** Whether the last account could be made. As long as not, nobody is given keys that may never be usable. */
  #makesAccounts = true;

  constructor(options: BotCredentialOptions) {
    const { access, atOnce, limits } = options;
    this.#options = options;
    this.#client = openS3Client(access, { ...limits, connections: atOnce });
    this.#admin = new MinioAdmin(this.#client, access.secretKey);
    this.#sessions = new SessionKeys(access, atOnce);
    this.#names = new AccountNames(options.buckets.state);
    this.#accounts = new BotAccounts(this.#admin, this.#names);
    this.#turns = new Turns(atOnce);
  }

  /** `host:port`, for sentences. */
  get endpoint(): string {
    return this.#options.access.endpoint;
  }

  /** What was found to work; null: the store has not answered yet. */
  get kind(): CredentialKind | null {
    if (this.#way === null) return null;
    return this.#way === 'none' ? 'shared' : WAYS[this.#way];
  }

  /** What somebody should know, in sentences; none when no bot can do anything to another. */
  get troubles(): readonly string[] {
    const { endpoint } = this;
    const refusals = this.#refusals.length === 0 ? '' : ` (${this.#refusals.join('; ')})`;
    if (this.#isWeak) {
      return [
        `The object store ${endpoint} makes the keys of all bots below one user${refusals}, so they open the data of their own ` +
          'bot only, but a bot that is out for it can end those of the others. Give the runtime a user that may make users ' +
          '(`admin:CreateUser`, `admin:DeleteUser`, `admin:ListUsers`, `admin:ImportIAM`, `admin:UpdateServiceAccount`).',
      ];
    }
    if (refusals === '') return [];
    return [
      `The object store ${endpoint} makes no keys for single bots${refusals}, so every bot's container holds the keys of the ` +
        'runtime itself and could reach the data of all bots. Give the runtime a user that may manage service accounts, or ' +
        'set `--bot-credentials shared` if it has to be like this.',
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
   * container the keys of the one before are useless from now on. Of one bot they are asked for one after the other, and not
   * before it is settled whether the ones before are usable: the last to be made are the ones that count.
   * @throws StoreError `unreachable` and `busy` pass; `refused` when the bot's id or code key cannot stand in a policy
   */
  async keysFor(bot: BotKeys): Promise<BotStoreKeysToBe | null> {
    const link = new LinkedAbort([this.#closing.signal], this.#options.deadlineMs);
    const release = () => link.release();
    try {
      const keys = await this.#keysFor(bot, link.signal);
      // Making them goes on behind the answer.
      if (keys === null) release();
      else keys.usable.then(release, release);
      return keys;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #keysFor(bot: BotKeys, signal: AbortSignal): Promise<BotStoreKeysToBe | null> {
    const way = this.#way ?? (await this.#find(signal));
    if (way === 'none') return null;
    if (way === 'session') return await this.#session(bot, signal);
    if (bot.purpose === 'query') return await this.#forQueries(way, bot, signal);
    return await this.#account(way, bot, this.#accounts.nameOf(bot.botId, way), signal);
  }

  /** Ends the accounts of its own queries, as far as that goes at once. */
  async close(): Promise<void> {
    const accessKeys = [...this.#ofQueries.values()].map(({ accessKey }) => accessKey);
    this.#ofQueries.clear();
    this.#closing.abort();
    const signal = AbortSignal.timeout(this.#options.deadlineMs);
    const remove = (accessKey: string) => this.#turns.take(signal, () => this.#admin.removeAccount(accessKey, signal));
    // What is left ends by itself.
    await Promise.allSettled(accessKeys.map(remove));
    this.#sessions.close();
    this.#client.close();
  }

  /** One account for all queries of a bot's revision, as long as there are not too many bots. */
  async #forQueries(parent: AccountParent, bot: BotKeys, signal: AbortSignal): Promise<BotStoreKeysToBe> {
    const { botId, codeKey } = bot;
    const kept = this.#ofQueries.get(botId);
    const now = Date.now();
    if (kept?.codeKey === codeKey && now - kept.madeAt < KEPT_MS) return await kept.keys;
    const accessKey = queryAccessKey();
    const keys = this.#account(parent, bot, accessKey, signal);
    this.#ofQueries.delete(botId);
    this.#ofQueries.set(botId, { codeKey, accessKey, madeAt: now, keys });
    for (const oldest of this.#ofQueries.keys()) {
      if (this.#ofQueries.size <= MOST_KEPT) break;
      this.#ofQueries.delete(oldest);
    }
    // Whoever has asked is told.
    keys
      .then(({ usable }) => usable)
      .catch(() => {
        if (this.#ofQueries.get(botId)?.keys === keys) this.#ofQueries.delete(botId);
      });
    return await keys;
  }

  async #session(bot: BotKeys, signal: AbortSignal): Promise<BotStoreKeysToBe> {
    const policy = policyFor(bot, this.#options.buckets);
    const seconds = this.#options.sessionSeconds;
    const keys = await this.#inTurn(bot, signal, () => this.#sessions.assume(policy, seconds, signal));
    return { ...keys, usable: Promise.resolve() };
  }

  /** The account is made behind the answer, so that its container can be created meanwhile. */
  async #account(
    parent: AccountParent,
    bot: BotKeys,
    accessKey: string,
    signal: AbortSignal,
  ): Promise<BotStoreKeysToBe> {
    const policy = policyFor(bot, this.#options.buckets);
    const keys = this.#accounts.keysOf(accessKey);
    const usable = this.#inTurn(bot, signal, () => this.#accounts.make(parent, bot, keys, policy, signal));
    usable.then(
      () => {
        this.#makesAccounts = true;
      },
      () => {
        this.#makesAccounts = false;
      },
    );
    if (!this.#makesAccounts) await usable;
    return { ...keys, usable };
  }

  async #inTurn<Result>(bot: BotKeys, signal: AbortSignal, make: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#turns.take(signal, make);
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

  async #find(signal: AbortSignal): Promise<Way | 'none'> {
    this.#finding ??= this.#look(signal).finally(() => {
      this.#finding = null;
    });
    return await this.#finding;
  }

  /** @throws StoreError when the store does not answer, or a way that is asked for by name does not work */
  async #look(signal: AbortSignal): Promise<Way | 'none'> {
    const { mode } = this.#options;
    const refusals: StoreError[] = [];
    if (mode !== 'shared') {
      try {
        await this.#makeBuckets(signal);
      } catch (error) {
        if (!isRefusal(error) || mode !== 'auto') throw error;
        // The runtime itself is not let in: its keys open nothing for a bot either, and may be mended.
        this.#refusals = [error.message];
        return 'none';
      }
    }
    for (const way of ['own', 'shared', 'session'] as const) {
      if (mode !== 'auto' && mode !== WAYS[way]) continue;
      try {
        this.#isWeak = await this.#try(way, signal);
        return this.#found(way, refusals);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusals.push(error);
      }
    }
    const last = refusals.at(-1);
    if (mode !== 'auto' && last !== undefined) throw last;
    return this.#found('none', refusals);
  }

  #found(way: Way | 'none', refusals: readonly StoreError[]): Way | 'none' {
    this.#way = way;
    this.#refusals = refusals.map(({ message }) => message);
    return way;
  }

  /** With keys of its own a bot makes no buckets. */
  async #makeBuckets(signal: AbortSignal): Promise<void> {
    const { store, buckets } = this.#options;
    for (const bucket of [buckets.state, buckets.logs, buckets.queryResults]) {
      if (!(await store.bucketExists(bucket, signal))) await store.createBucket(bucket, signal);
    }
  }

  /**
   * Makes keys and looks whether they open what they should and nothing else.
   * @returns whether they can end those of other bots
   * @throws StoreError
   */
  async #try(way: Way, signal: AbortSignal): Promise<boolean> {
    const { access, buckets, limits } = this.#options;
    // Of its own every time: several runtimes may do this at once.
    const botId = `${PROBE_ID}-${randomUUID()}`;
    const accessKey = queryAccessKey();
    let store: ObjectStore | null = null;
    try {
      const bot = { botId, codeKey: botId, purpose: 'query' } as const;
      const { usable, ...keys } = await (way === 'session'
        ? this.#session(bot, signal)
        : this.#account(way, bot, accessKey, signal));
      await usable;
      store = openS3Store({ ...access, ...keys }, limits);
      // A store that answers "denied" here would keep every new bot from starting: it could not tell whether there is a state.
      await store.head({ bucket: buckets.state, key: `${botId}/state.tar.gz` }, signal);
      const other = { bucket: buckets.state, key: `${botId}-other/state.tar.gz` };
      if ((await troubleOf(store.head(other, signal), 'denied')) === null) {
        throw new StoreError('refused', `keys of a ${WAYS[way]} open more than their policy allows`);
      }
      return way === 'shared' || (way === 'session' && (await this.#seesOthers(keys, signal)));
    } finally {
      store?.close();
      // What cannot be removed the garbage collector finds, or it ends by itself.
      if (way === 'own') await this.#admin.removeUser(this.#names.userOf(botId), signal).catch(() => {});
      if (way === 'shared') await this.#admin.removeAccount(accessKey, signal).catch(() => {});
    }
  }

  /** A store that shows a session the accounts of its user lets it end its sessions too. */
  async #seesOthers(keys: BotStoreKeys, signal: AbortSignal): Promise<boolean> {
    const { access, limits } = this.#options;
    const client = openS3Client({ ...access, ...keys }, limits);
    try {
      return await new MinioAdmin(client, keys.secretKey).showsAccounts(signal);
    } finally {
      client.close();
    }
  }
}

interface KeysForQueries {
  readonly codeKey: string;
  readonly accessKey: string;
  readonly madeAt: number;
  readonly keys: Promise<BotStoreKeysToBe>;
}

/** It would be the same the next time. */
function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && error.trouble !== 'unreachable' && error.trouble !== 'busy';
}
