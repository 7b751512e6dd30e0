import type { Buckets, ObjectStore } from '../storage/object-store.ts';
import type { UnfinishedUploads } from '../storage/unfinished-uploads.ts';
import { distrust, type Evidence, type TrustLimits } from './distrust.ts';
import { each } from './each.ts';
import { Failures } from './failures.ts';
import type { KnownBots } from './known-bots.ts';
import { LeftOvers } from './left-overs.ts';
import { LedgerUnusable, OrphanLedger, type Seen } from './orphan-ledger.ts';
import { removeOrphan } from './remove-orphan.ts';
import { StoredBots } from './stored-bots.ts';
import { botOfLog, botOfState, isChunk, LOGS_PREFIX } from './stored-names.ts';
import type { Orphan, ProblemCode, SweepProblem, SweepReport } from './sweep-report.ts';
import type { ListedCredentials, UnusedCredentials } from './unused-credentials.ts';

export interface SweepLimits extends TrustLimits {
  /** Age from which left-overs are removed; milliseconds (contract 11: 1 h). */
  readonly staleMs: number;
  /** How long a bot must have been an orphan, and its newest object old, before it is removed. */
  readonly graceMs: number;
  /** Orphans that one sweep takes notice of; the others wait for a later one. */
  readonly orphans: number;
  /** Requests that remove something, at the same time. */
  readonly removalsAtOnce: number;
}

