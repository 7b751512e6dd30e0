import { isDeepStrictEqual } from 'node:util';
import type { BotDefinition } from '../bot-definition.ts';
import type { DesiredStateListener } from '../desired-state.ts';
import { type Claims, NO_CLAIMS, settleClaims } from './claims.ts';

/** What was found in each folder, which bot each folder is, and what has been delivered of it. */
export class Catalogue {
  /** Folder to the id in its `bot.json`, or the last one that could be read, or null. */
  readonly #wanted = new Map<string, string | null>();
  readonly #definitions = new Map<string, BotDefinition>();
  readonly #delivered = new Map<string, BotDefinition>();
  #claims: Claims = NO_CLAIMS;

  /** Whether a folder owns this id, or is shown under it. */
  hasId(id: string): boolean {
    return this.#claims.owners.has(id) || this.#claims.shownAs.values().some((shown) => shown === id);
  }

  ownerOf(id: string): string | undefined {
    return this.#claims.owners.get(id);
  }

  /** The id under which a folder is shown: its own, or one made from its name. */
  shownAs(folder: string): string {
    return this.#claims.shownAs.get(folder) ?? folder;
  }

  /** Begins with these folders, all at once: who owns an id must not depend on which is read first. */
  begin(wanted: ReadonlyMap<string, string | null>): void {
    for (const [folder, id] of wanted) this.#wanted.set(folder, id);
    this.#settle('');
  }

  has(folder: string): boolean {
    return this.#wanted.has(folder);
  }

  /**
   * Notes whose id a folder wants; null when it could not be read, then the last one stays.
   * @returns other folders to be looked at again: they came to own their id, or lost it
   */
  want(folder: string, id: string | null): string[] {
    this.#wanted.set(folder, id ?? this.#wanted.get(folder) ?? null);
    return this.#settle(folder);
  }

  define(folder: string, definition: BotDefinition): void {
    this.#definitions.set(folder, definition);
  }

  /** The folder is no bot any more. @returns as {@link want} */
  forget(folder: string): string[] {
    this.#wanted.delete(folder);
    this.#definitions.delete(folder);
    return this.#settle(folder);
  }

  /** Delivers what differs from what was delivered before. @returns the definitions that changed */
  publish(listener: DesiredStateListener): BotDefinition[] {
    const shown = new Map<string, BotDefinition>();
    for (const [folder, definition] of this.#definitions) {
      const id = this.shownAs(folder);
      shown.set(id, definition.id === id ? definition : { ...definition, id });
    }
    for (const id of this.#delivered.keys()) {
      // An id that just changed folders is about to be delivered from its new one.
      if (shown.has(id) || this.#claims.owners.has(id)) continue;
      this.#delivered.delete(id);
      listener.removed(id);
    }
    const changed: BotDefinition[] = [];
    for (const [id, definition] of shown) {
      const before = this.#delivered.get(id);
      if (before === definition || isDeepStrictEqual(before, definition)) continue;
      this.#delivered.set(id, definition);
      listener.changed(definition);
      changed.push(definition);
    }
    return changed;
  }

  #settle(cause: string): string[] {
    const before = this.#claims;
    this.#claims = settleClaims(this.#wanted, before);
    return [...this.#wanted].flatMap(([folder, id]) => {
      if (folder === cause || id === null || !this.#definitions.has(folder)) return [];
      return before.owners.get(id) === this.#claims.owners.get(id) ? [] : [folder];
    });
  }
}
