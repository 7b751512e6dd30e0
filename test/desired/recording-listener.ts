import assert from 'node:assert/strict';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import type { DesiredStateListener } from '../../src/desired/desired-state.ts';

/** Generous: a wait ends as soon as what is waited for is there. */
const LONGEST_WAIT_MS = 60_000;

/** Keeps what a desired state tells. */
export class RecordingListener implements DesiredStateListener {
  /** What is desired by now. */
  readonly bots = new Map<string, BotDefinition>();
  /** In order: `changed a`, `removed a`, `synced`. */
  readonly told: string[] = [];
  /** As told and not over. */
  readonly troubles: Error[] = [];
  readonly overTroubles: Error[] = [];
  readonly #waiting = new Set<() => void>();

  changed(definition: BotDefinition): void {
    this.bots.set(definition.id, definition);
    this.#tell(`changed ${definition.id}`);
  }

  removed(botId: string): void {
    this.bots.delete(botId);
    this.#tell(`removed ${botId}`);
  }

  synced(): void {
    this.#tell('synced');
  }

  trouble(error: Error): void {
    this.troubles.push(error);
    this.#wake();
  }

  troubleOver(error: Error): void {
    const index = this.troubles.findIndex(({ message }) => message === error.message);
    if (index >= 0) this.overTroubles.push(...this.troubles.splice(index, 1));
    this.#wake();
  }

  bot(id: string): BotDefinition {
    const bot = this.bots.get(id);
    assert.ok(bot !== undefined, `${id} is not among ${[...this.bots.keys()].join(' ')}`);
    return bot;
  }

  /** Resolves as soon as it is so. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        clearTimeout(late);
        resolve();
      };
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        const troubles = this.troubles.map(({ message }) => message).join(' | ');
        reject(new Error(`${what} did not come; told: ${this.told.slice(-20).join(', ')}; troubles: ${troubles}`));
      }, LONGEST_WAIT_MS);
      this.#waiting.add(look);
    });
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#wake();
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}
