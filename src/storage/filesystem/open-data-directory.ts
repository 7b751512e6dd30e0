import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { errnoOf } from '../../errno.ts';
import { DATA_DIRECTORY_FORMAT, type DataDirectory, dataPaths } from '../data-directory.ts';
import { DataDirectoryError, writeErrorFor } from './data-directory-error.ts';

const anyFormat = v.object({ format: v.number() });
const thisFormat = v.object({ format: v.literal(DATA_DIRECTORY_FORMAT), instance: v.pipe(v.string(), v.uuid()) });

/** Node takes the kind of a `.js` file from the nearest package.json above it, which must not be the one of a project around us. */
const NODE_PACKAGE = '{ "type": "commonjs" }\n';

/** A block of any file system, so that a full disk is found by writing and not by guessing. */
const PROBE_BYTES = 4_096;

/**
 * Opens the data directory, making it when there is none, and makes sure that it can be written to.
 * @throws DataDirectoryError
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const root = resolve(path);
  const { format, nodePackage, closed } = dataPaths(root);
  try {
    await makeDirectory(root);
    await probe(root);
    const instance = (await read(format)) ?? (await create(root, format));
    await writeFile(nodePackage, NODE_PACKAGE);
    for (const folder of closed) await close(folder);
    return { root, instance };
  } catch (error) {
    throw writeErrorFor(error, root);
  }
}

/**
 * With its parents. Node's own `recursive` tries for ever where a file system answers "no such file" although the parent is
 * there, as /proc does.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path, { mode: 0o700 }).catch(unlessExisting);
  }
}

/** Earlier versions, and whoever copied the directory, may have left it open. */
async function close(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch(unlessExisting);
  await chmod(folder, 0o700).catch((error: unknown) => {
    // Of another user, who can close it, or on a file system that has no modes.
    if (errnoOf(error) !== 'EPERM') throw error;
  });
}

function unlessExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error;
}

async function probe(root: string): Promise<void> {
  const file = join(root, `.probe-${process.pid}`);
  try {
    await writeFile(file, Buffer.alloc(PROBE_BYTES), { mode: 0o600, flush: true });
  } finally {
    await rm(file, { force: true });
  }
}

/** @returns the instance, or null when the directory is new */
async function read(path: string): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  const value = parse(text);
  const any = v.safeParse(anyFormat, value);
  if (any.success && any.output.format > DATA_DIRECTORY_FORMAT) {
    throw new DataDirectoryError(
      'data-directory-newer-format',
      `${path} is of a newer version of the runtime (format ${any.output.format}, this one knows ${DATA_DIRECTORY_FORMAT})`,
      'Use that version again, or choose another place with --data-dir.',
    );
  }
  const known = v.safeParse(thisFormat, value);
  if (known.success) return known.output.instance;
  throw new DataDirectoryError(
    'data-directory-damaged',
    `${path} is damaged: it does not hold a format number and an instance`,
    'Restore it from a copy. Without one: remove it together with what else is in the directory, or choose another place with --data-dir.',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is one way of being damaged; the caller says so.
    return undefined;
  }
}

/** Of two runtimes that do this at the same time both get the instance of the faster one. */
async function create(root: string, path: string): Promise<string> {
  const strangers = (await readdir(root)).filter((name) => !name.startsWith('.'));
  if (strangers.length > 0 && !strangers.includes('format.json')) {
    throw new DataDirectoryError(
      'data-directory-not-empty',
      `${root} holds files that are not the runtime's (${strangers.slice(0, 3).join(', ')})`,
      'Choose an empty or a new directory with --data-dir.',
    );
  }
  const temporary = join(root, `.format-${randomUUID()}`);
  const instance = randomUUID();
  try {
    await writeFile(temporary, `${JSON.stringify({ format: DATA_DIRECTORY_FORMAT, instance })}\n`, { flush: true });
    await link(temporary, path);
    return instance;
  } catch (error) {
    const other = errnoOf(error) === 'EEXIST' ? await read(path) : null;
    if (other !== null) return other;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
