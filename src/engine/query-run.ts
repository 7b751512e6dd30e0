import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { errnoOf } from '../errno.ts';
import { EngineError, type QueryRunRequest, type QueryRunResult } from './container-engine.ts';

/** Everything that is there for one query run carries its id, and with it the moment after which it is nobody's any more. */
export function queryRunId(endsBy: number): string {
  return `${endsBy}-${randomBytes(8).toString('hex')}`;
}

/** Milliseconds since the epoch; null for what is no id of a run. */
export function endsByOf(runId: string): number | null {
  const [, endsBy] = /^(\d{1,15})-[0-9a-f]{16}$/.exec(runId) ?? [];
  return endsBy === undefined ? null : Number(endsBy);
}

/** The bot as its query program sees it: one that was started to end (contract 5.2, 8.4). */
export function asQueryProgram(definition: BotDefinition): BotDefinition {
  const { id, queryEntrypoint } = definition;
  if (queryEntrypoint !== null) return { ...definition, kind: 'scheduled', entrypoint: queryEntrypoint };
  const detail = `bot ${id} does not have a query entrypoint`;
  throw new EngineError({ code: 'rejected', facts: { detail } }, detail);
}

/** Both can come from anybody, and neither can stand in an environment with such a character. @throws EngineError `rejected` */
export function assertCanBeAsked({ path, params }: Pick<QueryRunRequest, 'path' | 'params'>): void {
  if (!path.includes('\0') && !params.includes('\0')) return;
  const detail = 'a query path cannot hold the character U+0000';
  throw new EngineError({ code: 'rejected', facts: { detail } }, detail);
}

/** Fires when nobody waits for the run any more, or its own time is up. */
export class RunPatience {
  readonly signal: AbortSignal;
  readonly #askers: AbortSignal;
  readonly #deadlineMs: number;

  constructor(askers: AbortSignal, deadlineMs: number) {
    this.#askers = askers;
    this.#deadlineMs = deadlineMs;
    this.signal = AbortSignal.any([askers, AbortSignal.timeout(deadlineMs)]);
  }

  /** @throws EngineError `rejected` when it has fired */
  check(): void {
    if (this.signal.aborted) throw this.error();
  }

  error(): EngineError {
    const detail = this.#askers.aborted
      ? 'nobody waits for its answer any more'
      : `its query program did not end within ${this.#deadlineMs / 1000} s`;
    return new EngineError({ code: 'rejected', facts: { detail } }, detail);
  }

  /** `promise`, unless it fires before. @throws EngineError `rejected` then, and whatever `promise` throws */
  async race<Result>(promise: Promise<Result>): Promise<Result> {
    // When it has fired already, or does before, nobody else looks at what becomes of it.
    promise.catch(() => undefined);
    this.check();
    let fired: () => void = () => undefined;
    const end = new Promise<never>((_resolve, reject) => {
      fired = () => reject(this.error());
      this.signal.addEventListener('abort', fired);
    });
    try {
      return await Promise.race([promise, end]);
    } finally {
      this.signal.removeEventListener('abort', fired);
    }
  }
}

/** The result file of a run, in a directory of this host. The program wrote it: neither links nor pipes are followed. */
export async function readResultFile(
  path: string,
  mostBytes: number,
): Promise<Exclude<QueryRunResult['result'], 'stored'>> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) return { missing: 'what the query program has left is no file' };
      if (stats.size > mostBytes) return { missing: `it has ${stats.size} bytes, at most ${mostBytes} are allowed` };
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { missing: 'the query program has left none' };
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** Removes directories of runs that are over and whose runtime is gone. */
export async function removeOldRuns(directory: string, isOld: (runId: string) => boolean): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const [runId = ''] = name.split('.');
    if (endsByOf(runId) !== null && isOld(runId)) await rm(join(directory, name), { recursive: true, force: true });
  }
}
