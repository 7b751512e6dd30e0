export interface LooksOptions {
  /** After this long nobody waits for a read any more; who has just begun to wait may have waited for the one before, too. */
  readonly lookMs: number;
  /** Bots that one read is about; of further ones what is held must do. */
  readonly mostLooks: number;
  /** How long a bot that was not there is taken not to be there: whoever asks for it in a loop costs nothing. */
  readonly absentMs: number;
}

/**
 * Single bots, read for those who wait for it. However many ask, one read is under way and one more gathers all who came since:
 *
 *     look a ──► read a ──────────────► go on
 *     look b, b, c ──(gathered)───────► read b c ──► go on
 *
 * A read that takes too long goes on, so that it is known when MongoDB is back; until then nobody waits.
 */
export class Looks {
  readonly #options: LooksOptions;
  readonly #read: (botIds: readonly string[]) => Promise<void>;
  readonly #isThere: (botId: string) => boolean;
  #gathered: Look | null = null;
  #isReading = false;
  #isLate = false;
  /** Until when; the oldest first. */
  readonly #absent = new Map<string, number>();

  /** @param read of bots, newer than the call; never rejects @param isThere whether the bot was there when it was read last */
  constructor(
    read: (botIds: readonly string[]) => Promise<void>,
    isThere: (botId: string) => boolean,
    options: LooksOptions,
  ) {
    this.#read = read;
    this.#isThere = isThere;
    this.#options = options;
  }

  /** Resolves when the bot was read, by a read that began after this call, or when what is held must do. */
  look(botId: string): Promise<void> {
    if (this.#isLate || this.#wasAbsent(botId)) return Promise.resolve();
    const look = this.#gathered ?? { botIds: new Set<string>(), ...Promise.withResolvers<void>() };
    if (look.botIds.size >= this.#options.mostLooks && !look.botIds.has(botId)) return Promise.resolve();
    look.botIds.add(botId);
    this.#gathered = look;
    if (!this.#isReading) void this.#readAll();
    return look.promise;
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let look = this.#gathered; look !== null; look = this.#gathered) {
      this.#gathered = null;
      const { botIds, resolve } = look;
      const late = setTimeout(() => {
        this.#isLate = true;
        resolve();
        this.#gathered?.resolve();
      }, this.#options.lookMs).unref();
      await this.#read([...botIds]);
      clearTimeout(late);
      this.#isLate = false;
      for (const botId of botIds) if (!this.#isThere(botId)) this.#noteAbsent(botId);
      resolve();
    }
    this.#isReading = false;
  }

  #wasAbsent(botId: string): boolean {
    const until = this.#absent.get(botId) ?? 0;
    return until > performance.now() && !this.#isThere(botId);
  }

  #noteAbsent(botId: string): void {
    this.#absent.delete(botId);
    this.#absent.set(botId, performance.now() + this.#options.absentMs);
    for (const [oldest, until] of this.#absent) {
      if (this.#absent.size <= this.#options.mostLooks && until > performance.now()) break;
      this.#absent.delete(oldest);
    }
  }
}

interface Look extends PromiseWithResolvers<void> {
  readonly botIds: Set<string>;
}
