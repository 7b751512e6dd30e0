import {
  chmodSync,
  closeSync,
  fchmodSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ArchiveError } from './archive-error.ts';
import { type ArchiveContents, type ArchiveLimits, readArchive } from './read-archive.ts';
import { linkStaysInside, type TarEntry } from './tar-entry.ts';
import type { TarSink } from './tar-reader.ts';

/** Lets us write into a directory until all that belongs there is there. */
const OWNER_ALL = 0o700;
const OWNER_WRITE = 0o200;

/**
 * Writes what an archive holds into a directory, as the present user: content, permission bits, and the times of files.
 * Nothing is written outside the directory, or through a link: links are made when everything else is there.
 *
 * @param directory exists and is empty, except for what is named in `apart`, which the archive may not hold
 * @throws ArchiveError, the file system's error, or what the archive's bytes throw; the directory then holds a part of it
 */
export async function extractArchive(
  archive: AsyncIterable<Buffer>,
  directory: string,
  limits: ArchiveLimits,
  apart: readonly string[] = [],
): Promise<ArchiveContents> {
  if (readdirSync(directory).some((name) => !apart.includes(name))) {
    throw new ArchiveError('not-empty', `${directory} is not empty`);
  }
  const tree = new TreeWriter(directory, apart);
  try {
    const contents = await readArchive(archive, tree, limits);
    tree.finish();
    return contents;
  } finally {
    tree.close();
  }
}

class TreeWriter implements TarSink {
  readonly #root: string;
  readonly #apart: readonly string[];
  /** Modes that directories get in the end. */
  readonly #directories = new Map<string, number>();
  readonly #links = new Map<string, string>();
  /** `oldBytes` has the earlier copy that is written over. */
  #file: { readonly descriptor: number; readonly entry: TarEntry; readonly oldBytes: number } | null = null;

  constructor(root: string, apart: readonly string[]) {
    this.#root = root;
    this.#apart = apart;
  }

  begin(entry: TarEntry): void {
    const { name, kind, linkTarget } = entry;
    if (this.#apart.includes(name.split('/')[0] ?? '')) {
      throw new ArchiveError('unsafe-name', `${name} is a name that the runtime keeps for itself`);
    }
    this.#makeParents(name);
    if (kind === 'directory') {
      this.#links.delete(name);
      this.#makeDirectory(name, entry.mode);
      return;
    }
    const earlier = this.#earlierCopy(name);
    if (kind === 'file') {
      this.#file = { ...this.#open(name, earlier), entry };
      return;
    }
    if (earlier !== null) unlinkSync(join(this.#root, name));
    if (linkStaysInside(name, linkTarget)) {
      this.#links.set(name, linkTarget);
    } else {
      throw new ArchiveError('unsafe-link', `${name} is a link that leads out of the directory`);
    }
  }

  data(bytes: Buffer): void {
    if (this.#file === null) return;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file.descriptor, bytes, done);
  }

  end(): void {
    if (this.#file === null) return;
    const { descriptor, entry, oldBytes } = this.#file;
    if (oldBytes > entry.size) ftruncateSync(descriptor, entry.size);
    fchmodSync(descriptor, entry.mode);
    futimesSync(descriptor, entry.mtime, entry.mtime);
    this.close();
  }

  /** Once all entries are there. */
  finish(): void {
    for (const [name, target] of this.#links) symlinkSync(target, join(this.#root, name));
    // Children first: a directory may be one that even its owner may not write or enter.
    for (const [name, mode] of [...this.#directories].reverse()) chmodSync(join(this.#root, name), mode);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file.descriptor);
    this.#file = null;
  }

  /** An archive need not hold the directories above a file. */
  #makeParents(name: string): void {
    const parent = dirname(name);
    if (parent === '.' || this.#directories.has(parent)) return;
    this.#makeParents(parent);
    if (this.#links.has(parent)) throw new ArchiveError('conflict', `${parent} is both a link and a directory`);
    this.#makeDirectory(parent, 0o755);
  }

  #makeDirectory(name: string, mode: number): void {
    if (!this.#directories.has(name)) {
      const path = join(this.#root, name);
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there !== undefined) throw new ArchiveError('conflict', `${name} is both a file and a directory`);
      mkdirSync(path, mode | OWNER_ALL);
      chmodSync(path, mode | OWNER_ALL);
    }
    this.#directories.set(name, mode);
  }

  /** The later entry of a name wins. @returns the file that it replaces */
  #earlierCopy(name: string): Stats | null {
    this.#links.delete(name);
    const there = lstatSync(join(this.#root, name), { throwIfNoEntry: false });
    if (there?.isDirectory()) throw new ArchiveError('conflict', `${name} is both a file and a directory`);
    return there ?? null;
  }

  /** An earlier copy is written over, which costs a fifth of removing it. */
  #open(name: string, earlier: Stats | null): { readonly descriptor: number; readonly oldBytes: number } {
    const path = join(this.#root, name);
    if (earlier !== null && (earlier.mode & OWNER_WRITE) !== 0) {
      return { descriptor: openSync(path, 'r+'), oldBytes: earlier.size };
    }
    if (earlier !== null) unlinkSync(path);
    return { descriptor: openSync(path, 'wx', 0o600), oldBytes: 0 };
  }
}
