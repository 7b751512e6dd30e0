import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { dataPaths } from '../data-directory.ts';

/** One thing of a bot's code; `path` is relative, with `/`. */
export type CodeFile =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly executable: boolean;
    }
  /** `target` is relative to the link, and inside the bot's code. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** A file is not what it was when it was listed: read the folder again. */
export class CodeChanged extends Error {
  readonly code = 'code-changed';
  constructor(path: string) {
    super(`${path} changed while it was copied`);
    this.name = 'CodeChanged';
  }
}

const CHUNK_BYTES = 256 * 1024;
const COPIES_AT_ONCE = 8;
const TEMPORARY = '.tmp-';

/**
 * Copies of the bots' code, one directory per revision. A copy appears whole, under its final name, and is never changed
 * by the runtime afterwards. Modes let any user read it: in a container bots run as user 1000 (contract 5.2).
 */
export class CodeStore {
  readonly #paths: ReturnType<typeof dataPaths>;
  /** Copies made or looked through by this process: the others may be of a host that crashed before all was on disk. */
  readonly #known = new Set<string>();
  /** Copies that are being made, by their temporary names. */
  readonly #unfinished = new Set<string>();
  readonly #inUse: RevisionsInUse;

  constructor(root: string, inUse: RevisionsInUse) {
    this.#paths = dataPaths(root);
    this.#inUse = inUse;
  }

  /**
   * Copies these files, unless there is a copy of the revision.
   * @returns the directory of the copy
   * @throws CodeChanged, or the file system's error (ENOSPC, EACCES …)
   */
  async copyCode(botId: string, revision: string, from: string, files: readonly CodeFile[]): Promise<string> {
    const target = this.#paths.code(botId, revision);
    if (this.#known.has(target)) {
      if (await exists(target)) return target;
    } else if (await isWhole(target, files)) {
      this.#known.add(target);
      return target;
    }
    await mkdir(this.#paths.codeOf(botId), { recursive: true, mode: 0o755 });
    const temporary = join(this.#paths.codeOf(botId), `${TEMPORARY}${randomUUID()}`);
    this.#unfinished.add(temporary);
    try {
      await copyAll(from, temporary, files);
      await rm(target, { recursive: true, force: true });
      await rename(temporary, target);
    } finally {
      await rm(temporary, { recursive: true, force: true });
      this.#unfinished.delete(temporary);
    }
    this.#known.add(target);
    return target;
  }

  /** Removes copies of a bot except the current one, those that are in use, and the `spare` newest others. */
  async prune(botId: string, current: string, spare: number): Promise<void> {
    const directory = this.#paths.codeOf(botId);
    const others = (await namesIn(directory)).filter((name) => name !== current && !name.startsWith(TEMPORARY));
    const aged = await Promise.all(
      // Another call may have removed it meanwhile.
      others.map(async (name) => {
        const found = await stat(join(directory, name)).catch(unlessMissing);
        return { name, madeAt: found?.mtimeMs ?? 0 };
      }),
    );
    aged.sort((a, b) => b.madeAt - a.madeAt);
    for (const { name } of aged.slice(spare)) {
      // Asked as late as can be: a start may have been asked for meanwhile.
      if (!this.#inUse(botId).has(name)) await this.#remove(join(directory, name));
    }
  }

  async hasCopy(botId: string, revision: string): Promise<boolean> {
    return await exists(this.#paths.code(botId, revision));
  }

  /**
   * Removes the copies of all bots but these, and what an interrupted copy left.
   * @param isKept asked as late as can be: a bot may come while others are being looked through
   */
  async keepOnly(isKept: (botId: string) => boolean): Promise<void> {
    const all = dirname(this.#paths.codeOf('any'));
    for (const botId of await namesIn(all)) {
      if (!isKept(botId)) await this.#remove(join(all, botId));
      else {
        const halves = (await namesIn(join(all, botId))).filter((name) => name.startsWith(TEMPORARY));
        for (const half of halves.map((name) => join(all, botId, name))) {
          if (!this.#unfinished.has(half)) await this.#remove(half);
        }
      }
    }
  }

  async #remove(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true });
    for (const known of this.#known)
      if (known === directory || known.startsWith(`${directory}/`)) this.#known.delete(known);
  }
}

/** What a bot runs on, or is about to; a slow stop keeps an old revision running while the bot is edited again and again. */
export type RevisionsInUse = (botId: string) => ReadonlySet<string>;

export function createCodeStore(root: string, inUse: RevisionsInUse = () => new Set()): CodeStore {
  return new CodeStore(root, inUse);
}

/** Whether a copy has all files in their full length. Contents are not read again: a bot may have changed its own. */
async function isWhole(directory: string, files: readonly CodeFile[]): Promise<boolean> {
  if (!(await exists(directory))) return false;
  for (const file of files) {
    if (file.kind === 'link') continue;
    const found = await lstat(join(directory, file.path)).catch(unlessMissing);
    if (found === null || found.size !== file.sizeBytes) return false;
  }
  return true;
}

async function copyAll(from: string, to: string, files: readonly CodeFile[]): Promise<void> {
  for (const directory of directoriesOf(files)) {
    await mkdir(join(to, directory));
    // Not left to the umask: the user in the container is another. The same below.
    await chmod(join(to, directory), 0o755);
  }
  const waiting = eachOf(files);
  // All workers take from the one generator; the first that fails closes it for the others.
  const worker = async () => {
    for (const file of waiting) {
      if (file.kind === 'link') await symlink(file.target, join(to, file.path));
      else await copyFile(join(from, file.path), join(to, file.path), file);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: COPIES_AT_ONCE }, worker));
  for (const result of workers) if (result.status === 'rejected') throw result.reason;
}

function* eachOf(files: readonly CodeFile[]): Generator<CodeFile> {
  yield* files;
}

/** Parents first, beginning with the directory of the copy itself. */
function directoriesOf(files: readonly CodeFile[]): string[] {
  const directories = new Set(['.']);
  for (const { path } of files) {
    const parts = dirname(path).split('/');
    for (let depth = 1; depth <= parts.length; depth += 1) directories.add(parts.slice(0, depth).join('/'));
  }
  return [...directories].sort();
}

/** Copies and hashes in one go, so what is stored under a revision is what the revision was made from. */
async function copyFile(from: string, to: string, expected: CodeFile & { kind: 'file' }): Promise<void> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP' ? new CodeChanged(from) : error;
  });
  try {
    const target = await open(to, 'wx', expected.executable ? 0o755 : 0o644);
    try {
      if ((await pump(source, target, expected.sizeBytes)) !== expected.sha256) throw new CodeChanged(from);
      await target.chmod(expected.executable ? 0o755 : 0o644);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** @returns the hash of what was copied; of a file that grew no more is read than it takes to see that */
async function pump(source: FileHandle, target: FileHandle, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes + 1));
  for (let copied = 0; copied <= sizeBytes; ) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    await target.writeFile(buffer.subarray(0, bytesRead));
    copied += bytesRead;
  }
  return hash.digest('hex');
}

async function exists(directory: string): Promise<boolean> {
  return (await lstat(directory).catch(unlessMissing)) !== null;
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(unlessMissing)) ?? [];
}

function unlessMissing(error: unknown): null {
  if (errnoOf(error) === 'ENOENT') return null;
  throw error;
}
