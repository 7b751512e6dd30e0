import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { canonicalJson } from '../revision.ts';
import { BOT_JSON } from './bot-json.ts';
import type { CodeFile } from './code-copies.ts';

export interface CodeLimits {
  /** Files, links and folders. */
  readonly files: number;
  readonly bytes: number;
}

/** Code that cannot be taken as it is; `path` is relative to the bot's folder. */
export class CodeUnusable extends Error {
  readonly code = 'code-unusable';
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.name = 'CodeUnusable';
    this.path = path;
  }
}

/** Code that is being changed just now: look again when it has settled. */
export class CodeInMotion extends Error {
  readonly code = 'code-in-motion';
  constructor(what: string, options?: { cause?: unknown }) {
    super(`${what} is being changed`, options);
    this.name = 'CodeInMotion';
  }
}

/** The files of a bot as found, before any is read. */
export interface CodeListing {
  readonly folder: string;
  readonly entries: readonly CodeEntry[];
  /** Changes when any file does: sizes, times and inodes of all. */
  readonly stamp: string;
  /** Newest change of any file; milliseconds since the epoch. A stamp does not tell changes within one tick apart. */
  readonly changedAt: number;
}

type CodeEntry =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number; readonly executable: boolean }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const PACKAGE_FOLDERS = new Set(['node_modules', 'vendor']);
const LEFT_OUT = /^__pycache__$|\.(?:pyc|pyo|log|tmp|temp|swp)$|~$/;

/**
 * Whether a name counts as code: hidden files, caches and logs do not. In folders of installed packages only caches are
 * left out, since some installers keep the packages themselves in hidden folders.
 */
export function isCode(name: string, inPackages: boolean): boolean {
  if (LEFT_OUT.test(name) || name === '.cache') return false;
  return inPackages || !name.startsWith('.');
}

export function isPackageFolder(name: string): boolean {
  return PACKAGE_FOLDERS.has(name);
}

/** @throws CodeUnusable, or the file system's error */
export async function listCode(folder: string, limits: CodeLimits): Promise<CodeListing> {
  const base = await realpath(folder);
  const entries: CodeEntry[] = [];
  const stamp = createHash('sha256');
  let found = 0;
  let bytes = 0;
  let changedAt = 0;

  async function walk(directory: string, inPackages: boolean): Promise<void> {
    const names = (await readdir(join(base, directory))).sort();
    // A Python virtual environment: made by a tool for this machine, and full of links out of the folder.
    if (directory !== '' && names.includes('pyvenv.cfg')) return;
    for (const name of names) {
      const path = directory === '' ? name : `${directory}/${name}`;
      if (path === BOT_JSON || !isCode(name, inPackages)) continue;
      if (++found > limits.files) throw tooLarge(`${limits.files} files and folders`);
      const stats = await lstat(join(base, path));
      changedAt = Math.max(changedAt, stats.ctimeMs);
      if (stats.isDirectory()) await walk(path, inPackages || isPackageFolder(name));
      else if (stats.isSymbolicLink()) {
        const target = await targetInside(base, path);
        if (target === null) continue;
        entries.push({ kind: 'link', path, target });
        stamp.update(canonicalJson([path, target]));
      } else if (stats.isFile()) {
        bytes += stats.size;
        const executable = (stats.mode & 0o100) !== 0;
        entries.push({ kind: 'file', path, sizeBytes: stats.size, executable });
        stamp.update(canonicalJson([path, stats.size, stats.mtimeMs, stats.ctimeMs, stats.ino, executable]));
      }
      if (bytes > limits.bytes) throw tooLarge(`${Math.round(limits.bytes / 1024 ** 2)} MiB`);
    }
  }

  await walk('', false);
  return { folder: base, entries, stamp: stamp.digest('hex'), changedAt };
}

/** Reads what was listed. That a file changed since without changing its size shows when it is copied. @throws CodeInMotion */
export async function hashCode({ folder, entries }: CodeListing): Promise<CodeFile[]> {
  const files: CodeFile[] = [];
  for (const entry of entries) {
    if (entry.kind === 'link') files.push(entry);
    else files.push({ ...entry, sha256: await hashFile(join(folder, entry.path), entry.sizeBytes) });
  }
  return files;
}

/** Names, contents and executable bits, and nothing else. */
export function codeDigest(files: readonly CodeFile[]): string {
  return createHash('sha256').update(canonicalJson(files)).digest('hex');
}

async function hashFile(path: string, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  // `end` is the last byte that is read: one more than there should be.
  const stream = createReadStream(path, { end: sizeBytes });
  for await (const chunk of stream) hash.update(chunk);
  if (stream.bytesRead !== sizeBytes) throw new CodeInMotion(path);
  return hash.digest('hex');
}

/** @returns where the link leads, relative to it; null when it leads nowhere @throws CodeUnusable when it leads out of the folder */
async function targetInside(base: string, path: string): Promise<string | null> {
  let real: string;
  try {
    real = await realpath(join(base, path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') return null;
    throw error;
  }
  if (real !== base && !real.startsWith(`${base}${sep}`)) {
    throw new CodeUnusable(path, "a link that leads out of the bot's folder; put the file itself there");
  }
  return relative(dirname(join(base, path)), real) || '.';
}

function tooLarge(limit: string): CodeUnusable {
  return new CodeUnusable('', `more than ${limit}; is there data among the code?`);
}
