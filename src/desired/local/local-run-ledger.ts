import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { openRun, type ScheduleRecord } from '../../../actors/run-record.ts';
import { errnoOf } from '../../errno.ts';
import type { Claim, Plan, RunLedger, RunName } from '../run-ledger.ts';

const FORMAT = 1;

/** One file per bot. `the0` is the format number: a newer one is refused, with a sentence. */
const storedRecord = v.object({
  the0: v.literal(FORMAT),
  botId: v.string(),
  schedule: v.nullable(v.string()),
  next: v.nullable(v.number()),
  run: v.nullable(
    v.object({
      occurrence: v.number(),
      state: v.picklist(['claimed', 'started', 'finished', 'missed']),
      incarnation: v.number(),
      owner: v.string(),
      claimedAt: v.number(),
      /** Of the newest state; for people. */
      changedAt: v.number(),
      exitCode: v.nullable(v.number()),
    }),
  ),
});

type Stored = v.InferOutput<typeof storedRecord>;

export interface LocalRunLedgerOptions {
  readonly directory: string;
  /** Who claims: the same again after a restart of the runtime, and no other's. */
  readonly owner: string;
}

/**
 * A ledger in files, for a runtime that has its data directory to itself (which is locked). Each change replaces a file as a
 * whole and is on the disk before it is answered, so that a power failure makes no run happen twice.
 */
export class LocalRunLedger implements RunLedger {
  readonly #directory: string;
  readonly #owner: string;
  /** The newest change of each bot that has one under way: they follow each other. */
  readonly #changes = new Map<string, Promise<unknown>>();
  #writes = 0;

  constructor({ directory, owner }: LocalRunLedgerOptions) {
    this.#directory = directory;
    this.#owner = owner;
  }

  async read(botId: string): Promise<ScheduleRecord | null> {
    return this.#recordOf(await this.#load(botId));
  }

  plan({ botId, schedule, expected, next }: Plan): Promise<ScheduleRecord | null> {
    return this.#change(botId, (stored) => {
      if ((stored?.next ?? null) !== expected) return null;
      return { the0: FORMAT, botId, schedule, next, run: stored?.run ?? null };
    });
  }

  claim({ botId, occurrence, expected, next, incarnation, at }: Claim): Promise<ScheduleRecord | null> {
    return this.#change(botId, (stored) => {
      if (stored === null || stored.next !== expected || openRun(this.#recordOf(stored)) !== null) return null;
      if (stored.run !== null && occurrence <= stored.run.occurrence) return null;
      const owner = this.#owner;
      const times = { claimedAt: at, changedAt: at };
      return { ...stored, next, run: { occurrence, state: 'claimed', incarnation, owner, ...times, exitCode: null } };
    });
  }

  started({ botId, occurrence, at }: RunName): Promise<ScheduleRecord | null> {
    return this.#changeRun(botId, occurrence, (run) =>
      run.state === 'claimed' && run.owner === this.#owner ? { ...run, state: 'started', changedAt: at } : null,
    );
  }

  finished({ botId, occurrence, exitCode, at }: RunName & { exitCode: number | null }): Promise<ScheduleRecord | null> {
    return this.#changeRun(botId, occurrence, (run) =>
      run.state === 'claimed' || run.state === 'started'
        ? { ...run, state: 'finished', exitCode, changedAt: at }
        : null,
    );
  }

  missed({ botId, occurrence, at }: RunName): Promise<ScheduleRecord | null> {
    return this.#changeRun(botId, occurrence, (run) =>
      run.state === 'claimed' ? { ...run, state: 'missed', changedAt: at } : null,
    );
  }

  async forget(botId: string): Promise<void> {
    await this.#inTurn(botId, () => rm(this.#path(botId), { force: true }));
  }

  async close(): Promise<void> {
    // What failed was told to whoever asked for it.
    await Promise.allSettled(this.#changes.values());
  }

  #changeRun(
    botId: string,
    occurrence: number,
    change: (run: NonNullable<Stored['run']>) => Stored['run'],
  ): Promise<ScheduleRecord | null> {
    return this.#change(botId, (stored) => {
      if (stored?.run?.occurrence !== occurrence) return null;
      const run = change(stored.run);
      return run === null ? null : { ...stored, run };
    });
  }

  /** @param change gives what is to be stored, or null when nothing changes */
  #change(botId: string, change: (stored: Stored | null) => Stored | null): Promise<ScheduleRecord | null> {
    return this.#inTurn(botId, async () => {
      const before = await this.#load(botId);
      const after = change(before);
      if (after !== null) await this.#store(botId, after);
      return this.#recordOf(after ?? before);
    });
  }

  #inTurn<Result>(botId: string, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#changes.get(botId) ?? Promise.resolve()).then(work, work);
    this.#changes.set(botId, result);
    const done = () => {
      if (this.#changes.get(botId) === result) this.#changes.delete(botId);
    };
    result.then(done, done);
    return result;
  }

  /** @throws RunLedgerError */
  async #load(botId: string): Promise<Stored | null> {
    const path = this.#path(botId);
    try {
      return v.parse(storedRecord, JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw new RunLedgerError(path, error);
    }
  }

  async #store(botId: string, record: Stored): Promise<void> {
    const path = this.#path(botId);
    this.#writes += 1;
    const unfinished = `${path}.${this.#writes}.new`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const file = await open(unfinished, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(record));
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
      const folder = await open(this.#directory, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw new RunLedgerError(path, error);
    }
  }

  /** Ids may hold what file names cannot. */
  #path(botId: string): string {
    const readable = botId.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60);
    return join(this.#directory, `${readable}-${createHash('sha256').update(botId).digest('hex').slice(0, 16)}.json`);
  }

  #recordOf(stored: Stored | null): ScheduleRecord | null {
    if (stored === null) return null;
    const { schedule, next, run } = stored;
    if (run === null) return { schedule, next, run };
    const { occurrence, state, incarnation, claimedAt, exitCode, owner } = run;
    return {
      schedule,
      next,
      run: { occurrence, state, incarnation, claimedAt, exitCode, mine: owner === this.#owner },
    };
  }
}

/** The file cannot be read or written, or is of a newer version. */
export class RunLedgerError extends Error {
  readonly code = 'run-ledger';
  constructor(path: string, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`The record of runs in ${path} cannot be used: ${what}`, { cause });
    this.name = 'RunLedgerError';
  }
}
