import { createHash } from 'node:crypto';
import type { BotDefinition } from '../bot-definition.ts';
import { canonicalJson } from '../revision.ts';

/**
 * What is kept of each bot that was delivered: only enough to see whether it differs now, and which bot a document was
 * whose deletion tells nothing but its `_id`.
 */
export class HeldBots {
  readonly #bots = new Map<string, { readonly fingerprint: string; readonly key: string }>();
  readonly #ids = new Map<string, string>();

  has(botId: string): boolean {
    return this.#bots.has(botId);
  }

  ids(): IterableIterator<string> {
    return this.#bots.keys();
  }

  /** The bot that was delivered from this document. */
  idOfDocument(key: unknown): string | undefined {
    return this.#ids.get(documentKey(key));
  }

  /** @returns whether the definition differs from what was held */
  hold(definition: BotDefinition, key: unknown): boolean {
    const next = { fingerprint: fingerprintOf(definition), key: documentKey(key) };
    const before = this.#bots.get(definition.id);
    if (before?.fingerprint === next.fingerprint && before.key === next.key) return false;
    if (before !== undefined) this.#ids.delete(before.key);
    this.#bots.set(definition.id, next);
    this.#ids.set(next.key, definition.id);
    return before?.fingerprint !== next.fingerprint;
  }

  /** @returns whether it was held */
  release(botId: string): boolean {
    const before = this.#bots.get(botId);
    if (before === undefined) return false;
    this.#ids.delete(before.key);
    return this.#bots.delete(botId);
  }
}

function fingerprintOf(definition: BotDefinition): string {
  return createHash('sha256').update(canonicalJson(definition)).digest('base64').slice(0, 22);
}

/** An `_id` may be of any type; a text that looks like an object id is another `_id` than that object id. */
function documentKey(key: unknown): string {
  return `${typeof key}:${String(key)}`;
}
