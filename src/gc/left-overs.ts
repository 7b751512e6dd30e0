import type { Buckets, ListedObject, ObjectStore } from '../storage/object-store.ts';
import type { UnfinishedUploads } from '../storage/unfinished-uploads.ts';
import { each } from './each.ts';
import type { Failures } from './failures.ts';
import { isQueryResult } from './stored-names.ts';
import type { Tally } from './sweep-report.ts';

export interface LeftOverOptions {
  readonly store: ObjectStore;
  readonly uploads: UnfinishedUploads;
  readonly buckets: Buckets;
  readonly dryRun: boolean;
  /** What is older than this moment is stale; milliseconds since 1970. */
  readonly staleBefore: number;
  readonly removalsAtOnce: number;
  readonly signal: AbortSignal | undefined;
}

/** Removes what was needed only for moments. What fails is noted and left for the next sweep. */
export class LeftOvers {
  readonly #options: LeftOverOptions;
  readonly #failures: Failures;
  readonly #tallies = { chunks: newTally(), uploads: newTally(), queryResults: newTally() };

  constructor(options: LeftOverOptions, failures: Failures) {
    this.#options = options;
    this.#failures = failures;
  }

  get tallies(): { readonly chunks: Tally; readonly uploads: Tally; readonly queryResults: Tally } {
    return this.#tallies;
  }

  /** Of logs; found while these are listed. */
  async chunk(object: ListedObject): Promise<void> {
    await this.#remove(this.#options.buckets.logs, object, this.#tallies.chunks);
  }

  /** Results that nobody fetched (contract 12.4 #66). */
  async queryResults(): Promise<void> {
    const { store, buckets, signal, removalsAtOnce } = this.#options;
    await this.#through(
      each(store.list(buckets.queryResults, '', signal), removalsAtOnce, async (object) => {
        if (isQueryResult(object.key)) await this.#remove(buckets.queryResults, object, this.#tallies.queryResults);
      }),
    );
  }

  async unfinishedUploads(): Promise<void> {
    const { uploads, buckets, signal, staleBefore, dryRun, removalsAtOnce } = this.#options;
    for (const bucket of new Set([buckets.logs, buckets.state])) {
      await this.#through(
        each(uploads.list(bucket, signal), removalsAtOnce, async (upload) => {
          if (upload.begunAt >= staleBefore) return;
          await this.#counted(this.#tallies.uploads, 0, async () => {
            if (!dryRun) await uploads.abort(upload, signal);
          });
        }),
      );
    }
  }

  async #remove(bucket: string, { key, size, modifiedAt }: ListedObject, tally: MutableTally): Promise<void> {
    const { store, dryRun, staleBefore, signal } = this.#options;
    if (modifiedAt >= staleBefore) return;
    await this.#counted(tally, size, async () => {
      if (!dryRun) await store.remove({ bucket, key }, signal);
    });
  }

  async #counted(tally: MutableTally, bytes: number, remove: () => Promise<void>): Promise<void> {
    try {
      await remove();
      tally.count += 1;
      tally.bytes += bytes;
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      this.#failures.note(error);
    }
  }

  /** A listing that fails ends one kind of left-overs, not the sweep. */
  async #through(listing: Promise<void>): Promise<void> {
    try {
      await listing;
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      this.#failures.note(error);
    }
  }
}

interface MutableTally {
  count: number;
  bytes: number;
}

function newTally(): MutableTally {
  return { count: 0, bytes: 0 };
}
