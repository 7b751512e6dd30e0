/**
 * One runtime per data directory.
 *
 *   lock/7.json   {"format":1,"pid":…,"startTime":…,"released":false}
 *
 * The file with the highest number says who holds the lock. Taking it over from a holder that is gone means making the
 * next number, which only one can do; whoever made a number that is not the highest has lost. Numbers never fall, so a
 * slow one that saw an old state cannot win by it: that is why a released lock is marked and not removed.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { identityOf, isAlive } from '../../agent/process-identity.ts';
import { errnoOf } from '../../errno.ts';
import { dataPaths } from '../data-directory.ts';
import { DataDirectoryError, writeErrorFor } from './data-directory-error.ts';

const LOCK_FORMAT = 1;
/** Others may take it first as often as they like to die at once; then something is wrong with more than the lock. */
const ATTEMPTS = 50;

const anyFormat = v.object({ format: v.number() });
const holderSchema = v.object({
  format: v.literal(LOCK_FORMAT),
  pid: v.number(),
  startTime: v.string(),
  released: v.boolean(),
});
type Holder = v.InferOutput<typeof holderSchema>;

export interface DataDirectoryLock {
  /** Lets the next runtime in. Also happens by itself when this process ends. */
  release(): Promise<void>;
}

/** @throws DataDirectoryError `data-directory-in-use`, naming the process that holds it */
export async function lockDataDirectory(root: string): Promise<DataDirectoryLock> {
  const directory = dataPaths(root).lock;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const mine = await tryLock(root, directory);
      if (mine !== null) return { release: () => release(directory, mine) };
    }
  } catch (error) {
    throw writeErrorFor(error, root);
  }
  throw new DataDirectoryError('data-directory-in-use', `others keep taking the lock of ${root}`, 'Try again.');
}

/** @returns the number made, or null when another was faster */
async function tryLock(root: string, directory: string): Promise<number | null> {
  const newest = await newestNumber(directory);
  const holder = await read(directory, newest);
  if (holder !== null && !holder.released && isAlive(holder)) throw inUse(root, holder.pid);
  const mine = newest + 1;
  if (!(await make(directory, mine))) return null;
  if ((await newestNumber(directory)) !== mine) {
    await rm(file(directory, mine), { force: true });
    return null;
  }
  for (const number of await numbers(directory)) if (number < mine) await rm(file(directory, number), { force: true });
  return mine;
}

async function release(directory: string, mine: number): Promise<void> {
  try {
    await writeWhole(directory, true, (temporary) => rename(temporary, file(directory, mine)));
  } catch (error) {
    // Somebody took the whole directory away, and the lock with it.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

async function make(directory: string, number: number): Promise<boolean> {
  try {
    await writeWhole(directory, false, (temporary) => link(temporary, file(directory, number)));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A reader must never see half of it, so it gets its name when it is whole. */
async function writeWhole(
  directory: string,
  released: boolean,
  name: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(directory, `${randomUUID()}.tmp`);
  const identity = identityOf(process.pid);
  if (identity === null) throw new Error('this process cannot find its own start time (is /proc mounted?)');
  try {
    await writeFile(temporary, `${JSON.stringify({ format: LOCK_FORMAT, ...identity, released })}\n`, { mode: 0o600 });
    await name(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * @returns null when there is none, or none that can be read: it was written whole, so a crash of the host lost it
 * @throws DataDirectoryError `data-directory-newer-format`
 */
async function read(directory: string, number: number): Promise<Holder | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file(directory, number), 'utf8'));
    const any = v.safeParse(anyFormat, value);
    if (any.success && any.output.format > LOCK_FORMAT) throw newerFormat(directory, number, any.output.format);
    const holder = v.safeParse(holderSchema, value);
    return holder.success ? holder.output : null;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function newestNumber(directory: string): Promise<number> {
  return Math.max(0, ...(await numbers(directory)));
}

async function numbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => {
    const match = /^(\d{1,15})\.json$/.exec(name);
    return match?.[1] === undefined ? [] : [Number(match[1])];
  });
}

function file(directory: string, number: number): string {
  return join(directory, `${number}.json`);
}

function inUse(root: string, pid: number): DataDirectoryError {
  return new DataDirectoryError(
    'data-directory-in-use',
    `another runtime (process ${pid}) uses the data directory ${root}`,
    `Stop it with \`npx the0-runtime down\` (or \`kill ${pid}\` if that does not find it), or give this one a directory of its own with --data-dir.`,
  );
}

function newerFormat(directory: string, number: number, format: number): DataDirectoryError {
  return new DataDirectoryError(
    'data-directory-newer-format',
    `${file(directory, number)} is of a newer version of the runtime (format ${format}, this one knows ${LOCK_FORMAT})`,
    'Stop that version with its own `down` and use it again, or choose another place with --data-dir.',
  );
}
