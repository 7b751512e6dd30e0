import { randomBytes } from 'node:crypto';
import { StoreError } from '../object-store.ts';
import type { AccountNames } from './account-names.ts';
import type { MinioAdmin, ServiceAccount } from './admin-api.ts';
import type { BotKeys, BotPolicy } from './bot-policy.ts';

/**
 * Below whom accounts are. MinIO lets every account see and remove all those below the same user, and end all its sessions,
 * whatever its policy says:
 *
 * - `own`: below a user of the bot's own, so that it finds none but its own
 * - `shared`: below the user that the runtime is
 */
export type AccountParent = 'own' | 'shared';

export interface AccountKeys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** What MinIO shows of an account. */
const LONGEST_DESCRIPTION = 200;
/** An account's secret has at most 40 characters. */
const SECRET_BYTES = 30;
/** Keys for queries that are kept by nobody end by themselves. */
export const QUERY_KEYS_MS = 24 * 3_600_000;

/**
 * Makes the service account of a bot, or one for queries of it. The secret is kept nowhere, and the next one gets another. It
 * is ours to choose, so keys are known before there is an account.
 */
export class BotAccounts {
  readonly #admin: MinioAdmin;
  readonly #names: AccountNames;

  constructor(admin: MinioAdmin, names: AccountNames) {
    this.#admin = admin;
    this.#names = names;
  }

  /** The access key of a bot's own account: it is the same every time. */
  nameOf(botId: string, parent: AccountParent): string {
    return parent === 'own' ? this.#names.accessKeyOf(botId) : this.#names.sharedAccessKeyOf(botId);
  }

  /** Nothing is sent yet. */
  keysOf(accessKey: string): AccountKeys {
    return { accessKey, secretKey: newSecret() };
  }

  /** These keys open what the policy allows when it resolves. @throws StoreError */
  async make(
    parent: AccountParent,
    bot: BotKeys,
    keys: AccountKeys,
    policy: BotPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    const account: ServiceAccount = {
      ...keys,
      policy,
      name: `the0 ${bot.purpose}`,
      description: `bot ${bot.botId}`.slice(0, LONGEST_DESCRIPTION),
      ...(bot.purpose === 'query' ? { until: Date.now() + QUERY_KEYS_MS } : {}),
    };
    const make = () =>
      parent === 'own' ? this.#belowItsUser(account, bot, signal) : this.#belowOurs(account, bot, signal);
    // A kept connection may end at the moment it is used again, and all of it may be done twice.
    if ((await troubleOf(make(), 'unreachable')) !== null) await make();
  }

  /** Mostly the account is there already; to ask for one that is not costs little. One for queries never is. */
  async #belowItsUser(account: ServiceAccount, { botId, purpose }: BotKeys, signal: AbortSignal): Promise<void> {
    if (purpose === 'bot' && (await troubleOf(this.#admin.renewAccount(account, signal), 'missing')) === null) return;
    const user = this.#names.userOf(botId);
    // Nobody is to be this user, so that nobody is told its secret.
    await this.#admin.addUser(user, newSecret(), signal);
    await this.#admin.importAccount({ ...account, secretKey: newSecret() }, user, signal);
    await this.#admin.renewAccount(account, signal);
  }

  /** Who is no administrator may add and remove accounts of its own, and not renew them. */
  async #belowOurs(account: ServiceAccount, { purpose }: BotKeys, signal: AbortSignal): Promise<void> {
    if (purpose === 'bot') {
      const trouble = await troubleOf(this.#admin.renewAccount(account, signal), 'missing', 'denied');
      if (trouble === null) return;
      if (trouble === 'denied') await this.#admin.removeAccount(account.accessKey, signal);
    }
    await this.#admin.addAccount(account, signal);
  }
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** @returns null when it went well, or the trouble when it is one of these; throws any other */
export async function troubleOf(call: Promise<unknown>, ...expected: readonly StoreError['trouble'][]) {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof StoreError && expected.includes(error.trouble)) return error.trouble;
    throw error;
  }
}
