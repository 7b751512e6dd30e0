/** Bots whose keys to the object store end, and how they get others. */
export interface KeyRenewalOptions {
  /** Bots that run with keys of whose time this share (0 to 1) is over, those whose keys end soonest first. */
  readonly withKeysUsed: (share: number) => readonly string[];
  /** Replaces the bot's container. */
  readonly restart: (botId: string) => void;
  /** The share of their time after which keys are replaced. */
  readonly share: number;
  /** How often keys are looked at, in milliseconds. */
  readonly lookMs: number;
}

/** So that bots which were started together are not restarted together. */
const MOST_AT_ONCE = 10;

/** A container cannot be given other keys, so its bot is restarted before they end. */
export class KeyRenewal {
  readonly #options: KeyRenewalOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: KeyRenewalOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), options.lookMs).unref();
  }

  look(): void {
    const { withKeysUsed, restart, share } = this.#options;
    const due = withKeysUsed(share).slice(0, MOST_AT_ONCE);
    // With half of what is left there may be no time any more to go on a few at a time.
    const urgent = withKeysUsed((1 + share) / 2);
    for (const botId of new Set([...due, ...urgent])) restart(botId);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
