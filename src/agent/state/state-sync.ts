import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveIndex } from '../../storage/archive/archive-index.ts';
import { contentDigests } from '../../storage/archive/content-digest.ts';
import { endMember } from '../../storage/archive/gzip-member.ts';
import { ContentChanged, packMember } from '../../storage/archive/pack-member.ts';
import { Spool } from '../../storage/archive/spool.ts';
import { type Stamp, stampNote } from '../../storage/archive/stamp.ts';
import { planUpload } from '../../storage/archive/upload-plan.ts';
import { type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import { errorCodeOf } from '../agent-error.ts';
import { RESTORING } from './restore.ts';
import { type Restored, restoreState } from './restore-state.ts';
import { salvage } from './salvage.ts';
import { sharedMappings } from './shared-mappings.ts';
import { Collection } from './state-collection.ts';
import type { StateLimits } from './state-limits.ts';
import { type NoticeCode, Notices, type StateNotice } from './state-notice.ts';
import { StateTaker } from './state-taker.ts';
import { CLOCK_TICK_MS, isFresh, type Skipped, StateTree } from './state-tree.ts';
import { type Known, type Standing, StoredState } from './stored-state.ts';

export interface StateSyncOptions {
  readonly store: ObjectStore;
  /** `<botId>/state.tar.gz` in the state bucket (contract 4.1). */
  readonly place: ObjectPlace;
  /** The incarnation this agent runs for. */
  readonly epoch: number;
  /** Random, of this process: letters and digits. */
  readonly writer: string;
  /** The state directory. */
  readonly directory: string;
  /** Outside of it; for packed files that do not fit into memory. */
  readonly spoolDirectory: string;
  readonly limits: StateLimits;
  /** False: the store does not honour conditions on writes. */
  readonly fencing: boolean;
  /** The processes of the bot, which may have state files mapped. */
  readonly pids: () => readonly number[];
  readonly onNotice: (notice: StateNotice) => void;
  /** What was said is not so any more. */
  readonly onNoticeOver?: (code: NoticeCode, name: string | null) => void;
  /** Milliseconds since 1970, by the clock that the file system uses. */
  readonly now: () => number;
}

export type SyncResult =
  | { readonly kind: 'unchanged' }
  /** `bytes` travelled, `copiedBytes` were kept by the store; `entries` and `removed` are what was new and what went. */
  | ({ readonly kind: 'uploaded' } & Readonly<Uploaded>)
  /** For good: stop syncing, and end. */
  | { readonly kind: 'superseded'; readonly epoch: number }
  /** Nothing is stored until the state is smaller; a notice names the limit. */
  | { readonly kind: 'over-limit' }
  /** There is no state directory. */
  | { readonly kind: 'no-directory' };

interface Uploaded {
  bytes: number;
  copiedBytes: number;
  entries: number;
  removed: number;
}

/** How often one sync begins anew because another writer came between. */
const ROUNDS = 3;
/**
 * One upload is at most so many times what the spool holds, with the files that are read later. So a large state is first
 * stored in several uploads, each an archive of whole files: when one fails, or takes longer than a sync may, what came
 * before it need not be sent again.
 */
const MOST_SPOOLS = 16;
/** What an archive without files holds: the directory in which the SDKs keep their keys. */
const STATE_KEYS = '.the0-state';

const SKIPPED: Readonly<Record<Skipped['why'], string>> = {
  'unsupported-type': 'it is a socket, a pipe or a device',
  unreadable: 'the agent may not read it',
  'name-not-utf8': 'its name is not UTF-8',
};

/** Only a scan meets these, so only a scan can tell that they are over. */
const MET_BY_SCANS = ['unsupported-type', 'name-not-utf8'] as const satisfies readonly Skipped['why'][];

/** An upload that may have had its effect. */
interface Unsure {
  readonly stamp: Stamp;
  /** It had. */
  commit(etag: string): Known;
  readonly result: SyncResult;
}

type Settled =
  | { readonly kind: 'superseded'; readonly epoch: number }
  /** `landed`: an upload of which it was not known has had its effect. */
  | { readonly kind: 'known'; readonly known: Known; readonly landed: SyncResult | null };

/**
 * Keeps the stored state of one bot like its state directory. Calls to `sync` are answered one after the other.
 *
 *   restore ─► sync ─► sync ─► … ─► sync
 *                │
 *                scan ─► take suspects into the spool ─► plan ─► upload on condition
 *                          ▲                                        │ changed: who was it?
 *                          └──────────── I win ─────────────────────┴─► a later incarnation: superseded
 *
 * What is known of the store changes only when an upload is known to have had its effect; when that is not known, the
 * next sync asks first.
 */
export class StateSync {
  readonly #options: StateSyncOptions;
  readonly #stored: StoredState;
  readonly #tree: StateTree;
  readonly #notices: Notices;
  /** Null: not looked at yet. */
  #known: Known | null = null;
  #unsure: Unsure | null = null;
  /** Whether the tree has been compared with the names that are stored. */
  #isExpected = false;
  #superseded: number | null = null;
  #movedBytes = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: StateSyncOptions) {
    this.#options = options;
    this.#stored = new StoredState(options);
    this.#tree = new StateTree(options.directory, [RESTORING]);
    this.#notices = new Notices(options.onNotice, options.onNoticeOver);
  }

  /** What all uploads have moved, uploaded or copied in the store; of those that failed, as far as it is known. */
  get movedBytes(): number {
    return this.#movedBytes;
  }

  /** Brings the stored state into the directory, and goes on from there; see `restoreState`. @throws StateUnreadable */
  async restore(signal?: AbortSignal): Promise<Restored> {
    const restored = await restoreState({ ...this.#options, sessionFile: null, retry: null }, signal);
    await this.begin(restored);
    return restored;
  }

  /** Nothing may touch the directory between `restoreState`, which may be another process's doing, and the end of this. */
  async begin(restored: Restored): Promise<void> {
    switch (restored.kind) {
      case 'first-run':
        this.#known = { kind: 'nothing' };
        return;
      case 'restored':
        this.#stored.continueAfter(restored.seq);
        this.#known = { kind: 'archive', etag: restored.etag, index: restored.index };
        return this.#adopt(restored.index);
      case 'superseded':
        this.#superseded = restored.epoch;
        return;
      case 'kept':
        return;
    }
  }

  /**
   * Stores what has changed.
   * @param directories where to look (relative to the state directory); null: everywhere
   * @throws StoreError, ArchiveError, the file system's error: nothing is lost, the next call tries again
   */
  sync(directories: ReadonlySet<string> | null, signal?: AbortSignal): Promise<SyncResult> {
    const turn = this.#queue.then(() => this.#sync(directories, signal));
    this.#queue = turn.catch(() => {
      // Whoever asked for that sync has its error.
    });
    return turn;
  }

  async #sync(directories: ReadonlySet<string> | null, signal?: AbortSignal): Promise<SyncResult> {
    let landed: SyncResult | null = null;
    let mayReadLater = true;
    for (let round = 1; ; round++) {
      const settled = await this.#settle(signal);
      if (settled.kind === 'superseded') return settled;
      landed = settled.landed ?? landed;
      try {
        const result = await this.#attempt(settled.known, directories, mayReadLater, signal);
        return result.kind === 'unchanged' && landed !== null ? landed : result;
      } catch (error) {
        // A large file is written all the time: it has to be copied before it can be uploaded.
        if (mayReadLater && isCausedByChange(error)) {
          mayReadLater = false;
          continue;
        }
        const met = error instanceof StoreError && (error.trouble === 'changed' || error.trouble === 'missing');
        if (!met || round === ROUNDS) throw error;
        this.#known = null;
      }
    }
  }

  /** What the store holds, as far as it concerns this writer; and an upload of which that was not known. */
  async #settle(signal?: AbortSignal): Promise<Settled> {
    if (this.#superseded !== null) return { kind: 'superseded', epoch: this.#superseded };
    const before = this.#known;
    const unsure = this.#unsure;
    if (before !== null && unsure === null) return { kind: 'known', known: before, landed: null };
    const standing = await this.#stored.standing(signal);
    if (standing.kind === 'superseded') {
      this.#superseded = standing.epoch;
      return standing;
    }
    if (standing.kind === 'mine' && unsure !== null && standing.stamp.nonce === unsure.stamp.nonce) {
      return { kind: 'known', known: unsure.commit(standing.etag), landed: unsure.result };
    }
    if (before?.kind === 'archive' && standing.kind !== 'nothing' && standing.etag === before.etag) {
      this.#unsure = null;
      return { kind: 'known', known: before, landed: null };
    }
    const known = await this.#meet(standing, signal);
    this.#unsure = null;
    this.#known = known;
    this.#isExpected = false;
    this.#tree.suspectAll();
    return { kind: 'known', known, landed: null };
  }

  /** The store holds something that this process does not know. */
  async #meet(standing: Exclude<Standing, { kind: 'superseded' }>, signal?: AbortSignal): Promise<Known> {
    if (standing.kind === 'nothing') return standing;
    const { kind, etag } = standing;
    if (kind === 'foreign') {
      const message = 'another program had changed the stored state; what this bot has replaces it';
      this.#notices.say({ code: 'overwrote-foreign', name: null, message });
      return { kind: 'archive', etag, index: ArchiveIndex.EMPTY };
    }
    return { kind: 'archive', etag, index: await this.#stored.readIndex(etag, signal) };
  }

  async #attempt(
    known: Known,
    directories: ReadonlySet<string> | null,
    mayReadLater: boolean,
    signal?: AbortSignal,
  ): Promise<SyncResult> {
    const { limits, spoolDirectory } = this.#options;
    if (!(await this.#look(known, directories))) return { kind: 'no-directory' };
    if (this.#isOverLimit(this.#tree.entries, this.#tree.bytes)) return { kind: 'over-limit' };
    const spool = new Spool(spoolDirectory, limits.spoolMemoryBytes);
    try {
      return await this.#store(known, spool, mayReadLater, signal);
    } finally {
      spool.close();
    }
  }

  /** @returns false when there is no state directory */
  async #look(known: Known, directories: ReadonlySet<string> | null): Promise<boolean> {
    try {
      const mapped = sharedMappings(this.#options.pids());
      const places = this.#isExpected ? directories : null;
      this.#saySkipped(await this.#tree.scan(places, mapped), places);
    } catch (error) {
      if (errorCodeOf(error) !== 'ENOENT') throw error;
      const message = 'the state directory is not there any more; what is stored stays';
      this.#notices.say({ code: 'directory-missing', name: null, message });
      return false;
    }
    this.#notices.over('directory-missing', null);
    if (!this.#isExpected) this.#tree.expect(indexOf(known).entries.keys());
    this.#isExpected = true;
    return true;
  }

  /** @param places where the scan looked; null: everywhere */
  #saySkipped(skipped: readonly Skipped[], places: ReadonlySet<string> | null): void {
    for (const { name, why } of skipped) {
      this.#notices.say({ code: why, name, message: `${name} is not stored: ${SKIPPED[why]}` });
    }
    const met = new Set(skipped.map(({ name, why }) => `${why} ${name}`));
    this.#notices.overWhere(MET_BY_SCANS, (code, name) => {
      const directory = name.slice(0, Math.max(0, name.lastIndexOf('/')));
      return !met.has(`${code} ${name}`) && (places === null || places.has(directory));
    });
  }

  async #store(first: Known, spool: Spool, mayReadLater: boolean, signal?: AbortSignal): Promise<SyncResult> {
    const { limits, now, directory } = this.#options;
    const newDigest = await contentDigests();
    const taker = new StateTaker({ root: directory, spool, limits, mayReadLater, newDigest, now, signal });
    const done: Uploaded = { bytes: 0, copiedBytes: 0, entries: 0, removed: 0 };
    let known = first;
    let collection = new Collection(this.#tree, taker, this.#notices);
    const upload = async () => {
      known = await this.#upload(known, collection, spool, done, signal);
      collection.clear();
      spool.close();
    };

    const suspects = this.#tree.suspects();
    // Once for all that was just written, rather than for each.
    if (suspects.some(({ name }) => this.#isHot(name))) await taker.wait(0);
    for (const suspect of suspects) {
      await collection.take(suspect, indexOf(known));
      // What is not uploaded yet must stay stored as it is: not so where the archive has to be written anew.
      const isFull = spool.heldBytes >= limits.spoolBytes || spool.length >= MOST_SPOOLS * limits.spoolBytes;
      if (isFull && !isOpaque(known)) await upload();
    }
    await collection.takeGone(indexOf(known));
    if (!this.#needsUpload(known, collection)) return resultOf(done);

    if (isOpaque(known)) {
      if (indexOf(known).entries.size > 0) {
        spool.close();
        this.#tree.suspectAll();
        collection = new Collection(this.#tree, taker, this.#notices);
        for (const suspect of this.#tree.suspects()) await collection.take(suspect, ArchiveIndex.EMPTY);
        known = { ...known, index: ArchiveIndex.EMPTY };
      }
      if (collection.withheld.size > 0) await this.#salvage(known.etag, collection, spool, signal);
    }
    await this.#fillIfEmpty(known, collection, spool);
    if (!collection.hasChanges) return resultOf(done);
    if (this.#isOverLimit(0, bytesAfter(indexOf(known), collection))) return { kind: 'over-limit' };
    await upload();
    return resultOf(done);
  }

  #isHot(name: string): boolean {
    const facts = this.#tree.facts(name);
    return facts !== undefined && isFresh(facts, this.#options.now());
  }

  /** Nothing is uploaded while nothing is stored and there are no files, as the Go runtime does (contract 4.4). */
  #needsUpload(known: Known, collection: Collection): boolean {
    if (known.kind === 'nothing') return [...collection.packed.values()].some(({ kind }) => kind !== 'directory');
    // Somebody else's archive, which a change of ours has met: ours stands, even if it is empty.
    return collection.hasChanges || (isOpaque(known) && known.index.entries.size === 0);
  }

  /** The last good versions of what cannot be taken are in an archive whose parts cannot be kept. */
  async #salvage(etag: string, { withheld, packed }: Collection, spool: Spool, signal?: AbortSignal): Promise<void> {
    const { spoolDirectory, limits } = this.#options;
    const aside = new Spool(spoolDirectory, limits.spoolMemoryBytes);
    try {
      const found = await salvage(this.#stored.bytes(etag, signal), withheld, limits, aside, spool);
      for (const [name, entry] of found) packed.set(name, entry);
    } finally {
      aside.close();
    }
  }

  /** That all is gone must be stored, too (contract 12.3 #36): as an archive that holds an empty directory. */
  async #fillIfEmpty(known: Known, { packed, removed }: Collection, spool: Spool): Promise<void> {
    const { entries } = indexOf(known);
    const left = packed.size + [...entries.keys()].filter((name) => !removed.has(name) && !packed.has(name)).length;
    if (left > 0) return;
    if (entries.get(STATE_KEYS)?.kind === 'directory') {
      removed.delete(STATE_KEYS);
      return;
    }
    const mtime = Math.floor(this.#options.now() / 1000);
    const common = { kind: 'directory', mode: 0o755, size: 0 } as const;
    const at = await packMember(spool, { ...common, name: STATE_KEYS, mtime, uid: 0, gid: 0, linkTarget: '' }, []);
    packed.set(STATE_KEYS, { ...common, digest: '', at });
  }

  async #upload(
    known: Known,
    collection: Collection,
    spool: Spool,
    done: Uploaded,
    signal?: AbortSignal,
  ): Promise<Known> {
    const plan = planUpload(indexOf(known), collection, this.#options.store.pieces.minPieceBytes);
    const stamp = this.#stored.nextStamp();
    const upload = this.#stored.prepare(known, plan, stamp, {
      spool: ({ from, to }) => spool.read(from, to),
      end: endMember(stampNote(stamp)),
    });
    done.bytes += upload.bytes;
    done.copiedBytes += upload.copiedBytes;
    done.entries += collection.packed.size;
    done.removed += collection.removed.size;
    const commit = (etag: string): Known => {
      this.#unsure = null;
      this.#known = { kind: 'archive', etag, index: plan.index };
      collection.commit();
      return this.#known;
    };
    this.#unsure = { stamp, commit, result: resultOf(done) };
    try {
      return commit(await upload.send(signal));
    } finally {
      // When all of it was sent, most likely the store has copied the rest as well.
      const isAllSent = upload.sentBytes >= upload.bytes;
      this.#movedBytes += upload.sentBytes + (isAllSent ? upload.copiedBytes : 0);
    }
  }

  #isOverLimit(entries: number, bytes: number): boolean {
    const { limits } = this.#options;
    const tooMany = entries > limits.entries;
    const tooLarge = bytes > limits.totalBytes;
    if (tooMany) {
      const message = `the state has ${entries} files and directories, and ${limits.entries} are allowed: nothing is stored`;
      this.#notices.say({ code: 'too-many-entries', name: null, message });
    } else if (tooLarge) {
      const message = `the state has ${bytes} bytes, and MAX_STATE_SIZE_MB allows ${limits.totalBytes}: nothing is stored`;
      this.#notices.say({ code: 'state-too-large', name: null, message });
    } else {
      this.#notices.over('too-many-entries', null);
      this.#notices.over('state-too-large', null);
    }
    return tooMany || tooLarge;
  }

  /** What was just restored needs no second look: nobody else has touched it yet. */
  async #adopt(index: ArchiveIndex): Promise<void> {
    await sleep(CLOCK_TICK_MS + 1);
    const readAt = this.#options.now();
    await this.#tree.scan(null);
    for (const { name, kind } of this.#tree.suspects()) {
      const facts = this.#tree.facts(name);
      const stored = index.entries.get(name);
      if (facts !== undefined && stored?.kind === kind && stored.size === facts.size) {
        this.#tree.handled(name, facts, readAt);
      }
    }
    this.#tree.expect(index.entries.keys());
    this.#isExpected = true;
  }
}

function isCausedByChange(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof ContentChanged) return true;
  return false;
}

function indexOf(known: Known): ArchiveIndex {
  return known.kind === 'archive' ? known.index : ArchiveIndex.EMPTY;
}

/** Whether it is an archive whose parts cannot be kept: the next one is written whole. */
function isOpaque(known: Known): known is Extract<Known, { kind: 'archive' }> {
  return known.kind === 'archive' && known.index.endOffset === null;
}

function bytesAfter({ entries }: ArchiveIndex, { packed, removed }: Collection): number {
  let bytes = 0;
  for (const { size } of packed.values()) bytes += size;
  for (const [name, { size }] of entries) if (!packed.has(name) && !removed.has(name)) bytes += size;
  return bytes;
}

function resultOf(done: Readonly<Uploaded>): SyncResult {
  return done.bytes === 0 ? { kind: 'unchanged' } : { kind: 'uploaded', ...done };
}
