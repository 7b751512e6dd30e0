import type { StoredEntry } from '../../storage/archive/archive-index.ts';
import { ContentChanged } from '../../storage/archive/pack-member.ts';
import { FileShrank, type StableFile } from './stable-file.ts';
import { BUSY, type StateTaker, type Taken } from './state-taker.ts';
import { sameFacts } from './state-tree.ts';

/**
 * A SQLite database with what belongs to it, taken together or not at all, so that it opens uncorrupted where it is
 * restored. Node cannot take SQLite's locks; so the files are read, and then it is seen whether they belong together
 * (https://www.sqlite.org/fileformat2.html, 1.3.9 and 4; https://www.sqlite.org/atomiccommit.html):
 *
 * - The database file must not have changed while it was read. In rollback mode its change counter grows before a
 *   journal goes away; so one that is the same, seen after no journal was there, proves that nothing was written, even
 *   when the clock is too coarse to show it.
 * - In WAL mode, commits only append to `-wal`, and any beginning of it is a valid database of an earlier moment, as long
 *   as no checkpoint wrote to the database file or began the log anew with another header.
 * - `-shm` is an index of the log. SQLite builds it again; it is never stored.
 */
export interface SqliteGroup {
  /** The name of the database file. */
  readonly database: string;
  /** That of a rollback journal and of a write-ahead log, whether they are there or not. */
  readonly companions: readonly [journal: string, wal: string];
  readonly sharedMemory: string;
}

const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const HEADER_BYTES = 100;
const CHANGE_COUNTER = [24, 28] as const;
const WAL_HEADER_BYTES = 32;
const SUFFIX = /-(journal|wal|shm)$/;
const TRIES = 8;

/** Whether a name is one that SQLite gives to a file beside a database. */
export function looksLikeCompanion(name: string): boolean {
  return SUFFIX.test(name);
}

/** Null when the name is no part of a database. */
export function sqliteGroupOf(name: string, taker: StateTaker): SqliteGroup | null {
  for (const database of new Set([name, name.replace(SUFFIX, '')])) {
    const file = openQuietly(database, taker);
    if (file === null) continue;
    try {
      if (!file.head(MAGIC.length).equals(MAGIC)) continue;
    } finally {
      file.close();
    }
    const companions = [`${database}-journal`, `${database}-wal`] as const;
    return { database, companions, sharedMemory: `${database}-shm` };
  }
  return null;
}

/** That it cannot be read is said when it is taken. */
function openQuietly(name: string, taker: StateTaker): StableFile | null {
  try {
    return taker.open(name);
  } catch {
    return null;
  }
}

/**
 * @param stored what the archive has of a name
 * @returns for each file of the group what became of it; null: it is not there. All are `withheld` or none is
 */
export async function takeSqliteGroup(
  group: SqliteGroup,
  taker: StateTaker,
  stored: (name: string) => StoredEntry | undefined,
): Promise<Map<string, Taken | null>> {
  const { spool } = taker.options;
  const mark = spool.length;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const taken = await tryGroup(group, taker, stored, attempt < TRIES - 1);
    if (taken !== null) return taken;
    spool.truncate(mark);
    if (!(await taker.wait(Math.min(attempt, 2)))) break;
  }
  return new Map([group.database, ...group.companions].map((name) => [name, BUSY]));
}

async function tryGroup(
  { database, companions }: SqliteGroup,
  taker: StateTaker,
  stored: (name: string) => StoredEntry | undefined,
  mayWait: boolean,
): Promise<Map<string, Taken | null> | null> {
  const open = new Map<string, StableFile>();
  try {
    const main = taker.open(database);
    if (main === null) return new Map([[database, { kind: 'vanished' }]]);
    open.set(database, main);
    const counter = changeCounterOf(main);
    for (const name of companions) {
      const file = taker.open(name);
      if (file !== null) open.set(name, file);
    }
    const [journal, wal] = companions.map((name) => open.get(name));
    const journalIsHot = isActiveJournal(journal);
    // With a log or a journal beside it, only the clock can tell; and so in any journal mode that leaves no file.
    const clockMatters = journalIsHot || wal !== undefined || mayWait;
    if (clockMatters && (main.isHot || (journalIsHot && journal?.isHot))) return null;

    const walHeader = wal?.head(WAL_HEADER_BYTES) ?? null;
    const taken = new Map<string, Taken | null>(companions.map((name) => [name, null]));
    const tooLarge = [...open.values()].find((file) => taker.isTooLarge(file));
    if (tooLarge !== undefined) return new Map([...open.keys()].map((name) => [name, taker.tooLarge(tooLarge)]));
    for (const [name, file] of open) taken.set(name, await taker.packFile(name, file, stored(name)));

    // The order matters: see above.
    for (const name of companions) if (!isSameCompanion(name, open.get(name), taker)) return null;
    const walNow = wal?.head(WAL_HEADER_BYTES) ?? null;
    if (walHeader !== null && walNow !== null && !walHeader.equals(walNow)) return null;
    if (!main.isUnchanged() || !changeCounterOf(main).equals(counter)) return null;
    return taken;
  } catch (error) {
    if (error instanceof FileShrank || error instanceof ContentChanged) return null;
    throw error;
  } finally {
    for (const file of open.values()) file.close();
  }
}

/** Is the file of this name still the one that was read: none, or the same, and a log no shorter? */
function isSameCompanion(name: string, before: StableFile | undefined, taker: StateTaker): boolean {
  const now = taker.open(name);
  try {
    if (now === null || before === undefined) return now === null && before === undefined;
    if (name.endsWith('-journal')) {
      return sameFacts(now.facts, before.facts) && isActiveJournal(now) === isActiveJournal(before);
    }
    return now.facts.ino === before.facts.ino && now.facts.size >= before.facts.size;
  } finally {
    now?.close();
  }
}

/** One that would be rolled back. With `journal_mode` TRUNCATE or PERSIST an empty one, or one with zeros, stays. */
function isActiveJournal(journal: StableFile | undefined): boolean {
  return journal?.head(8).some((byte) => byte !== 0) === true;
}

function changeCounterOf(database: StableFile): Buffer {
  return Buffer.from(database.head(HEADER_BYTES).subarray(...CHANGE_COUNTER));
}
