import { createHash, randomBytes } from 'node:crypto';

/** MinIO allows an account 20, and five say whose it is. */
const LETTERS = 15;
const TAG_LETTERS = 4;

/**
 * How users and accounts of ours are named in MinIO. What a bot keeps has a name that everybody can tell who knows the bot:
 *
 *     the0-bot-<tag><letters>    the user of one bot. Nobody has its secret; accounts are below it
 *       ├─ THE0B<tag><letters>   the account of the bot's own container
 *       └─ THE0Q<random>         one for queries of that bot
 *     the runtime's user
 *       ├─ THE0S<tag><letters>   the same two where users cannot be made
 *       └─ THE0Q<random>
 *
 * The tag is of the bucket for states, so that two deployments with buckets of their own do not meet in one MinIO.
 */
export class AccountNames {
  readonly #tag: string;

  constructor(stateBucket: string) {
    this.#tag = lettersOf(`bucket\0${stateBucket}`, TAG_LETTERS);
  }

  /** The user below whom the accounts of a bot are. */
  userOf(botId: string): string {
    return `the0-bot-${this.#lettersOf(botId).toLowerCase()}`;
  }

  /** The access key of a bot's own account. */
  accessKeyOf(botId: string): string {
    return `THE0B${this.#lettersOf(botId)}`;
  }

  /** The same below the runtime's user. Another name, so that neither account is ever taken for the other. */
  sharedAccessKeyOf(botId: string): string {
    return `THE0S${this.#lettersOf(botId)}`;
  }

  isUserOfBot(name: string): boolean {
    return name.startsWith(`the0-bot-${this.#tag.toLowerCase()}`) && /^the0-bot-[0-9a-z]{15}$/.test(name);
  }

  /** Whether it is a bot's own account, below whomever. */
  isAccountOfBot(accessKey: string): boolean {
    return accessKey.slice(5).startsWith(this.#tag) && /^THE0[BS][0-9A-Z]{15}$/.test(accessKey);
  }

  #lettersOf(botId: string): string {
    return this.#tag + lettersOf(`bot\0${botId}`, LETTERS - TAG_LETTERS);
  }
}

/** Another one every time: a query of before may still use the other. */
export function queryAccessKey(): string {
  return `THE0Q${lettersOf(randomBytes(16), LETTERS)}`;
}

function lettersOf(what: string | Buffer, count: number): string {
  const digest = createHash('sha256').update(what).digest('hex');
  return BigInt(`0x${digest}`).toString(36).toUpperCase().slice(0, count);
}
