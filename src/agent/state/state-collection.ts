import type { ArchiveIndex } from '../../storage/archive/archive-index.ts';
import type { PackedEntry } from '../../storage/archive/upload-plan.ts';
import { looksLikeCompanion, type SqliteGroup, sqliteGroupOf, takeSqliteGroup } from './sqlite-group.ts';
import type { Notices, WithheldCode } from './state-notice.ts';
import type { StateTaker, Taken } from './state-taker.ts';
import type { FileFacts, StateTree, Suspect } from './state-tree.ts';

/** An empty file, or one of a few bytes, is no database. */
const FEWEST_DATABASE_BYTES = 512;
const ENDED_WITH_CONTENT: readonly WithheldCode[] = [
  'not-json',
  'file-too-large',
  'busy',
  'unreadable',
  'link-leads-out',
];

/** What one upload will change, gathered from the suspects of the tree. */
export class Collection {
  readonly packed = new Map<string, PackedEntry>();
  readonly removed = new Set<string>();
  /** Of these the stored version stays. */
  readonly withheld = new Set<string>();
  /** How the packed were when they were read. */
  readonly #read = new Map<string, { readonly facts: FileFacts; readonly readAt: number }>();
  /** Databases that were looked at, whole. */
  readonly #databases = new Set<string>();
  readonly #tree: StateTree;
  readonly #taker: StateTaker;
  readonly #notices: Notices;

  constructor(tree: StateTree, taker: StateTaker, notices: Notices) {
    this.#tree = tree;
    this.#taker = taker;
    this.#notices = notices;
  }

  get hasChanges(): boolean {
    return this.packed.size > 0 || this.removed.size > 0;
  }

  /** @param index what is stored */
  async take(suspect: Suspect, index: ArchiveIndex): Promise<void> {
    const { name, kind } = suspect;
    const group = kind === 'file' && this.#mayBeOfDatabase(name) ? sqliteGroupOf(name, this.#taker) : null;
    if (group === null) this.#record(name, await this.#taker.take(suspect, index.entries.get(name)));
    else if (name === group.sharedMemory) this.#leaveOut(name, index);
    else await this.#takeGroup(group, index);
  }

  /** After all suspects: names that are gone from the directory go from the archive. */
  async takeGone(index: ArchiveIndex): Promise<void> {
    const group = async (name: string) => (looksLikeCompanion(name) ? sqliteGroupOf(name, this.#taker) : null);
    for (const name of [...this.#tree.gone]) {
      const database = await group(name);
      this.#isFine(name);
      // What belongs to a database goes with a good copy of it, or stays.
      if (database !== null && name !== database.sharedMemory) await this.#takeGroup(database, index);
      else if (index.entries.has(name)) this.removed.add(name);
      else this.#tree.forget(name);
    }
  }

  /** It is stored. */
  commit(): void {
    for (const [name, { facts, readAt }] of this.#read) this.#tree.handled(name, facts, readAt);
    for (const name of this.removed) this.#tree.forget(name);
  }

  /** Begins the next upload. */
  clear(): void {
    this.packed.clear();
    this.removed.clear();
    this.#read.clear();
  }

  #mayBeOfDatabase(name: string): boolean {
    return looksLikeCompanion(name) || (this.#tree.facts(name)?.size ?? 0) >= FEWEST_DATABASE_BYTES;
  }

  async #takeGroup(group: SqliteGroup, index: ArchiveIndex): Promise<void> {
    if (this.#databases.has(group.database)) return;
    this.#databases.add(group.database);
    const taken = await takeSqliteGroup(group, this.#taker, (name) => index.entries.get(name));
    for (const [name, each] of taken) {
      if (each !== null) this.#record(name, each);
      else if (index.entries.has(name)) this.removed.add(name);
      else this.#tree.forget(name);
    }
  }

  #leaveOut(name: string, index: ArchiveIndex): void {
    if (index.entries.has(name)) this.removed.add(name);
    const facts = this.#tree.facts(name);
    if (facts !== undefined) this.#tree.handled(name, facts, this.#taker.options.now());
  }

  #record(name: string, taken: Taken): void {
    switch (taken.kind) {
      case 'packed':
        this.packed.set(name, taken.packed);
        this.#read.set(name, taken);
        break;
      case 'same':
        this.#tree.handled(name, taken.facts, taken.readAt);
        break;
      case 'withheld':
        this.withheld.add(name);
        if (taken.facts !== null) this.#tree.handled(name, taken.facts, taken.readAt);
        this.#notices.say({ code: taken.code, name, message: `${name} is not stored: ${taken.detail}` });
        return;
      case 'vanished':
        return;
    }
    this.#isFine(name);
  }

  #isFine(name: string): void {
    for (const code of ENDED_WITH_CONTENT) this.#notices.over(code, name);
  }
}
