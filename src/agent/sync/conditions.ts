import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { messageOf } from '../agent-error.ts';

/** Something that is not as it should be while the bot runs, for whoever asks why. */
export interface Condition {
  /** A NoticeCode, or `state-not-stored`, `log-not-stored`. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
}

const FORMAT = 1;
const MOST_CONDITIONS = 20;

/** The conditions of one bot, in a file that the runtime reads: `{"v":1,"conditions":[…]}`. No file: all is well. */
export class Conditions {
  readonly #path: string;
  readonly #onTrouble: (message: string) => void;
  readonly #conditions = new Map<string, Condition>();

  /** @param path what another agent has left there is removed */
  constructor(path: string, onTrouble: (message: string) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#write();
  }

  /** @param key tells two conditions of the same code apart */
  set(key: string, code: string, message: string): void {
    const known = this.#conditions.get(key);
    if (known?.message === message || (known === undefined && this.#conditions.size >= MOST_CONDITIONS)) return;
    this.#conditions.set(key, { code, message, since: known?.since ?? Date.now() });
    this.#write();
  }

  over(key: string): void {
    if (this.#conditions.delete(key)) this.#write();
  }

  #write(): void {
    try {
      if (this.#conditions.size === 0) {
        rmSync(this.#path, { force: true });
        return;
      }
      const draft = `${this.#path}.new`;
      writeFileSync(draft, `${JSON.stringify({ v: FORMAT, conditions: [...this.#conditions.values()] })}\n`);
      renameSync(draft, this.#path);
    } catch (error) {
      this.#onTrouble(`cannot write ${this.#path}: ${messageOf(error)}`);
    }
  }
}
