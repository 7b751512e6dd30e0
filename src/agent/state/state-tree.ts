/**
 * A bot's state directory, and what is known of it.
 *
 * - *Facts*: what `lstat` says of an entry and what changes with every write: size, times, inode, mode.
 * - *Handled*: the stored state holds the content that an entry had when its facts were these, or it was decided to leave
 *   that content out.
 * - *Suspect*: its content may differ from what was handled. Only these are opened.
 * - *Gone*: was handled, and is not there any more.
 *
 * `state-sync.ts` joins all of it with the store.
 */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorCodeOf } from '../agent-error.ts';

export type EntryKind = 'file' | 'directory' | 'link';

/** Times are in milliseconds with fractions; a double holds them to a quarter of a microsecond. */
export interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** Type and permissions. */
  readonly mode: number;
}

export interface Suspect {
  readonly name: string;
  readonly kind: EntryKind;
}

/** What a scan met and passed over. */
export interface Skipped {
  /** Relative to the state directory. */
  readonly name: string;
  readonly why: 'unsupported-type' | 'unreadable' | 'name-not-utf8';
}

/**
 * A change within one tick of the kernel's clock need not move a time stamp. What is younger than this when it is read is
 * looked at once more. (A tick is at most 10 ms.)
 */
export const CLOCK_TICK_MS = 20;

/** Nothing else gets a turn for so many `lstat` calls (about 5 ms). */
const ENTRIES_PER_TURN = 2_000;
const NO_INODES: ReadonlySet<number> = new Set();

interface Seen {
  kind: EntryKind;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  mode: number;
  /** The facts are those under which it was handled. */
  handled: boolean;
  /** It was handled when it was so young that its facts prove nothing. */
  young: boolean;
  /** Some process has, or had, it mapped to write: that changes no fact. */
  mapped: boolean;
  /** The round in which it was met last. */
  round: number;
}

/** Knows the tree by directory, so that a look at one costs what is in it. Not for use from two sides at once. */
export class StateTree {
  readonly #root: string;
  readonly #apart: readonly string[];
  readonly #directories = new Map<string, Map<string, Seen>>();
  /** All that is not handled for good. */
  readonly #unsettled = new Set<string>();
  readonly #gone = new Set<string>();
  #knownInodes: ReadonlySet<number> = NO_INODES;
  #round = 0;
  #bytes = 0;
  #entries = 0;
  #skipped: Skipped[] = [];

  /** @param apart names at the root that are no part of the state */
  constructor(root: string, apart: readonly string[]) {
    this.#root = root;
    this.#apart = apart;
  }

  /** Of all files, as they were met last. */
  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Names that were known and are not there; until they are forgotten. */
  get gone(): ReadonlySet<string> {
    return this.#gone;
  }