export interface SweepOptions {
  readonly store: ObjectStore;
  readonly uploads: UnfinishedUploads;
  readonly knownBots: KnownBots;
  /** Null: bots have no credentials of their own. */
  readonly credentials: UnusedCredentials | null;
  readonly buckets: Buckets;
  readonly limits: SweepLimits;
  /** Nothing is changed, not even what sweeps remember. */
  readonly dryRun: boolean;
  readonly now: () => number;
  /** A single thing that failed, in a sentence; the sweep goes on. */
  readonly onFailure: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/**
 *   known bots ─► list logs, states ─► known bots again ─► trust? ─► ledger of orphans ─► trust? ─► remove what is due
 *                    └─► stale chunks         └─► unused credentials     (in the store)
 *   unfinished uploads, results of queries
 *
 * Known bots are read before the listing, so that only orphans are kept in memory, and after it: a bot that was created
 * meanwhile is none. A problem keeps every orphan; left-overs are removed all the same.
 * @throws only when the signal is aborted
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  return await new Sweep(options).run();
}

class Sweep {
  readonly #options: SweepOptions;
  readonly #failures: Failures;
  readonly #leftOvers: LeftOvers;
  readonly #ledger: OrphanLedger;
  readonly #startedAt: number;
  #known: ReadonlySet<string> = new Set();
  #found: StoredBots;
  #orphans: readonly Orphan[] = [];
  #due: Orphan[] = [];
  #credentials: ListedCredentials = { all: 0, unused: [] };
  #dueCredentials: string[] = [];
  readonly #removed = { bots: 0, objects: 0, bytes: 0, credentials: 0 };

  constructor(options: SweepOptions) {
    const { store, uploads, buckets, dryRun, limits, signal } = options;
    this.#options = options;
    this.#startedAt = options.now();
    this.#failures = new Failures(options.onFailure);
    const staleBefore = this.#startedAt - limits.staleMs;
    const { removalsAtOnce } = limits;
    this.#leftOvers = new LeftOvers(
      { store, uploads, buckets, dryRun, staleBefore, removalsAtOnce, signal },
      this.#failures,
    );
    this.#ledger = new OrphanLedger(store, buckets.state);
    this.#found = new StoredBots(this.#known, 0);
  }

  async run(): Promise<SweepReport> {
    let problem = await this.#find();
    await this.#leftOvers.unfinishedUploads();
    await this.#leftOvers.queryResults();
    problem ??= await this.#decide();
    if (problem === null && !this.#options.dryRun) await this.#removeDue();
    return this.#report(problem);
  }

  /** Reads who is known and what is stored. Chunks are in the same listing. */
  async #find(): Promise<SweepProblem | null> {
    const { limits } = this.#options;
    let problem: SweepProblem | null = null;
    try {
      this.#known = await this.#ids();
    } catch (error) {
      problem = this.#problem('known-bots-unreadable', error);
    }
    this.#found = new StoredBots(this.#known, limits.orphans);
    try {
      await this.#list();
    } catch (error) {
      problem ??= this.#problem('store-unreadable', error);
    }
    return problem;
  }

  /** A database that is away must not hold up the end. */
  async #ids(): Promise<ReadonlySet<string>> {
    const { knownBots, signal } = this.#options;
    return await (signal === undefined ? knownBots.ids() : unlessAborted(signal, knownBots.ids()));
  }

  async #list(): Promise<void> {
    const { store, buckets, limits, signal } = this.#options;
    const found = this.#found;
    await each(store.list(buckets.logs, LOGS_PREFIX, signal), limits.removalsAtOnce, async (object) => {
      const botId = botOfLog(object.key);
      if (botId !== null) found.stored('logs', botId, object);
      if (isChunk(object.key)) await this.#leftOvers.chunk(object);
    });
    for await (const object of store.list(buckets.state, '', signal)) {
      const botId = botOfState(object.key);
      if (botId !== null) found.stored('states', botId, object);
    }
  }

  /** Finds out which orphans are due, and whether to believe it. */
  async #decide(): Promise<SweepProblem | null> {
    const { credentials, limits, signal } = this.#options;
    try {
      this.#known = await this.#ids();
    } catch (error) {
      return this.#problem('known-bots-unreadable', error);
    }
    try {
      if (credentials !== null) this.#credentials = await credentials.list(this.#known, signal);
    } catch (error) {
      signal?.throwIfAborted();
      this.#failures.note(error);
    }
    // What was seen through a database that is not believed is not kept.
    const disbelief = distrust(this.#evidence(), limits);
    if (disbelief !== null) return disbelief;
    try {
      await this.#remember();
    } catch (error) {
      return this.#problem('ledger-unusable', error);
    }
    this.#due = this.#orphans.filter(({ dueAt }) => dueAt <= this.#startedAt);
    return distrust(this.#evidence(), limits);
  }

  #evidence(): Evidence {
    const { hasKnown, count } = this.#found;
    const { all, unused } = this.#credentials;
    const credentials = { all, unused: unused.length, due: this.#dueCredentials.length };
    return { known: this.#known.size, stored: count, hasKnown, due: this.#due.length, credentials };
  }

  async #remember(): Promise<void> {
    const { limits, dryRun, signal } = this.#options;
    const { seen, etag } = await this.#ledger.read(signal);
    this.#orphans = this.#found
      .orphans(seen.bots, this.#startedAt, limits.graceMs)
      .filter(({ botId }) => !this.#known.has(botId));
    const since = (name: string) => Math.min(seen.credentials.get(name) ?? this.#startedAt, this.#startedAt);
    const next = {
      bots: new Map(this.#orphans.map(({ botId, seenAt }) => [botId, seenAt])),
      credentials: new Map(this.#credentials.unused.slice(0, limits.orphans).map((name) => [name, since(name)])),
    };
    if (!dryRun && !isSame(seen, next)) await this.#ledger.write(next, etag, signal);
    const dueSince = this.#startedAt - limits.graceMs;
    this.#dueCredentials = [...next.credentials].filter(([, at]) => at <= dueSince).map(([name]) => name);
  }

  async #removeDue(): Promise<void> {
    const { store, buckets, credentials, limits, signal } = this.#options;
    // First what opens the rest.
    await each(this.#dueCredentials, limits.removalsAtOnce, async (name) => {
      try {
        await credentials?.remove(name, signal);
        this.#removed.credentials += 1;
      } catch (error) {
        signal?.throwIfAborted();
        this.#failures.note(error);
      }
    });
    const writtenBefore = this.#startedAt - limits.graceMs;
    await each(this.#due, limits.removalsAtOnce, async (orphan) => {
      try {
        const removed = await removeOrphan(orphan, { store, buckets, writtenBefore, signal });
        if (removed === null) return;
        for (const failure of removed.failures) this.#failures.note(failure);
        if (removed.failures.length === 0) this.#removed.bots += 1;
        this.#removed.objects += removed.objects;
        this.#removed.bytes += removed.bytes;
      } catch (error) {
        signal?.throwIfAborted();
        this.#failures.note(error);
      }
    });
  }

  #problem(code: FailureCode, error: unknown): SweepProblem {
    this.#options.signal?.throwIfAborted();
    const what = error instanceof Error ? error.message : String(error);
    return { code, sentence: `${PROBLEMS[code]}: ${what}`, hint: hintOf(error), isRefusal: false };
  }

  #report(problem: SweepProblem | null): SweepReport {
    const { now, dryRun } = this.#options;
    const isDue = new Set(this.#due);
    return {
      dryRun,
      startedAt: this.#startedAt,
      tookMs: now() - this.#startedAt,
      knownBots: this.#known.size,
      storedBots: this.#found.count,
      ...this.#leftOvers.tallies,
      removedBots: this.#removed.bots,
      removedObjects: { count: this.#removed.objects, bytes: this.#removed.bytes },
      credentials: {
        all: this.#credentials.all,
        removed: this.#removed.credentials,
        due: this.#dueCredentials.length,
        waiting: this.#credentials.unused.length - this.#dueCredentials.length,
      },
      due: this.#due,
      waiting: this.#orphans.filter((orphan) => !isDue.has(orphan)),
      isPartial: this.#found.isPartial,
      failures: { count: this.#failures.count, first: this.#failures.first },
      problem,
    };
  }
}

async function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const end = Promise.withResolvers<never>();
  const aborted = () => end.reject(signal.reason);
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([work, end.promise]);
  } finally {
    // The signal outlives many sweeps.
    signal.removeEventListener('abort', aborted);
  }
}

function isSame(before: Seen, after: Seen): boolean {
  const equal = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) =>
    a.size === b.size && [...a].every(([name, at]) => b.get(name) === at);
  return equal(before.bots, after.bots) && equal(before.credentials, after.credentials);
}

/** Problems of which an error is the cause. */
type FailureCode = Exclude<ProblemCode, 'no-known-bots' | 'no-stored-bot-known' | 'too-many-orphans'>;

const PROBLEMS: Readonly<Record<FailureCode, string>> = {
  'known-bots-unreadable': 'Which bots there are cannot be read, so nothing of any is removed',
  'store-unreadable': 'What is stored cannot be listed, so nothing of any bot is removed',
  'ledger-unusable': 'What earlier sweeps saw cannot be kept, so nothing of any bot is removed',
};

function hintOf(error: unknown): string {
  if (error instanceof LedgerUnusable) return error.hint;
  return error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : '';
}
