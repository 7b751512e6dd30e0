import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveIndex } from '../../storage/archive/archive-index.ts';
import { contentDigests } from '../../storage/archive/content-digest.ts';
import { endMember } from '../../storage/archive/gzip-member.ts';
import { packMember } from '../../storage/archive/pack-member.ts';
import { Spool } from '../../storage/archive/spool.ts';
import { type Stamp, stampNote } from '../../storage/archive/stamp.ts';
import { type PackedEntry, planUpload } from '../../storage/archive/upload-plan.ts';
import { type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import { errorCodeOf } from '../agent-error.ts';
import { RESTORING, StateUnreadable, holdsState, restoreInto } from './restore.ts';
import { salvage } from './salvage.ts';
import { sharedMappings } from './shared-mappings.ts';
import { type SqliteGroup, looksLikeCompanion, sqliteGroupOf, takeSqliteGroup } from './sqlite-group.ts';
import type { StateLimits } from './state-limits.ts';
import { Notices, type StateNotice, type WithheldCode } from './state-notice.ts';
import { StateTaker, type Taken } from './state-taker.ts';
import { CLOCK_TICK_MS, type FileFacts, StateTree, type Suspect } from './state-tree.ts';
import { FOREIGN_INDEX, type Known, StoredState } from './stored-state.ts';

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
  /** Milliseconds since 1970, by the clock that the file system uses. */
  readonly now: () => number;
}

export type RestoreResult =
  /** Nothing is stored. */
  | { readonly kind: 'first-run' }
  | { readonly kind: 'restored'; readonly files: number }
  /** The directory held a state already: that one stands. */
  | { readonly kind: 'kept' }
  /** A later incarnation has stored its state: this one must not run. */
  | { readonly kind: 'superseded'; readonly epoch: number };

export type SyncResult =
  | { readonly kind: 'unchanged' }
  /** `bytes` is what travelled; `entries` and `removed` are what was new and what went. */
  | { readonly kind: 'uploaded'; readonly bytes: number; readonly entries: number; readonly removed: number }
  /** For good: stop syncing, and end. */
  | { readonly kind: 'superseded'; readonly epoch: number }
  /** Nothing is stored until the state is smaller; a notice names the limit. */
  | { readonly kind: 'over-limit' }
  /** There is no state directory. */
  | { readonly kind: 'no-directory' };

/** How often one sync begins anew because another writer came between. */
const ROUNDS = 3;
/** What an archive without files holds: the directory in which the SDKs keep their keys. */
const STATE_KEYS = '.the0-state';
const FEWEST_SQLITE_BYTES = 512;

interface Collected {
  readonly packed: Map<string, PackedEntry>;
  /** How the packed and the passed over were when they were read. */
  readonly read: Map<string, { readonly facts: FileFacts; readonly readAt: number }>;
  readonly removed: Set<string>;
  /** Of these the stored version stays. */
  readonly withheld: Set<string>;
}

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
  /** An upload that may have had its effect. */
  #unsure: { readonly stamp: Stamp; readonly next: () => void } | null = null;
  #superseded: number | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: StateSyncOptions) {
    this.#options = options;
    this.#stored = new StoredState(options);
    this.#tree = new StateTree(options.directory, [RESTORING]);
    this.#notices = new Notices(options.onNotice);
  }

  /**
   * Before the bot starts: brings its state into the directory, if that holds none.
   * @throws StateUnreadable: the bot must not start
   */
  async restore(signal?: AbortSignal): Promise<RestoreResult> {
    const { directory, store, place, limits } = this.#options;
    try {
      mkdirSync(directory, { recursive: true });
      if (holdsState(directory)) return { kind: 'kept' };
      const content = await store.read(place, signal === undefined ? {} : { signal });
      if (content === null) {
        this.#known = { kind: 'nothing' };
        return { kind: 'first-run' };
      }
      const { etag, metadata } = content.info;
      const standing = this.#stored.standingOf(etag, metadata);
      if (standing.kind === 'superseded') {
        await content.body[Symbol.asyncIterator]().return?.();
        this.#superseded = standing.epoch;
        return standing;
      }
      const { index } = await restoreInto(directory, content.body, limits);
      this.#known = { kind: 'archive', etag, index };
      await this.#adoptRestored(index);
      return { kind: 'restored', files: index.entries.size };
    } catch (error) {
      if (error instanceof StateUnreadable) throw error;
      const code = error instanceof StoreError ? error.trouble : errorCodeOf(error);
      const detail = error instanceof Error ? error.message : String(error);
      throw new StateUnreadable(code, `the stored state cannot be read: ${detail}`, { cause: error });
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
    let looked = directories;
    for (let round = 1; ; round++) {
      const known = await this.#settle(signal);
      if (known === null) return { kind: 'superseded', epoch: this.#superseded ?? 0 };
      try {
        return await this.#attempt(known, looked, signal);
      } catch (error) {
        const met = error instanceof StoreError && (error.trouble === 'changed' || error.trouble === 'missing');
        if (!met || round === ROUNDS) throw error;
        this.#unsure = null;
        this.#known = null;
        looked = new Set(); // What the first look has found is still known.
      }
    }
  }

  /** What the store holds, as far as it concerns this writer. Null: superseded. */
  async #settle(signal?: AbortSignal): Promise<Known | null> {
    if (this.#superseded !== null) return null;
    if (this.#known !== null && this.#unsure === null) return this.#known;
    const before = this.#known;
    const standing = await this.#stored.standing(signal);
    const unsure = this.#unsure;
    if (standing.kind === 'superseded') {
      this.#superseded = standing.epoch;
      return null;
    }
    if (standing.kind === 'mine' && unsure !== null && standing.stamp.nonce === unsure.stamp.nonce) {
      this.#unsure = null;
      unsure.next();
      if (this.#known?.kind === 'archive') this.#known = { ...this.#known, etag: standing.etag };
      return this.#known;
    }
    if (before?.kind === 'archive' && standing.kind !== 'nothing' && standing.etag === before.etag) {
      this.#unsure = null;
      return before;
    }
    const known = await this.#meet(standing, signal);
    this.#unsure = null;
    this.#known = known;
    this.#tree.suspectAll();
    return known;
  }

  /** The store holds something that this process does not know. */
  async #meet(
    standing: Exclude<Awaited<ReturnType<StoredState['standing']>>, { kind: 'superseded' }>,
    signal?: AbortSignal,
  ): Promise<Known> {
    switch (standing.kind) {
      case 'nothing':
        return { kind: 'nothing' };
      case 'foreign':
        return { kind: 'archive', etag: standing.etag, index: FOREIGN_INDEX };
      case 'mine':
      case 'older':
        return {
          kind: 'archive',
          etag: standing.etag,
          index: await this.#stored.readIndex(standing.etag, signal),
        };
    }
  }
}