  /** In the order of their names, so directories before what is in them. */
  suspects(): Suspect[] {
    return [...this.#unsettled].sort().flatMap((name) => {
      const seen = this.#find(name);
      return seen === undefined ? [] : [{ name, kind: seen.kind }];
    });
  }

  /** Every name there is, in that order. */
  all(): Suspect[] {
    const names: Suspect[] = [];
    for (const [directory, children] of this.#directories) {
      for (const [name, { kind }] of children) names.push({ name: nameIn(directory, name), kind });
    }
    return names.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Looks for changes.
   *
   * @param directories only these (relative, '' is the root) and what is not settled; null: everything
   * @param mapped inodes that some process has mapped to write
   * @returns what was passed over
   * @throws the file system's error when the root itself cannot be read
   */
  async scan(directories: ReadonlySet<string> | null, mapped: ReadonlySet<number> = NO_INODES): Promise<Skipped[]> {
    this.#round += 1;
    this.#skipped = [];
    if (directories === null) {
      await this.#look([''], true);
    } else {
      await this.#look(
        [...directories].map((name) => this.#nearestKnown(name)),
        false,
      );
      const newDirectories = [...this.#unsettled].filter((name) => this.#lookAt(name));
      await this.#look(newDirectories, true);
    }
    this.#noteMapped(mapped);
    return this.#skipped;
  }

  /** Names that the stored state has: those that no scan meets are gone. */
  expect(names: Iterable<string>): void {
    for (const name of names) if (this.#find(name) === undefined) this.#gone.add(name);
  }

  /**
   * This version of an entry needs no more attention.
   * @param facts as they were when its content was read
   * @param readAt when reading began, by the clock of the files
   */
  handled(name: string, facts: FileFacts, readAt: number): void {
    const seen = this.#find(name);
    if (seen === undefined) return;
    this.#bytes += facts.size - seen.size;
    copyFacts(seen, facts);
    seen.handled = true;
    seen.young = isFresh(facts, readAt);
    if (!seen.young && !seen.mapped) this.#unsettled.delete(name);
  }

  /** Nothing is known of what is stored: everything is suspect. */
  suspectAll(): void {
    for (const { name } of this.all()) this.#suspect(name);
  }

  suspect(name: string): void {
    if (this.#find(name) !== undefined) this.#suspect(name);
  }

  forget(name: string): void {
    this.#gone.delete(name);
  }

  /** As the last scan met them; undefined when it did not. */
  facts(name: string): FileFacts | undefined {
    return this.#find(name);
  }

  #suspect(name: string): void {
    const seen = this.#find(name);
    if (seen !== undefined) seen.handled = false;
    this.#unsettled.add(name);
  }

  async #look(directories: string[], deep: boolean): Promise<void> {
    let looked = 0;
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      const names = this.#namesIn(directory);
      if (names === null) continue;
      const children = this.#childrenOf(directory);
      const prefix = directory === '' ? `${this.#root}/` : `${this.#root}/${directory}/`;
      let present = 0;
      for (const name of names) {
        if (directory === '' && this.#apart.includes(name)) continue;
        if (++looked % ENTRIES_PER_TURN === 0) await nextTurn();
        const stat = this.#stat(prefix + name, directory, name);
        if (stat === undefined) continue;
        const isNew = this.#note(children, directory, name, stat);
        if (isNew === null) continue;
        present += 1;
        if ((deep || isNew) && stat.isDirectory()) directories.push(nameIn(directory, name));
      }
      if (present < children.size) {
        for (const [name, seen] of children) if (seen.round !== this.#round) this.#drop(directory, name);
      }
    }
  }

  /** Null: it is not there, or may not be read; what is known of it stays until the directory above is looked at. */
  #namesIn(directory: string): string[] | null {
    try {
      return readdirSync(directory === '' ? this.#root : `${this.#root}/${directory}`);
    } catch (error) {
      if (directory === '') throw error;
      const code = errorCodeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      this.#skipped.push({ name: directory, why: 'unreadable' });
      return null;
    }
  }

  #stat(path: string, directory: string, name: string): Stats | undefined {
    try {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      // What is no UTF-8 was changed when the name was read, and so is not found.
      if (stat === undefined && name.includes('\uFFFD')) {
        this.#skipped.push({ name: nameIn(directory, name), why: 'name-not-utf8' });
      }
      return stat;
    } catch {
      this.#skipped.push({ name: nameIn(directory, name), why: 'unreadable' });
      // It is there, so it is not gone.
      const seen = this.#directories.get(directory)?.get(name);
      if (seen !== undefined) seen.round = this.#round;
      return undefined;
    }
  }

  /** @returns whether it is new; null when it is nothing that is stored */
  #note(children: Map<string, Seen>, directory: string, name: string, stat: Stats): boolean | null {
    const known = children.get(name);
    if (
      known?.handled &&
      known.mtimeMs === stat.mtimeMs &&
      known.ctimeMs === stat.ctimeMs &&
      known.size === sizeOf(stat) &&
      known.ino === stat.ino &&
      known.mode === stat.mode
    ) {
      known.round = this.#round;
      return false;
    }
    const kind = kindOf(stat);
    const full = nameIn(directory, name);
    if (kind === null) {
      this.#skipped.push({ name: full, why: 'unsupported-type' });
      return null;
    }
    if (known !== undefined && known.kind !== kind) {
      this.#drop(directory, name);
      // The stored one is replaced, not removed.
      this.#gone.delete(full);
    }
    const seen = children.get(name);
    if (seen === undefined) {
      children.set(name, { ...factsOf(stat), kind, handled: false, young: false, mapped: false, round: this.#round });
      this.#entries += 1;
      this.#bytes += sizeOf(stat);
      this.#gone.delete(full);
      this.#unsettled.add(full);
      return true;
    }
    // A directory's times change with what is in it, and that is seen there.
    const changed = kind !== 'directory' || seen.mode !== stat.mode;
    this.#bytes += sizeOf(stat) - seen.size;
    copyFacts(seen, factsOf(stat));
    seen.round = this.#round;
    if (changed) this.#suspect(full);
    return false;
  }

  /** @returns whether there is a directory now where none was */
  #lookAt(name: string): boolean {
    const [directory, last] = splitName(name);
    const children = this.#directories.get(directory);
    if (children === undefined) return false;
    const stat = this.#stat(`${this.#root}/${name}`, directory, last);
    if (stat === undefined) {
      if (children.get(last)?.round !== this.#round) this.#drop(directory, last);
      return false;
    }
    const isNew = this.#note(children, directory, last, stat);
    if (isNew === null) this.#drop(directory, last);
    return isNew === true && stat.isDirectory();
  }

  #drop(directory: string, name: string): void {
    const children = this.#directories.get(directory);
    const seen = children?.get(name);
    if (children === undefined || seen === undefined) return;
    const full = nameIn(directory, name);
    if (seen.kind === 'directory') {
      for (const child of [...(this.#directories.get(full)?.keys() ?? [])]) this.#drop(full, child);
      this.#directories.delete(full);
    }
    children.delete(name);
    this.#entries -= 1;
    this.#bytes -= seen.size;
    this.#unsettled.delete(full);
    this.#gone.add(full);
  }

  /** A directory that was made or removed is found from the one above it. */
  #nearestKnown(directory: string): string {
    let name = directory;
    while (name !== '' && !this.#directories.has(name)) name = splitName(name)[0];
    const stat = name === '' ? undefined : lstatSync(`${this.#root}/${name}`, { throwIfNoEntry: false });
    return name === '' || stat?.isDirectory() ? name : this.#nearestKnown(splitName(name)[0]);
  }

  #noteMapped(mapped: ReadonlySet<number>): void {
    const news = [...mapped].some((ino) => !this.#knownInodes.has(ino));
    this.#knownInodes = mapped;
    if (!news) return;
    for (const [directory, children] of this.#directories) {
      for (const [name, seen] of children) {
        if (seen.kind !== 'file' || !mapped.has(seen.ino)) continue;
        seen.mapped = true;
        this.#unsettled.add(nameIn(directory, name));
      }
    }
  }

  #childrenOf(directory: string): Map<string, Seen> {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const children = new Map<string, Seen>();
    this.#directories.set(directory, children);
    return children;
  }

  #find(name: string): Seen | undefined {
    const [directory, last] = splitName(name);
    return this.#directories.get(directory)?.get(last);
  }
}

export function factsOf(stat: Stats): FileFacts {
  const { mtimeMs, ctimeMs, ino, mode } = stat;
  return { size: sizeOf(stat), mtimeMs, ctimeMs, ino, mode };
}

/**
 * Whether it was changed so shortly before that a change from then on need not show in its facts.
 *
 * Not so when it was changed in the future, which is what a clock leaves that was ahead and has been set back: changes from
 * then on get the time of then, which is another. (Theirs could be the same again only when the clock has caught up, in the
 * very tick in which it was changed before.)
 * @param at by the clock of the files
 */
export function isFresh({ ctimeMs }: FileFacts, at: number, forMs = CLOCK_TICK_MS): boolean {
  return Math.abs(at - ctimeMs) <= forMs;
}

export function sameFacts(a: FileFacts, b: FileFacts): boolean {
  return (
    a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino && a.mode === b.mode
  );
}

function copyFacts(seen: Seen, { size, mtimeMs, ctimeMs, ino, mode }: FileFacts): void {
  seen.size = size;
  seen.mtimeMs = mtimeMs;
  seen.ctimeMs = ctimeMs;
  seen.ino = ino;
  seen.mode = mode;
}

function kindOf(stat: Stats): EntryKind | null {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'link' : null;
}

/** A directory's own size, and a link's, are the file system's business. */
function sizeOf(stat: Stats): number {
  return stat.isFile() ? stat.size : 0;
}

function nameIn(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function splitName(name: string): [string, string] {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}
