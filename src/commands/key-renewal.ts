/** Bots whose keys to the object store end, and how they get others. */
export interface KeyRenewalOptions {
  /** Bots that run with keys which end before this, the soonest first; milliseconds since the epoch. */
  readonly endingBefore: (time: number) => readonly string[];
  /** Replaces the bot's container. */
  readonly restart: (botId: string) => void;
  /** How long before their end keys are replaced. */
  readonly marginMs: number;
  readonly now: () => number;
}

const LOOK_MS = 60_000;
/** So that bots which were started together are not restarted together. */
const MOST_AT_ONCE = 10;

/** A container cannot be given other keys, so its bot is restarted before they end. */
export class KeyRenewal {
  readonly #options: KeyRenewalOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: KeyRenewalOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  look(): void {
    const { endingBefore, restart, marginMs, now } = this.#options;
    for (const botId of endingBefore(now() + marginMs).slice(0, MOST_AT_ONCE)) restart(botId);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
