import type { DesiredState, DesiredStateListener } from '../desired/desired-state.ts';

/** Troubles of the source that are held at a time; of more, nobody would read the rest. */
const MOST_TROUBLES = 1_000;

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Where bots come from, and how it is with that: has everything been told, what is wrong with it, what lies there and is no bot. */
export class BotSource {
  readonly #desired: DesiredState;
  readonly #onTrouble: (error: Error) => void;
  readonly #allKnown = Promise.withResolvers<void>();
  readonly #troubles = new Set<string>();
  #isSynced = false;

  /** @param onTrouble called each time the source tells of one */
  constructor(desired: DesiredState, onTrouble: (error: Error) => void) {
    this.#desired = desired;
    this.#onTrouble = onTrouble;
  }

  /** @throws the source's error when it cannot be read */
  async start({ changed, removed, synced }: Pick<DesiredStateListener, 'changed' | 'removed' | 'synced'>) {
    await this.#desired.start({
      changed,
      removed,
      synced: () => {
        this.#isSynced = true;
        synced();
        this.#allKnown.resolve();
      },
      trouble: (error) => {
        this.noteTrouble(error);
        this.#onTrouble(error);
      },
      troubleOver: (error) => void this.#troubles.delete(error.message),
    });
  }

  /** @throws the source's error; it tells nothing more all the same */
  async close(): Promise<void> {
    await this.#desired.close();
  }

  /** Everything there was at the start has been told: who is not desired by now is nobody's. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when {@link BotSource.isSynced}, and that was acted on. */
  get allKnown(): Promise<void> {
    return this.#allKnown.promise;
  }

  /** In sentences, the latest last. */
  get troubles(): ReadonlySet<string> {
    return this.#troubles;
  }

  noteTrouble(error: unknown): void {
    const sentence = error instanceof Error ? error.message : String(error);
    if (this.#troubles.size < MOST_TROUBLES) this.#troubles.add(sentence);
  }

  /** What lies where bots come from and is none, by name; in sentences. */
  get ignored(): ReadonlyMap<string, string> {
    return this.#desired.ignored ?? NOTHING;
  }
}
